# SPDX-License-Identifier: Apache-2.0
"""The ledger the long way: lists of waiters, charged at every event."""

import collections
import dataclasses

from tests.unit.observe.ledger import schedule

RING = 1024
Cells = dict[tuple[int, int], int]


@dataclasses.dataclass
class Wait:
    """One thread on one queue: whom it waited for, in order."""

    cpu: int
    since: int
    throttled: int
    #: (runner, ns, how many segments the CPU had closed when it began).
    pieces: list[tuple[int, int, int]] = dataclasses.field(
        default_factory=list
    )
    closed: int = 0


class Replay:
    """What a schedule comes to, told by brute force."""

    def __init__(self, plan: schedule.Schedule) -> None:
        self._plan = plan
        self.ledger: Cells = collections.Counter()
        self.quota: Cells = collections.Counter()
        self.waited: dict[int, int] = collections.Counter()
        self.waits = 0
        self._running = [schedule.UNATTRIBUTED] * plan.cpus
        self._closed = [0] * plan.cpus
        self._until = [0] * plan.cpus
        self._waits: dict[int, Wait] = {}
        for event in plan.events:
            self._apply(event)

    def _apply(self, event: schedule.Event) -> None:
        cpu, now = event.cpu, event.now
        self._account(cpu, now)
        if event.kind == schedule.SWITCH:
            if event.next:
                self._end(event.next, now)
            runner = self._plan.entities[event.next]
            if runner != self._running[cpu]:
                self._running[cpu] = runner
                self._closed[cpu] += 1
            if event.waits:
                self._begin(event.thread, cpu, now)
        elif event.kind == schedule.WAKE:
            self._begin(event.thread, cpu, now)
        elif event.thread in self._waits:
            self._account(event.next, now)
            self._end(event.thread, now)
            self._begin(event.thread, cpu, now)

    def _account(self, cpu: int, now: int) -> None:
        passed = now - self._until[cpu]
        self._until[cpu] = now
        if passed:
            piece = (self._running[cpu], passed, self._closed[cpu])
            for wait in self._waits.values():
                if wait.cpu == cpu:
                    wait.pieces.append(piece)

    def _begin(self, thread: int, cpu: int, now: int) -> None:
        entity = self._plan.entities[thread]
        if schedule.FIRST_DOMAIN <= entity < schedule.FIRST_SERVICE:
            throttled = self._plan.throttled_ns(thread, cpu, now)
            wait = Wait(cpu, now, throttled, closed=self._closed[cpu])
            self._waits[thread] = wait

    def _end(self, thread: int, now: int) -> None:
        wait = self._waits.pop(thread, None)
        if wait is None:
            return
        victim = self._plan.entities[thread]
        throttled = self._plan.throttled_ns(thread, wait.cpu, now)
        quota = throttled - wait.throttled
        self.waited[victim] += now - wait.since
        self.waits += 1
        # The ring keeps so many segments, and of the oldest only the end.
        known = self._closed[wait.cpu] - RING + 1
        overrun = self._closed[wait.cpu] - wait.closed > RING
        for runner, passed, closed in wait.pieces:
            lost = overrun and closed < known
            cell = (victim, schedule.UNATTRIBUTED if lost else runner)
            part = min(passed, quota)
            quota -= part
            self.quota[cell] += part
            self.ledger[cell] += passed - part
