# SPDX-License-Identifier: Apache-2.0
"""The parts of a generated domain's record that grow with its load."""

import dataclasses

from kvm_insight.model import sample

CPUS = 64
MIB = 1024**2


@dataclasses.dataclass(slots=True)
class Guest:
    """One domain and its counters so far."""

    uuid: str
    number: int
    vcpus: int
    load: float
    counters: dict[str, int] = dataclasses.field(default_factory=dict)
    #: Of each vCPU: run, run delay, slices, exits, halt poll.
    threads: list[list[int]] = dataclasses.field(default_factory=list)

    def add(self, name: str, grown: float) -> int:
        """Return a counter after it grew."""
        self.counters[name] = self.counters.get(name, 0) + int(grown)
        return self.counters[name]


def record(guest: Guest, load: float) -> sample.Domain:
    """Return the domain as the agent would publish it."""
    number = guest.number
    return sample.Domain(
        uuid=guest.uuid,
        name=f'instance-{number:08x}',
        epoch=f'{4000 + number}.{123456 + number}',
        state='running',
        state_reason='booted',
        identity=_identity(guest),
        libvirt_age_us=40_000 + number,
        vcpus=[
            _vcpu(guest, at, known) for at, known in enumerate(guest.threads)
        ],
        vcpus_maximum=guest.vcpus,
        threads=_threads(guest, load),
        affinity=f'0-{CPUS - 1}',
        cpu=sample.CpuControl(period_us=100_000, weight=100),
        kvm=_kvm(guest, load),
        pressure=_pressure(guest, load),
        memory=_memory(guest, load),
        disks=[_disk(guest, name, load) for name in ('vda', 'vdb')],
        interfaces=[_interface(guest, load)],
    )


def _identity(guest: Guest) -> sample.Identity:
    number = guest.number
    return sample.Identity(
        source='nova',
        instance_name=f'web-{number}',
        project_id=f'{number % 7:032x}',
        project_name=f'project-{number % 7}',
        user_id=f'{number % 11:032x}',
        user_name=f'user-{number % 11}',
        flavor=sample.Flavor(
            name=f'm1.{guest.vcpus}',
            vcpus=guest.vcpus,
            memory_bytes=guest.vcpus * 4096 * MIB,
            disk_bytes=40 * 1024 * MIB,
        ),
        image_id=guest.uuid,
        created_at='2026-11-20 10:00:00',
        nova_version='27.1.0',
    )


def _vcpu(guest: Guest, at: int, known: list[int]) -> sample.Vcpu:
    run_us, delay_us, slices, exits, poll_us = known
    return sample.Vcpu(
        index=at,
        tid=4000 + guest.number * 20 + at,
        run_us=run_us,
        run_delay_us=delay_us,
        slices=slices,
        state='S',
        affinity=f'0-{CPUS - 1}',
        last_cpu=(guest.number * 3 + at + slices) % CPUS,
        exits=exits,
        halt_poll_us=poll_us,
        halt_wait_us=exits * 30,
    )


def _threads(guest: Guest, load: float) -> list[sample.Threads]:
    run_us = load * 100_000
    return [
        sample.Threads(
            kind='emulator',
            threads=3,
            run_us=guest.add('emulator-run', run_us),
            run_delay_us=guest.add('emulator-delay', run_us / 500),
            slices=guest.add('emulator-slices', 90),
        ),
        sample.Threads(
            kind='iothread',
            threads=1,
            run_us=guest.add('iothread-run', run_us / 5),
            run_delay_us=guest.add('iothread-delay', run_us / 2500),
            slices=guest.add('iothread-slices', 20),
        ),
    ]


def _kvm(guest: Guest, load: float) -> sample.Kvm:
    exits = guest.add('exits', load * 140_000)
    return sample.Kvm(
        exits=exits,
        halt_exits=exits // 3,
        halt_poll_success_us=guest.add('poll-success', 1200),
        halt_poll_fail_us=guest.add('poll-fail', 800),
        halt_wait_us=exits * 30,
    )


def _pressure(guest: Guest, load: float) -> sample.Pressure:
    return sample.Pressure(
        cpu_some_us=guest.add('cpu-some', load * 10_000),
        cpu_full_us=0,
        memory_some_us=0,
        memory_full_us=0,
        io_some_us=guest.add('io-some', load * 5000),
        io_full_us=guest.add('io-full', load * 4000),
    )


def _memory(guest: Guest, load: float) -> sample.Memory:
    size = guest.vcpus * 4096 * MIB
    used = int(size * (0.4 + load / 4))
    return sample.Memory(
        balloon_bytes=size,
        maximum_bytes=size,
        unused_bytes=size - used,
        available_bytes=size,
        usable_bytes=size - used,
        disk_caches_bytes=size // 10,
        swap_in_bytes=0,
        swap_out_bytes=0,
        major_faults=guest.add('major', load * 3),
        minor_faults=guest.add('minor', load * 4000),
        balloon_age_us=5_000_000,
        rss_bytes=used,
        cgroup_bytes=used + 50 * MIB,
        swap_bytes=0,
        oom_kills=0,
        host_major_faults=0,
        host_minor_faults=guest.add('host-minor', load * 900),
        numa_bytes={'0': used // 2, '1': used - used // 2},
    )


def _disk(guest: Guest, name: str, load: float) -> sample.Disk:
    reads = guest.add(f'{name}-reads', load * 500)
    writes = guest.add(f'{name}-writes', load * 900)
    return sample.Disk(
        name=name,
        path=f'/var/lib/nova/instances/{guest.uuid}/{name}',
        read_requests=reads,
        read_bytes=reads * 16384,
        read_us=reads * 400,
        write_requests=writes,
        write_bytes=writes * 8192,
        write_us=writes * 900,
        flush_requests=writes // 10,
        flush_us=writes * 40,
        errors=0,
        allocation_bytes=20 * 1024 * MIB,
        capacity_bytes=40 * 1024 * MIB,
        physical_bytes=21 * 1024 * MIB,
    )


def _interface(guest: Guest, load: float) -> sample.Interface:
    received = guest.add('received', load * 9000)
    sent = guest.add('sent', load * 7000)
    return sample.Interface(
        name=f'tap{guest.uuid[:11]}',
        rx_bytes=received * 700,
        rx_packets=received,
        rx_errors=0,
        rx_drops=0,
        tx_bytes=sent * 900,
        tx_packets=sent,
        tx_errors=0,
        tx_drops=0,
    )
