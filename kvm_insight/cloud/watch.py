# SPDX-License-Identifier: Apache-2.0
"""Watch: keeps what is known of a cloud fresh, in a thread of its own.

Whoever asks never waits for Nova: the answer is the last known state, as
long as it is young enough to be planned with.
"""

import dataclasses
import logging
import threading
import time
import types
from collections.abc import Callable, Collection
from typing import Self

from kvm_insight import exception
from kvm_insight.cloud import (
    assembly,
    client,
    known,
    reader,
    settings,
    users,
)
from kvm_insight.model import cluster

LOG = logging.getLogger(__name__)

#: Nobody asked for so long: a planner that only waits needs no cloud.
_IDLE_S = 600.0
#: A wrong password, tried too often, locks the user.
_MOST_PATIENT_S = 300.0
_END_S = 5.0


@dataclasses.dataclass(slots=True)
class _Round:
    """One read, with hosts that somebody wants to be looked at again."""

    hosts: set[str] = dataclasses.field(default_factory=set)
    over: threading.Event = dataclasses.field(default_factory=threading.Event)
    error: exception.CloudError | None = None


class Watch:
    """Reads a cloud now and then; a context manager."""

    def __init__(
        self,
        asked: settings.Settings,
        connect: Callable[[settings.Settings], client.Client] = client.Client,
    ) -> None:
        """Ask nobody yet; ConfigError for what cannot work."""
        self._asked = asked
        self._client = connect(asked)
        self._reader = reader.Reader(self._client, grouped=asked.server_groups)
        self._users = users.Users(self._client)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._known: known.Known | None = None
        self._cluster: cluster.Cluster | None = None
        self._trouble: str | None = None
        #: So often in a row it was refused.
        self.refusals = 0
        self._next = _Round()
        self._wanted_s = 0.0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Return itself; reading begins when somebody asks."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        """Stop; a read that hangs does not hold up the end."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_END_S)
        self._users.stop(_END_S)
        self._client.close()

    def read(self) -> cluster.Cluster:
        """Return the last known state; CloudUnavailable if there is none
        that is young enough."""
        self._want()
        with self._lock:
            found, trouble = self._cluster, self._trouble
        if found is None:
            why = trouble or 'it is being read for the first time'
            raise exception.CloudUnavailable(f'the cloud is not known: {why}')
        age_s = time.time() - found.time_us / 1e6
        if age_s > self._asked.max_age_s:
            raise exception.CloudUnavailable(
                f'what is known of the cloud is {age_s:.0f} s old:'
                f' {trouble or "the next read is not over yet"}'
            )
        return found

    def confirm(
        self, hosts: Collection[str], within_s: float
    ) -> cluster.Cluster:
        """Return the state as a read told that began after this call;
        CloudUnavailable if none came to its end within that time."""
        self._want()
        if self.refusals:
            # Not sooner than its turn: it would be asked too often.
            raise exception.CloudUnavailable(
                f'the cloud is not known: {self._trouble}'
            )
        with self._lock:
            mine = self._next
            region = self._asked.naming_region
            mine.hosts.update(settings.bare(one, region) for one in hosts)
        self._wake.set()
        if not mine.over.wait(within_s):
            raise exception.CloudUnavailable(
                f'the cloud was not read within {within_s:g} s'
            )
        if mine.error is not None:
            raise mine.error
        return self.read()

    def _want(self) -> None:
        self._wanted_s = time.monotonic()
        with self._lock:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(
                    target=self._run, name='cloud', daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        """Read until told to stop, or until nobody has asked for long."""
        while not self._stopped:
            if time.monotonic() - self._wanted_s > _IDLE_S:
                with self._lock:
                    self._thread = None
                return
            self._wake.clear()
            with self._lock:
                this, self._next = self._next, _Round()
            try:
                self._take(self._fresh(this.hosts))
            except exception.CloudError as why:
                this.error = why
                self._fail(why)
            except Exception as why:
                # An answer that nobody thought of must not end the thread.
                if not self._stopped:
                    words = exception.unworded(why)
                    LOG.error('reading the cloud: %s', words)
                this.error = exception.CloudUnavailable(
                    f'reading it broke: {type(why).__name__}'
                )
                self._fail(this.error)
            this.over.set()
            self._wake.wait(self._pause_s())

    def _fresh(self, hosts: Collection[str]) -> known.Known:
        before = self._known
        if before is not None:
            age_s = time.time() - before.swept_us / 1e6
            if age_s < self._asked.sweep_s:
                return self._reader.poll(before, hosts)
        return self._reader.sweep(before.projects if before else {})

    def _take(self, found: known.Known) -> None:
        owners = _owners(found)
        whole = assembly.assembled(
            found,
            self._asked.cpu_mode,
            self._asked.naming_region,
            self._users.names(owners),
        )
        with self._lock:
            self._known, self._cluster = found, whole
            back, self._trouble = self._trouble, None
        self.refusals = 0
        if back is not None:
            LOG.warning('the cloud is read again')
        self._users.begin(owners)

    def _fail(self, why: exception.CloudError) -> None:
        """Keep what is known; say once what is wrong."""
        refused = isinstance(why, exception.CloudRefused)
        self.refusals = self.refusals + 1 if refused else 0
        words = str(why)
        with self._lock:
            before, self._trouble = self._trouble, words
        if before != words and not self._stopped:
            LOG.warning('the cloud cannot be read: %s; trying again', words)

    def _pause_s(self) -> float:
        poll_s = self._asked.poll_s
        patient_s = poll_s * 2.0 ** min(self.refusals, 10)
        return min(patient_s, max(poll_s, _MOST_PATIENT_S))


def _owners(found: known.Known) -> frozenset[str]:
    """Return the users who have an instance."""
    owners = (one.user_id for one in found.servers.values())
    return frozenset(one for one in owners if one)
