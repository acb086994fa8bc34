# SPDX-License-Identifier: Apache-2.0
"""The forwarder: drains the spool into a producer, in its own thread.

Oldest first, a bounded number in flight, at a capped rate after an outage; a
record leaves the spool when the bus has acknowledged it. A record may arrive
twice (consumers drop it by host, agent id and sequence), none is left out.
"""

import collections
import dataclasses
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from kvm_insight import exception
from kvm_insight.bus import delivery, entry, port, spool

LOG = logging.getLogger(__name__)

State = Literal['connecting', 'up', 'away', 'refused']


_LOOK_EVERY_S = 0.5
#: The same while the spool is empty: what comes wakes it.
_LOOK_RARELY_S = 5.0
_LOOK_OFTEN_S = 0.02
#: So many go out while nobody knows whether the bus is there.
_PROBES = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """How fast, and how patiently."""

    #: Records, and their bytes in the spool, that wait for the bus's answer.
    in_flight: int = 100
    in_flight_bytes: int = 2 * 1024 * 1024
    #: Records a second while catching up after an outage.
    catch_up_per_s: float = 20.0
    #: After an outage each agent waits up to this long before it catches up.
    jitter_s: float = 5.0
    #: No answer for so long: the bus counts as away.
    away_after_s: float = 15.0
    #: Between attempts at a bus that refuses or fails.
    retry_s: float = 5.0


class Status(NamedTuple):
    """What the forwarder says of itself."""

    state: State
    cause: str | None
    delivered: int
    #: Records that the bus will never take; dropped.
    refused: int
    in_flight: int


class _Sent(NamedTuple):
    entry: entry.Entry
    fate: port.Delivery
    at_s: float


class Forwarder:
    """Owns the producer from ``start`` to ``stop``."""

    def __init__(
        self,
        store: spool.Spool,
        producer: port.Producer,
        settings: Settings | None = None,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Connect the two; nothing moves before ``start``."""
        self._spool = store
        self._producer = producer
        self._settings = settings or Settings()
        self._chance = chance
        self._sent: collections.deque[_Sent] = collections.deque()
        self._failure: exception.BusError | None = None
        self._allowed = float(self._settings.in_flight)
        self._allowed_at = time.monotonic()
        self._quiet_until = 0.0
        self._end_by: float | None = None
        self._work = delivery.Wakeup()
        self._state: State = 'connecting'
        self._cause: str | None = None
        self._delivered = 0
        self._refused = 0
        self._thread = threading.Thread(
            target=self._run, name='kvm-insight-forwarder', daemon=True
        )

    def start(self) -> None:
        """Begin with the oldest record of the spool."""
        self._spool.on_append(self._work.set)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Drain the spool for so long, if the bus is up; close the producer.

        What was not acknowledged stays in the spool.
        """
        self._end_by = time.monotonic() + timeout_s
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s + 1.0)
        self._producer.close(linger_s=0)

    def status(self) -> Status:
        """Return how it goes; from any thread."""
        return Status(
            self._state,
            self._cause,
            self._delivered,
            self._refused,
            len(self._sent),
        )

    def _run(self) -> None:
        while not self._over():
            try:
                moved = self._step()
            except Exception:
                # The one thread that empties the spool must live on.
                LOG.exception('forwarding failed, going on')
                self._work.wait(1.0)
            else:
                if not moved:
                    self._work.wait(self._pause_s())

    def _pause_s(self) -> float:
        if self._sent:
            return _LOOK_OFTEN_S
        return _LOOK_EVERY_S if self._spool.pending else _LOOK_RARELY_S

    def _over(self) -> bool:
        if self._end_by is None:
            return False
        return (
            not self._spool.pending
            or self._state in ('away', 'refused')
            or time.monotonic() > self._end_by
        )

    def _step(self) -> bool:
        """Say whether anything moved."""
        moved = self._reap()
        self._judge()
        if self._failure is not None:
            self._start_over()
        elif time.monotonic() >= self._quiet_until:
            moved = self._send() or moved
        return moved

    # What came back

    def _reap(self) -> bool:
        acked = []
        while self._sent and self._sent[0].fate.done():
            sent = self._sent.popleft()
            if self._settled(sent):
                acked.append(sent.entry.id)
        self._spool.ack(acked)
        return bool(acked)

    def _settled(self, sent: _Sent) -> bool:
        """Say whether the record may leave the spool."""
        try:
            sent.fate.result(0)
        except exception.RecordRefused as why:
            LOG.error(
                'a record for %s is never taken, dropped: %s',
                sent.entry.topic,
                why,
            )
            self._refused += 1
            return True
        except exception.BusError as why:
            self._failure = self._failure or why
            return False
        self._delivered += 1
        self._say_up()
        return True

    def _start_over(self) -> None:
        """After a failure: wait for the rest in flight, begin at the oldest.

        Sending on would put later records before the one that failed.
        """
        overdue = time.monotonic() - self._settings.away_after_s
        if self._sent and self._sent[0].at_s > overdue:
            return
        self._sent.clear()
        self._spool.rewind()
        self._failure = None
        self._quiet_until = time.monotonic() + self._settings.retry_s

    # What goes out

    def _send(self) -> bool:
        if self._spool.pending <= len(self._sent):
            return False
        count = self._room()
        if count <= 0:
            return False
        entries = self._spool.take(count)
        now = time.monotonic()
        for one in entries:
            fate = self._producer.publish(
                one.topic,
                one.key,
                one.value,
                timestamp_ms=one.timestamp_ms,
                headers=one.headers,
            )
            self._sent.append(_Sent(one, fate, now))
        self._allowed -= len(entries)
        return bool(entries)

    def _room(self) -> int:
        """Return how many records may go out now."""
        now = time.monotonic()
        most = self._settings.in_flight
        self._allowed = min(
            float(most),
            self._allowed
            + (now - self._allowed_at) * self._settings.catch_up_per_s,
        )
        self._allowed_at = now
        if self._state != 'up':
            most = min(most, _PROBES)
        if (
            sum(sent.entry.size for sent in self._sent)
            >= self._settings.in_flight_bytes
        ):
            return 0
        return min(most - len(self._sent), int(self._allowed), _PROBES)

    # What is said

    def _judge(self) -> None:
        """Find out whether the bus is away, and say so once."""
        why = self._failure or self._producer.trouble()
        if why is None and self._sent:
            age = time.monotonic() - self._sent[0].at_s
            if age > self._settings.away_after_s:
                why = exception.BusUnavailable(f'no answer for {age:.0f} s')
        if why is not None:
            self._say_down(why)

    def _say_down(self, why: exception.BusError) -> None:
        refused = isinstance(why, exception.BusRefused)
        state: State = 'refused' if refused else 'away'
        cause = ' '.join(str(why).split())
        if state != self._state or (refused and cause != self._cause):
            LOG.error(
                'bus %s: %s; records wait in the spool (%d now)',
                'refuses' if refused else 'away',
                cause,
                self._spool.pending,
            )
        self._state, self._cause = state, cause

    def _say_up(self) -> None:
        if self._state in ('away', 'refused'):
            wait_s = self._chance() * self._settings.jitter_s
            LOG.warning(
                'bus back: catching up %d records, in %.1f s',
                self._spool.pending,
                wait_s,
            )
            # Not all agents of a cloud at once, nor all that they have.
            self._quiet_until = time.monotonic() + wait_s
            self._allowed = 0.0
        self._state, self._cause = 'up', None
