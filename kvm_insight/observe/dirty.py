# SPDX-License-Identifier: Apache-2.0
"""How fast domains dirty their memory, measured when somebody asks.

QEMU looks at a sample of the pages twice. libvirt starts that for nobody who
may only read, so this has a connection of its own, and a thread: a call that
hangs costs dirty rates and nothing else.
"""

import collections
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kvm_insight import exception
from kvm_insight.model import sample

if TYPE_CHECKING:
    from kvm_insight.observe import dirty_link

LOG = logging.getLogger(__name__)

#: Between two calculations on this host.
_REST_S = 5.0
#: One domain is not measured again sooner, whoever asks.
_AGAIN_S = 60.0
_MOST_WAITING = 32
#: An answer says nothing after that.
KEPT_S = 900.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came of one calculation."""

    bytes_s: int
    #: On the monotonic clock.
    at_s: float


class DirtyRates:
    """Measures one domain after the other, in a thread of its own."""

    def __init__(
        self,
        connect: 'Callable[[], dirty_link.Link]',
        rest_s: float = _REST_S,
    ) -> None:
        """Connect when the first one asks."""
        self._connect = connect
        self._rest_s = rest_s
        self._news = threading.Condition()
        self._wanted: collections.OrderedDict[str, None] = (
            collections.OrderedDict()
        )
        self._tried_s: dict[str, float] = {}
        self._answers: dict[str, Answer] = {}
        self._over = False
        self._trouble: str | None = None
        self._thread: threading.Thread | None = None

    def ask(self, uuid: str) -> None:
        """Measure this domain soon; one that was measured just now, or one
        too many, is left out."""
        with self._news:
            tried_s = self._tried_s.get(uuid)
            recent = (
                tried_s is not None and time.monotonic() - tried_s < _AGAIN_S
            )
            if recent or self._over or len(self._wanted) >= _MOST_WAITING:
                return
            self._wanted[uuid] = None
            self._news.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='dirty-rates', daemon=True
                )
                self._thread.start()

    def laid(self, one: sample.Memory | None, uuid: str) -> dict[str, int]:
        """Return the fields of a domain's memory that are known here."""
        now_s = time.monotonic()
        with self._news:
            found = self._answers.get(uuid)
        if one is None or found is None or now_s - found.at_s > KEPT_S:
            return {}
        return {
            'dirty_rate_bytes_s': found.bytes_s,
            'dirty_rate_age_us': round((now_s - found.at_s) * 1e6),
        }

    def close(self) -> None:
        """Let go; a calculation that is under way is left behind."""
        with self._news:
            self._over = True
            self._news.notify()

    def _run(self) -> None:
        link: dirty_link.Link | None = None
        while True:
            uuid = self._next()
            if uuid is None:
                break
            try:
                link = link or self._connect()
                self._keep(uuid, link.measure(uuid))
            except exception.HypervisorError as why:
                self._tell(str(why))
                if link is not None:
                    link.close()
                link = None
            except Exception:
                LOG.exception('measuring a dirty rate')
            with self._news:
                self._news.wait_for(lambda: self._over, self._rest_s)
        if link is not None:
            link.close()

    def _next(self) -> str | None:
        with self._news:
            self._news.wait_for(lambda: self._over or bool(self._wanted))
            if self._over:
                return None
            uuid, _ = self._wanted.popitem(last=False)
            now_s = time.monotonic()
            self._tried_s = {
                name: at_s
                for name, at_s in self._tried_s.items()
                if now_s - at_s < _AGAIN_S
            }
            self._tried_s[uuid] = now_s
            return uuid

    def _keep(self, uuid: str, bytes_s: int | None) -> None:
        now_s = time.monotonic()
        with self._news:
            self._answers = {
                name: one
                for name, one in self._answers.items()
                if now_s - one.at_s < KEPT_S
            }
            if bytes_s is not None:
                self._answers[uuid] = Answer(bytes_s, now_s)
        if self._trouble is not None:
            LOG.warning('dirty rates are measured again')
        self._trouble = None

    def _tell(self, why: str) -> None:
        """Say once what keeps it from measuring."""
        if why != self._trouble:
            LOG.warning('no dirty rates: %s', why)
        self._trouble = why
