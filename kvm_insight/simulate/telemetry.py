# SPDX-License-Identifier: Apache-2.0
"""Telemetry: readings as the samples that an agent would publish."""

import dataclasses
from collections.abc import Iterator

from kvm_insight.model import cpulist, sample
from kvm_insight.simulate import plan, readings

#: How long the host is up when the simulation begins.
UPTIME_US = 1_000_000_000
VERSION = 'simulated'
MICRO = readings.MICRO
PERIOD_US = 100_000
#: What QEMU's own threads use, in cores.
_EMULATOR = 0.004
#: What the host's kernel uses, in parts of all CPUs.
_KERNEL = 0.004


def samples(
    host: plan.Host, found: readings.Readings, agent: readings.Agent
) -> Iterator[sample.Sample]:
    """Return one sample a reading."""
    scribe = _Scribe(host, found, agent)
    for at in range(len(found.at_us)):
        yield scribe.write(at)


class _Scribe:
    """Writes the samples of one host."""

    def __init__(
        self, host: plan.Host, found: readings.Readings, agent: readings.Agent
    ) -> None:
        self._host = host
        self._found = found
        self._agent = agent
        self._first = readings.threads(host).first
        self._guests = [
            _Guest(
                guest,
                number,
                int(self._first[number]),
                found,
                agent.libvirt_every,
            )
            for number, guest in enumerate(host.guests)
        ]
        self._cpus = cpulist.render(range(host.cpus))
        self._begun = 0
        self._life = 0

    def write(self, at: int) -> sample.Sample:
        """Return the sample of one reading."""
        found, agent = self._found, self._agent
        now_us = int(found.at_us[at])
        life = sum(second * MICRO <= now_us for second in agent.restarts_s)
        if life != self._life:
            self._life, self._begun = life, at
        first = at == self._begun
        row = _Row(
            now_us,
            found.run_us[at].tolist(),
            found.delay_us[at].tolist(),
            found.throttled_us[at].tolist(),
            None if found.slices is None else found.slices[at].tolist(),
            None if found.last_cpu is None else found.last_cpu[at].tolist(),
        )
        return sample.Sample(
            host=self._host.name,
            boot_id=f'{self._host.name}-boot',
            agent_id=f'{self._host.name}-{self._life}',
            sequence=at - self._begun,
            time_us=max(0, agent.begin_us + now_us + agent.skew_us),
            uptime_us=UPTIME_US + now_us,
            interval_us=None if first else now_us - int(found.at_us[at - 1]),
            agent=sample.Agent(version=VERSION),
            system=self._system(at, row),
            domains=[
                one.domain(at, row)
                for one in self._guests
                if one.is_there(now_us)
            ],
            ledger=found.ledgers[at] if found.ledgers and not first else None,
        )

    def _system(self, at: int, row: '_Row') -> sample.System:
        host = self._host
        begin = len(host.guests)
        services = []
        for number, one in enumerate(host.services, begin):
            first = int(self._first[number])
            used_us = sum(row.run_us[first : first + one.threads])
            services.append(
                sample.Service(
                    name=one.name, run_us=used_us, threads=one.threads
                )
            )
        services_us = sum(one.run_us for one in services)
        guests_us = sum(row.run_us) - services_us
        emulator_us = sum(one.emulator_us(row.now_us) for one in self._guests)
        kernel_us = int(_KERNEL * host.cpus * row.now_us)
        busy_us = guests_us + services_us + emulator_us + kernel_us
        return sample.System(
            cpus=self._cpus,
            user_us=services_us + emulator_us,
            system_us=kernel_us,
            guest_us=guests_us,
            idle_us=max(0, host.cpus * row.now_us - busy_us),
            memory_bytes=host.memory_bytes,
            swap_bytes=host.swap_bytes,
            services=services,
            **self._found.system(at),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """One reading as plain numbers, a thread each."""

    now_us: int
    run_us: list[int]
    delay_us: list[int]
    throttled_us: list[int]
    slices: list[int] | None
    last_cpu: list[int] | None


class _Guest:
    """Writes one life of one guest."""

    def __init__(
        self,
        guest: plan.Guest,
        number: int,
        first: int,
        found: readings.Readings,
        every: int,
    ) -> None:
        self._every = every
        self._guest = guest
        self._number = number
        self._first = first
        self._found = found
        self._affinity = [cpulist.render(cpus) for cpus in guest.cpus]
        self._whole = cpulist.render(frozenset().union(*guest.cpus))
        self._identity = _identity(guest)
        self._begin_us = max(0, int(guest.starts_s * MICRO))
        self._end_us = min(guest.ends_s * MICRO, float(sample.LIMIT))
        self._tid = 10_000 + first * 8

    def is_there(self, now_us: int) -> bool:
        """Say whether this life runs now."""
        return self._begin_us <= now_us < self._end_us

    def emulator_us(self, now_us: int) -> int:
        """Return what QEMU's own threads have used."""
        here_us = min(now_us, self._end_us) - self._begin_us
        return max(0, int(_EMULATOR * here_us))

    def domain(self, at: int, row: _Row) -> sample.Domain:
        """Return what the agent says of it at one reading."""
        guest = self._guest
        answered = at - at % self._every
        answered_us = int(self._found.at_us[answered])
        age_us = row.now_us - answered_us
        if answered_us < self._begin_us:
            # Its start made the agent ask.
            answered, age_us = at, 0
        fields = self._found.domain(self._number, at, answered)
        memory = fields.pop('memory', {})
        return sample.Domain(
            uuid=guest.uuid,
            name=guest.name,
            epoch=guest.epoch,
            state='running',
            identity=self._identity,
            libvirt_age_us=age_us,
            vcpus=self._vcpus(row),
            vcpus_maximum=guest.vcpus,
            threads=[
                sample.Threads(
                    kind='emulator',
                    threads=2,
                    run_us=self.emulator_us(row.now_us),
                    run_delay_us=0,
                )
            ],
            affinity=self._whole,
            cpu=self._control(),
            memory=sample.Memory(
                balloon_bytes=guest.memory_bytes,
                maximum_bytes=guest.memory_bytes,
                **memory,
            ),
            **fields,
        )

    def _vcpus(self, row: _Row) -> list[sample.Vcpu]:
        guest = self._guest
        limited = guest.quota_cores is not None
        found = []
        for index in range(guest.vcpus):
            if guest.plugged(index) * MICRO > row.now_us:
                continue
            at = self._first + index
            polled_us = self._polled_us(row.now_us, row.run_us[at])
            found.append(
                sample.Vcpu(
                    index=index,
                    tid=self._tid + index,
                    run_us=row.run_us[at] + (polled_us or 0),
                    run_delay_us=row.delay_us[at],
                    slices=row.slices[at] if row.slices else None,
                    state='S',
                    affinity=self._affinity[index],
                    last_cpu=row.last_cpu[at] if row.last_cpu else None,
                    throttled_us=row.throttled_us[at] if limited else None,
                    halt_poll_us=polled_us,
                )
            )
        return found

    def _polled_us(self, now_us: int, run_us: int) -> int | None:
        """Return the time polled so far: a part of what it did not run."""
        if not self._guest.polls:
            return None
        idle_us = now_us - self._begin_us - run_us
        return max(0, int(self._guest.polls * idle_us))

    def _control(self) -> sample.CpuControl:
        guest = self._guest
        if guest.quota_cores is None:
            return sample.CpuControl(weight=guest.weight)
        # As Nova sets it: on each vCPU's group, and nothing on the whole.
        share = guest.quota_cores / guest.vcpus
        return sample.CpuControl(
            weight=guest.weight,
            vcpu_quota_us=int(share * PERIOD_US),
            vcpu_period_us=PERIOD_US,
        )


def _identity(guest: plan.Guest) -> sample.Identity:
    return sample.Identity(
        source='nova',
        instance_name=guest.name,
        project_id=guest.project,
        project_name=guest.project,
        flavor=sample.Flavor(
            name=guest.flavor,
            vcpus=guest.vcpus,
            memory_bytes=guest.memory_bytes,
        ),
    )
