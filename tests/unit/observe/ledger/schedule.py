# SPDX-License-Identifier: Apache-2.0
"""Generated schedules: what a kernel with many CPUs could report."""

import dataclasses
import random
import struct

UNATTRIBUTED, HOST, IDLE, FIRST_DOMAIN = range(4)
FIRST_SERVICE = 384
SWITCH, WAKE, MIGRATE = range(3)
PERIOD_NS = 100_000
THREADS = 1_000
_PACKED = struct.Struct('=QQQQIIIIII')


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One tracepoint; ``thread`` is a switch's prev, 0 is idle."""

    now: int
    kind: int
    cpu: int
    thread: int
    next: int = 0
    waits: bool = False
    #: When prev was put on its CPU.
    since: int = 0
    #: Not reported: the core never sees it, what happens is the same.
    missed: bool = False


@dataclasses.dataclass
class Schedule:
    """Events in order, and what the threads are."""

    cpus: int
    #: By thread; thread 0 is idle.
    entities: list[int]
    #: Part of each period for which an entity's group is throttled.
    throttled: dict[int, int]
    events: list[Event]

    def throttled_ns(self, thread: int, cpu: int, now: int) -> int:
        """Return for how long a thread's group was throttled on a CPU."""
        share = self.throttled.get(self.entities[thread], 0)
        # Not at the same moment on each CPU.
        whole, rest = divmod(now + 777 * cpu, PERIOD_NS)
        return whole * share + min(rest, share)

    def packed(self) -> bytes:
        """Return the reported events as the core's test reads them."""
        return b''.join(self._pack(event) for event in self.reported())

    def reported(self) -> list[Event]:
        """Return what the core sees."""
        return [event for event in self.events if not event.missed]

    def _pack(self, event: Event) -> bytes:
        here = there = 0
        if event.thread:
            origin = event.cpu if event.kind != MIGRATE else event.next
            here = self.throttled_ns(event.thread, origin, event.now)
        if event.kind == MIGRATE:
            there = self.throttled_ns(event.thread, event.cpu, event.now)
        elif event.next:
            there = self.throttled_ns(event.next, event.cpu, event.now)
        following = event.next if event.kind == SWITCH else 0
        return _PACKED.pack(
            event.now,
            event.since,
            here,
            there,
            event.kind,
            event.cpu,
            event.thread,
            following,
            event.waits,
            0,
        )


class Generator:
    """A machine whose scheduler rolls dice, but keeps the kernel's order."""

    def __init__(self, seed: int, cpus: int, missing: float = 0) -> None:
        self._random = random.Random(seed)
        self._missing = missing
        self._now = 1_000
        self._running = [0] * cpus
        self._since = [self._now] * cpus
        #: CPU whose last switch was not reported.
        self._blind = [False] * cpus
        self._queues: list[list[int]] = [[] for _ in range(cpus)]
        self._asleep: list[int] = []
        domains = max(8, cpus)
        # A group is not throttled while its thread runs, which dice would
        # not know; where the core has to guess that, there is no quota.
        shares = [0] if missing else [0, PERIOD_NS // 3, 0, PERIOD_NS - 500]
        throttled = {
            FIRST_DOMAIN + index: shares[(seed + index) % len(shares)]
            for index in range(domains)
        }
        kinds = [HOST, FIRST_SERVICE, FIRST_SERVICE + 1, *throttled]
        self.schedule = Schedule(cpus, [IDLE], throttled, [])
        self._kinds = kinds
        for cpu in range(cpus):
            # The first switch tells who is there: nothing is known before.
            self._tell(SWITCH, cpu, 0)
        for _ in range(cpus * 3):
            self._asleep.append(self._spawn(self._random.choice(kinds)))

    def run(self, steps: int) -> Schedule:
        """Return a schedule of so many steps."""
        actions = (
            [self._switch] * 6
            + [self._wake] * 4
            + [self._migrate] * 2
            + [self._fork]
        )
        for _ in range(steps):
            self._now += self._random.choice((0, 1, 250, 9_000, 70_000))
            self._random.choice(actions)(
                self._random.randrange(self.schedule.cpus)
            )
        self._missing = 0
        for cpu in range(self.schedule.cpus):
            # Let everyone run: the core counts a wait when it ends.
            while self._queues[cpu] or self._running[cpu]:
                self._now += 13
                self._switch(cpu, waits=False)
        return self.schedule

    def _spawn(self, kind: int) -> int:
        self.schedule.entities.append(kind)
        return len(self.schedule.entities) - 1

    def _tell(
        self,
        kind: int,
        cpu: int,
        thread: int,
        following: int = 0,
        *,
        waits: bool = False,
        missed: bool = False,
    ) -> None:
        self.schedule.events.append(
            Event(
                self._now,
                kind,
                cpu,
                thread,
                following,
                waits,
                self._since[cpu],
                missed,
            )
        )

    def _switch(self, cpu: int, *, waits: bool | None = None) -> None:
        previous = self._running[cpu]
        queue = self._queues[cpu]
        following = 0
        if queue:
            following = queue.pop(self._random.randrange(len(queue)))
        if not previous and not following:
            return
        if waits is None:
            waits = bool(previous) and self._random.random() < 0.6
        # What a thread that left in an unreported switch waits then cannot
        # be known, nor can two of them in a row: the rest must be exact.
        missed = (
            not waits
            and bool(following)
            and not self._blind[cpu]
            and self._random.random() < self._missing
        )
        self._tell(
            SWITCH, cpu, previous, following, waits=waits, missed=missed
        )
        self._blind[cpu] = missed
        self._running[cpu], self._since[cpu] = following, self._now
        if waits:
            queue.append(previous)
        elif previous and self._random.random() < 0.98:
            self._asleep.append(previous)
        elif previous and len(self.schedule.entities) < THREADS:
            # It has ended; somebody else comes some time.
            self._asleep.append(self._spawn(self._random.choice(self._kinds)))

    def _wake(self, cpu: int) -> None:
        if self._asleep:
            index = self._random.randrange(len(self._asleep))
            thread = self._asleep.pop(index)
            self._tell(WAKE, cpu, thread)
            self._queues[cpu].append(thread)

    def _migrate(self, cpu: int) -> None:
        target = self._random.randrange(self.schedule.cpus)
        queue = self._queues[cpu]
        if queue and target != cpu and not self._blind[cpu]:
            thread = queue.pop(self._random.randrange(len(queue)))
            self._tell(MIGRATE, target, thread, cpu)
            self._queues[target].append(thread)

    def _fork(self, cpu: int) -> None:
        parent = self._running[cpu]
        if parent and len(self.schedule.entities) < THREADS // 2:
            child = self._spawn(self.schedule.entities[parent])
            self._tell(WAKE, cpu, child)
            self._queues[cpu].append(child)
