# SPDX-License-Identifier: Apache-2.0
"""libvirt's bulk statistics: typed parameters to the model's structs."""

import dataclasses
from collections.abc import Mapping

import msgspec

from kvm_insight.model import sample

KIB = 1024
MIB = 1024**2
_LONGEST = 1024
_MOST_DEVICES = 512

Stats = Mapping[str, object]

_BALLOON_BYTES = {
    'current': 'balloon_bytes',
    'maximum': 'maximum_bytes',
    'unused': 'unused_bytes',
    'available': 'available_bytes',
    'usable': 'usable_bytes',
    'disk_caches': 'disk_caches_bytes',
    'swap_in': 'swap_in_bytes',
    'swap_out': 'swap_out_bytes',
    'rss': 'rss_bytes',
}
_BALLOON_COUNTS = {
    'major_fault': 'major_faults',
    'minor_fault': 'minor_faults',
    'hugetlb_pgalloc': 'guest_hugepage_allocations',
    'hugetlb_pgfail': 'guest_hugepage_failures',
}
_BLOCK = {
    'rd.reqs': ('read_requests', 1),
    'rd.bytes': ('read_bytes', 1),
    'rd.times': ('read_us', 1000),
    'wr.reqs': ('write_requests', 1),
    'wr.bytes': ('write_bytes', 1),
    'wr.times': ('write_us', 1000),
    'fl.reqs': ('flush_requests', 1),
    'fl.times': ('flush_us', 1000),
    'errors': ('errors', 1),
    'allocation': ('allocation_bytes', 1),
    'capacity': ('capacity_bytes', 1),
    'physical': ('physical_bytes', 1),
}
_NET = {
    f'{way}.{theirs}': f'{way}_{ours}'
    for way in ('rx', 'tx')
    for theirs, ours in (
        ('bytes', 'bytes'),
        ('pkts', 'packets'),
        ('errs', 'errors'),
        ('drop', 'drops'),
    )
}
_RESCTRL = {
    'cmt': 'cache_occupancy_bytes',
    'mbmt': 'memory_bandwidth_total_bytes',
    'mbml': 'memory_bandwidth_local_bytes',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What only libvirt could measure of one domain, at one instant."""

    memory: sample.Memory
    disks: tuple[sample.Disk, ...]
    interfaces: tuple[sample.Interface, ...]
    perf: sample.Perf | None


def parse(stats: Stats, wall_s: float) -> Measured:
    """Return one domain's measurements; absent and absurd are None."""
    return Measured(
        memory=_memory(stats, wall_s),
        disks=tuple(
            _disk(stats, prefix, name)
            for prefix, name in _devices(stats, 'block')
        ),
        interfaces=tuple(
            sample.Interface(
                name=name,
                **{
                    ours: _count(stats, f'{prefix}.{theirs}')
                    for theirs, ours in _NET.items()
                },
            )
            for prefix, name in _devices(stats, 'net')
        ),
        perf=_perf(stats),
    )


def is_complete(stats: Stats) -> bool:
    """Say whether QEMU itself answered; a busy domain is only sketched.

    With NOWAIT libvirt leaves out all that needs the monitor of a domain that
    is busy with another job.
    """
    return any(
        key in stats
        for key in ('balloon.rss', 'balloon.last-update', 'block.0.rd.reqs')
    )


def parse_job(job: Stats) -> sample.Job | None:
    """Return the job that runs, from ``virDomainGetJobStats``."""
    kind = _JOB_KINDS.get(_count(job, 'type') or 0)
    if kind is None:
        return None
    elapsed_ms = _count(job, 'time_elapsed')
    pages_s = _count(job, 'memory_dirty_rate')
    page_bytes = _count(job, 'memory_page_size') or 4096
    return sample.Job(
        kind=kind,
        operation=_JOB_OPERATIONS.get(_count(job, 'operation') or 0),
        elapsed_us=None if elapsed_ms is None else elapsed_ms * 1000,
        total_bytes=_count(job, 'data_total'),
        processed_bytes=_count(job, 'data_processed'),
        remaining_bytes=_count(job, 'data_remaining'),
        dirty_rate_bytes_s=None if pages_s is None else pages_s * page_bytes,
        transfer_rate_bytes_s=_count(job, 'memory_bps'),
    )


def dirty_rate(stats: Stats) -> int | None:
    """Return the last result, in bytes a second, of a calculation that
    somebody asked for."""
    mib_s = _count(stats, 'dirtyrate.megabytes_per_second')
    return None if mib_s is None else min(mib_s * MIB, sample.LIMIT)


_JOB_KINDS = {1: 'bounded', 2: 'unbounded'}
_JOB_OPERATIONS = {
    1: 'start',
    2: 'save',
    3: 'restore',
    4: 'migration_in',
    5: 'migration_out',
    6: 'snapshot',
    7: 'snapshot_revert',
    8: 'dump',
    9: 'backup',
    10: 'snapshot_delete',
}


def _count(stats: Stats, key: str, divisor: int = 1) -> int | None:
    value = stats.get(key)
    if not isinstance(value, int):
        return None
    # -1 is libvirt's own word for "not supported".
    if not 0 <= value < 2**64 - 1:
        return None
    return min(value // divisor, sample.LIMIT)


def _devices(stats: Stats, group: str) -> list[tuple[str, str]]:
    """Return prefix and name of each device that has a name.

    A user-mode interface has no device on the host, so libvirt counts it
    and says nothing of it.
    """
    number = min(_count(stats, f'{group}.count') or 0, _MOST_DEVICES)
    prefixes = [f'{group}.{index}' for index in range(number)]
    named = [(prefix, stats.get(f'{prefix}.name')) for prefix in prefixes]
    return [
        (prefix, name[:_LONGEST])
        for prefix, name in named
        if isinstance(name, str) and name
    ]


def _disk(stats: Stats, prefix: str, name: str) -> sample.Disk:
    path = stats.get(f'{prefix}.path')
    values = {
        ours: _count(stats, f'{prefix}.{theirs}', divisor)
        for theirs, (ours, divisor) in _BLOCK.items()
    }
    known = {'path': path[:_LONGEST]} if isinstance(path, str) else {}
    return msgspec.convert({'name': name} | known | values, type=sample.Disk)


def _memory(stats: Stats, wall_s: float) -> sample.Memory:
    values = {
        ours: None if kib is None else min(kib * KIB, sample.LIMIT)
        for theirs, ours in _BALLOON_BYTES.items()
        for kib in [_count(stats, f'balloon.{theirs}')]
    }
    counts = {
        ours: _count(stats, f'balloon.{theirs}')
        for theirs, ours in _BALLOON_COUNTS.items()
    }
    others = {
        'balloon_age_us': _balloon_age_us(stats, wall_s),
        'dirty_rate_bytes_s': dirty_rate(stats),
    }
    return msgspec.convert(values | counts | others, type=sample.Memory)


def _balloon_age_us(stats: Stats, wall_s: float) -> int | None:
    """Return how old the guest's words are; None if it never spoke."""
    updated_s = _count(stats, 'balloon.last-update')
    if not updated_s:
        return None
    return max(0, round((wall_s - updated_s) * 1_000_000))


def _perf(stats: Stats) -> sample.Perf | None:
    events = {
        key.removeprefix('perf.'): count
        for key in stats
        if key.startswith('perf.')
        for count in [_count(stats, key)]
        if count is not None
    }
    if not events:
        return None
    monitors = {
        ours: events.pop(theirs, None) for theirs, ours in _RESCTRL.items()
    }
    return sample.Perf(events=events, **monitors)
