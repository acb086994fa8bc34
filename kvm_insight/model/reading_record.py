# SPDX-License-Identifier: Apache-2.0
"""A reading as a sample again, for those who go on where one stood."""

from collections.abc import Iterator, Sequence
from typing import Any

from kvm_insight.model import reading, sample

Row = list[int | None]


def of(one: reading.Reading) -> sample.Sample:
    """Return a sample that has the reading's counters and nothing else."""
    rows = [iter(reading.counts(table)) for table in one.tables]
    return sample.Sample(
        host=one.host,
        boot_id=one.boot_id,
        agent_id=one.agent_id,
        sequence=one.sequence,
        time_us=one.time_us,
        uptime_us=one.uptime_us,
        agent=sample.Agent(version=''),
        system=one.system,
        domains=[
            _domain(head, words, rows) for head, words in one.layout.parts()
        ],
    )


def _domain(
    head: Sequence[Any], words: Sequence[Any], rows: Sequence[Iterator[Row]]
) -> sample.Domain:
    vcpus, threads, disks, interfaces, once = rows
    uuid, epoch, *counts = head
    names = iter(words)
    alive, age_us, throttled_us, success_us, fail_us, *memory = next(once)
    return sample.Domain(
        uuid=uuid,
        name=uuid,
        epoch=epoch,
        state='running' if alive else 'unknown',
        libvirt_age_us=age_us,
        vcpus=[
            sample.Vcpu(
                index=next(names),
                tid=next(names),
                **_named(reading.VCPU, next(vcpus)),
            )
            for _ in range(counts[0])
        ],
        threads=[
            sample.Threads(
                kind=next(names), **_named(reading.THREADS, next(threads))
            )
            for _ in range(counts[1])
        ],
        cpu=_any(sample.CpuControl, ('throttled_us',), [throttled_us]),
        kvm=_any(sample.Kvm, reading.POLL, [success_us, fail_us]),
        memory=_any(sample.Memory, reading.MEMORY, memory),
        disks=[
            sample.Disk(
                name=next(names),
                path=next(names),
                **_named(reading.DISK, next(disks)),
            )
            for _ in range(counts[2])
        ],
        interfaces=[
            sample.Interface(
                name=next(names),
                **_named(reading.INTERFACE, next(interfaces)),
            )
            for _ in range(counts[3])
        ],
    )


def _named(names: Sequence[str], row: Row) -> dict[str, Any]:
    return dict(zip(names, row, strict=True))


def _any(kind: type[Any], names: Sequence[str], row: Row) -> Any:
    """Return a part of a domain, or None where nothing of it is known."""
    if all(count is None for count in row):
        return None
    return kind(**_named(names, row))
