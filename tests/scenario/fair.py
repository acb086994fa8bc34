# SPDX-License-Identifier: Apache-2.0
"""A small fair-share host: guests with duty cycles in, samples out.

Time goes in slices of 5 ms; on each CPU the thread that had least runs next.
The ledger is exact: whoever ran on the CPU where a thread waited. This stands
in for real guests only where those would take minutes.
"""

import dataclasses
import hashlib
import random
from collections.abc import Iterator

from kvm_insight.model import cpulist, entity, inventory, sample, usage

SLICE_US = 20_000
BEGIN_US = 1_700_000_000_000_000
PERIOD_US = 100_000


@dataclasses.dataclass(slots=True)
class Guest:
    """A guest that is busy for a part of each second, by a schedule."""

    name: str
    #: (seconds, duty) one after the other, again and again.
    schedule: tuple[tuple[float, float], ...]
    cpus: tuple[int, ...]
    vcpus: int = 1
    quota: float | None = None
    weight: int = 100
    project: str = 'blue'
    cycle_s: float = 1.0
    starts_s: float = 0.0
    ends_s: float = float('inf')
    epoch: str = '100.1'
    poll: float = 0.0
    flavor: str | None = None

    @property
    def uuid(self) -> str:
        """Return a UUID made from the name."""
        text = hashlib.sha256(self.name.encode()).hexdigest()
        return '-'.join(
            [text[:8], text[8:12], text[12:16], text[16:20], text[20:32]]
        )

    def duty(self, now_s: float) -> float:
        """Return which part of each cycle it wants at this time."""
        whole = sum(seconds for seconds, _ in self.schedule)
        left = now_s % whole
        for seconds, duty in self.schedule:
            if left < seconds:
                return duty
            left -= seconds
        return 0.0


@dataclasses.dataclass(slots=True)
class Process:
    """A busy process of the host itself."""

    name: str
    schedule: tuple[tuple[float, float], ...]
    cpus: tuple[int, ...]


@dataclasses.dataclass(slots=True)
class _Thread:
    entity: str
    cpus: tuple[int, ...]
    weight: int
    run_us: int = 0
    delay_us: int = 0
    throttled_us: int = 0
    served: float = 0.0
    cpu: int = 0
    cycle: float = 0.0
    duty: float = 0.0


class Host:
    """The host; ``samples`` runs it."""

    def __init__(
        self,
        guests: list[Guest],
        processes: list[Process] | None = None,
        *,
        cpus: int = 2,
        seed: int = 1,
        interval_s: float = 10.0,
        source: str | None = 'ebpf',
        confidence: float = 1.0,
        slice_us: int = SLICE_US,
    ) -> None:
        self.guests = guests
        self.processes = processes or []
        self.cpus = cpus
        self.interval_s = interval_s
        self.source = source
        self.confidence = confidence
        self.slice_us = slice_us
        self._random = random.Random(seed)
        self._threads: dict[str, list[_Thread]] = {}
        self._budget: dict[str, float] = {}
        self._charges: dict[str, dict[str, int]] = {}
        for guest in guests:
            who = entity.domain(guest.uuid)
            self._threads[who] = [
                self._thread(who, guest.cpus, guest.weight)
                for _ in range(guest.vcpus)
            ]
        for process in self.processes:
            who = entity.service(process.name)
            self._threads[who] = [self._thread(who, process.cpus, 100)]

    def samples(self, seconds: float) -> Iterator[sample.Sample]:
        """Run the host; yield a sample each interval, the first at once."""
        slices = int(seconds * 1e6) // self.slice_us
        next_us = 0
        sequence = 0
        for number in range(slices + 1):
            now_us = number * self.slice_us
            if now_us >= next_us:
                yield self._sample(sequence, now_us)
                sequence += 1
                jitter = self._random.uniform(-0.02, 0.02)
                next_us = int((sequence + jitter) * self.interval_s * 1e6)
            self._slice(now_us)

    def _thread(self, who: str, cpus: tuple[int, ...], weight: int) -> _Thread:
        return _Thread(who, cpus, weight, cycle=-self._random.random())

    def _slice(self, now_us: int) -> None:
        runnable = self._runnable(now_us)
        queues: dict[int, list[_Thread]] = {}
        for thread in sorted(runnable, key=lambda one: one.served):
            allowed = sorted(
                thread.cpus,
                key=lambda cpu: (len(queues.get(cpu, ())), cpu != thread.cpu),
            )
            thread.cpu = allowed[0]
            queues.setdefault(allowed[0], []).append(thread)
        for queue in queues.values():
            first = queue[0]
            first.run_us += self.slice_us
            first.served += self.slice_us / first.weight
            if first.entity in self._budget:
                self._budget[first.entity] -= self.slice_us
            for thread in queue[1:]:
                thread.delay_us += self.slice_us
                self._charge(thread.entity, first.entity)

    def _runnable(self, now_us: int) -> list[_Thread]:
        found = []
        now_s = now_us / 1e6
        for guest in self.guests:
            if not guest.starts_s <= now_s < guest.ends_s:
                continue
            who = entity.domain(guest.uuid)
            if guest.quota is not None and now_us % PERIOD_US == 0:
                self._budget[who] = guest.quota * PERIOD_US
            for thread in self._threads[who]:
                if not self._wants(thread, guest, now_s):
                    continue
                if self._budget.get(who, 1) > 0:
                    found.append(thread)
                else:
                    thread.delay_us += self.slice_us
                    thread.throttled_us += self.slice_us
                    self._charge(who, entity.QUOTA)
        for process in self.processes:
            whole = Guest(process.name, process.schedule, process.cpus)
            found += [
                thread
                for thread in self._threads[entity.service(process.name)]
                if self._wants(thread, whole, now_s)
            ]
        if found:
            mean = sum(thread.served for thread in found) / len(found)
            for thread in found:
                # A sleeper does not bank the time in which it slept.
                thread.served = max(thread.served, mean - self.slice_us / 50)
        return found

    def _wants(self, thread: _Thread, guest: Guest, now_s: float) -> bool:
        if now_s >= thread.cycle + guest.cycle_s:
            # The next cycle begins a little late, as a guest's does.
            thread.cycle = now_s + self._random.uniform(0, 0.05)
            thread.duty = guest.duty(now_s)
        return 0 <= now_s - thread.cycle < thread.duty * guest.cycle_s

    def _charge(self, victim: str, runner: str) -> None:
        row = self._charges.setdefault(victim, {})
        row[runner] = row.get(runner, 0) + self.slice_us

    def _sample(self, sequence: int, now_us: int) -> sample.Sample:
        uptime_us = now_us + 1_000_000_000
        here = [
            guest
            for guest in self.guests
            if guest.starts_s <= now_us / 1e6 < guest.ends_s
        ]
        busy_us = sum(
            thread.run_us for row in self._threads.values() for thread in row
        )
        ledger = None
        if self.source in ('ebpf', 'sampled'):
            ledger = self._ledger(here, sequence)
        return sample.Sample(
            host='lab/one',
            boot_id='boot-1',
            agent_id='agent-1',
            sequence=sequence,
            time_us=BEGIN_US + now_us,
            uptime_us=uptime_us,
            agent=sample.Agent(version='1'),
            system=sample.System(
                cpus=cpulist.render(range(self.cpus)),
                user_us=busy_us,
                services=[
                    sample.Service(
                        name=process.name,
                        run_us=self._threads[entity.service(process.name)][
                            0
                        ].run_us,
                        threads=1,
                    )
                    for process in self.processes
                ],
            ),
            domains=[self._domain(guest, now_us) for guest in here],
            ledger=ledger,
        )

    def _ledger(self, here: list[Guest], sequence: int) -> sample.Ledger:
        rows = [
            sample.Row(
                victim=guest.uuid,
                charges=self._charges.get(entity.domain(guest.uuid), {}),
                confidence=self.confidence,
            )
            for guest in here
        ]
        self._charges = {}
        return sample.Ledger(
            source='ebpf' if self.source == 'ebpf' else 'sampled',
            interval_us=int(self.interval_s * 1e6) if sequence else 0,
            rows=rows,
        )

    def _domain(self, guest: Guest, now_us: int) -> sample.Domain:
        threads = self._threads[entity.domain(guest.uuid)]
        affinity = cpulist.render(guest.cpus)
        quota_us = None
        if guest.quota is not None:
            quota_us = int(guest.quota * PERIOD_US)
        poll_us = int(guest.poll * now_us)
        return sample.Domain(
            uuid=guest.uuid,
            name=guest.name,
            epoch=guest.epoch,
            state='running',
            identity=sample.Identity(
                source='nova',
                instance_name=guest.name,
                project_id=guest.project,
                project_name=guest.project,
                flavor=sample.Flavor(name=guest.flavor)
                if guest.flavor
                else None,
            ),
            vcpus=[
                sample.Vcpu(
                    index=at,
                    tid=1000 + at,
                    run_us=thread.run_us + poll_us,
                    run_delay_us=thread.delay_us,
                    affinity=affinity,
                    halt_poll_us=poll_us if guest.poll else None,
                )
                for at, thread in enumerate(threads)
            ],
            cpu=sample.CpuControl(
                weight=guest.weight,
                quota_us=quota_us,
                period_us=PERIOD_US if quota_us else None,
                throttled_us=sum(one.throttled_us for one in threads),
            ),
        )


def small_flavor() -> inventory.FlavorFacts:
    """Return what a planner tells of instances that rarely wait elsewhere,
    of the day before the hour in which the samples begin."""
    hour_us = BEGIN_US // usage.HOUR_US * usage.HOUR_US
    return inventory.FlavorFacts(
        flavor='small',
        cohort=inventory.Cohort(
            since_us=hour_us - 24 * usage.HOUR_US,
            until_us=hour_us,
            instances=20,
            hosts=9,
            suffering=0.01,
            deviation=0.01,
            use=0.2,
            peak=0.6,
        ),
    )
