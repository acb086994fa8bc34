# SPDX-License-Identifier: Apache-2.0
"""Generated hosts for the analyzer's benchmark: records as an agent's.

Each domain wants CPU by a load that wanders; on a host with contention one
domain after another goes to full speed for some minutes, and its victims wait.
Disks, interfaces and memory grow with the load. All of it is made from a seed.
"""

import hashlib
from collections.abc import Iterator

import numpy

from benchmarks import fleet_domain
from kvm_insight.model import codec, entity, sample

DOMAINS = 30
INTERVAL_US = 10_000_000
_BEGIN_US = 1_700_000_000_000_000
_SIZES = (1, 2, 2, 4, 4, 8)
#: One incident in so many samples, for so many, at a time of its own.
_EVERY = 60
_LASTS = 24
_VICTIMS = 3
_SERVICES = ('libvirtd.service', 'nova-compute.service', 'ovs.service')
fleet_domain.MIB = 1024**2


class Host:
    """One host; ``records`` runs it."""

    def __init__(self, name: str, seed: int, *, contended: bool) -> None:
        self.name = name
        self._contended = contended
        self._random = numpy.random.default_rng(seed)
        self._phase = int(self._random.integers(_EVERY))
        self._number = 0
        self._busy_us = 0
        self._services = dict.fromkeys(_SERVICES, 0)
        self._guests = [self._guest(number) for number in range(DOMAINS)]

    def records(self, count: int) -> Iterator[bytes]:
        """Yield the next samples, encoded."""
        for _ in range(count):
            yield codec.encode(self._sample())

    def _guest(self, number: int) -> fleet_domain.Guest:
        text = hashlib.sha256(f'{self.name}/{number}'.encode()).hexdigest()
        cuts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:32])
        vcpus = int(self._random.choice(_SIZES))
        load = float(self._random.uniform(0.02, 0.5))
        return fleet_domain.Guest(
            '-'.join(cuts), number, vcpus, load, {}, [[0] * 5] * vcpus
        )

    def _sample(self) -> sample.Sample:
        self._number += 1
        time_us = self._number * INTERVAL_US
        aggressor, victims = self._incident()
        rows = []
        domains = []
        for guest in self._guests:
            share = float(self._random.uniform(0, 0.003))
            load = guest.load * float(self._random.uniform(0.6, 1.4))
            if guest.number == aggressor:
                load = 1.0
            if guest.number in victims:
                share, load = 0.25, max(load, 0.4)
            delay_us = self._work(guest, min(load, 0.99), share)
            rows.append(self._row(guest, delay_us, aggressor))
            domains.append(fleet_domain.record(guest, load))
        return sample.Sample(
            host=self.name,
            hypervisor_hostname=f'{self.name}.example.org',
            compute_id=self._guests[0].uuid,
            boot_id='5d9b2f7e-1f0c-4f6e-9a0b-8f3f6f2b1c11',
            agent_id='b3d1c1b0-7d29-4f0e-8a53-0d6f3cf0a9e2',
            sequence=self._number,
            time_us=_BEGIN_US + time_us,
            uptime_us=1_000_000_000 + time_us,
            interval_us=INTERVAL_US,
            agent=self._agent(),
            system=self._system(),
            domains=domains,
            ledger=sample.Ledger(
                source='ebpf',
                interval_us=INTERVAL_US,
                rows=rows,
                missed_switches=0,
                overruns=0,
                completeness=0.998,
            ),
        )

    def _incident(self) -> tuple[int, frozenset[int]]:
        """Return who is at full speed now, and who waits for it."""
        story, at = divmod(self._number + self._phase, _EVERY)
        if not self._contended or at >= _LASTS:
            return -1, frozenset()
        first = story * (_VICTIMS + 1)
        victims = [(first + n) % DOMAINS for n in range(1, _VICTIMS + 1)]
        return first % DOMAINS, frozenset(victims)

    def _work(
        self, guest: fleet_domain.Guest, load: float, share: float
    ) -> int:
        """Let the vCPUs run, and wait for their share of what they want."""
        total_us = 0
        for at, known in enumerate(guest.threads):
            wanted = load * INTERVAL_US
            wanted *= float(self._random.uniform(0.9, 1.0))
            delay_us = int(wanted * share)
            run_us = int(wanted) - delay_us
            grown = (run_us, delay_us, run_us // 900, run_us // 70, 2000)
            guest.threads[at] = [
                before + more
                for before, more in zip(known, grown, strict=True)
            ]
            self._busy_us += run_us
            total_us += delay_us
        return total_us

    def _row(
        self, guest: fleet_domain.Guest, delay_us: int, aggressor: int
    ) -> sample.Row:
        """Charge the wait: to the aggressor, or to some that were there."""
        others = self._random.integers(0, DOMAINS, 4).tolist()
        weights = {(guest.number + 1) % DOMAINS: 2, guest.number: 1}
        weights |= dict.fromkeys(others, 1)
        if aggressor >= 0:
            weights[aggressor] = 20
        whole = sum(weights.values()) + 1
        charges = {
            entity.domain(self._guests[who].uuid): delay_us * weight // whole
            for who, weight in weights.items()
        }
        rest = delay_us - sum(charges.values())
        charges[entity.HOST] = rest // 2
        charges[entity.UNATTRIBUTED] = rest - rest // 2
        return sample.Row(victim=guest.uuid, charges=charges, confidence=0.99)

    def _agent(self) -> sample.Agent:
        names = ('libvirt', 'tick', 'sweep', 'memory', 'ledger', 'identity')
        return sample.Agent(
            version='1.0.0',
            spooled=0,
            ticks=1,
            cpu_us=self._number * 40_000,
            rss_bytes=50 * fleet_domain.MIB,
            collectors=[
                sample.Collector(name=name, duration_us=9000, success=True)
                for name in names
            ],
        )

    def _system(self) -> sample.System:
        busy_us = self._busy_us
        for name in _SERVICES:
            self._services[name] += int(self._random.integers(10**4, 10**5))
        busy_us += sum(self._services.values()) + self._number * 50_000
        idle_us = max(
            0, self._number * INTERVAL_US * fleet_domain.CPUS - busy_us
        )
        return sample.System(
            cpus=f'0-{fleet_domain.CPUS - 1}',
            user_us=sum(self._services.values()),
            nice_us=0,
            system_us=self._number * 50_000,
            idle_us=idle_us,
            iowait_us=self._number * 1000,
            irq_us=0,
            softirq_us=0,
            steal_us=0,
            guest_us=self._busy_us,
            load1=20.5,
            memory_bytes=512 * 1024 * fleet_domain.MIB,
            memory_available_bytes=200 * 1024 * fleet_domain.MIB,
            services=[
                sample.Service(name=name, run_us=run_us, threads=10)
                for name, run_us in self._services.items()
            ],
        )
