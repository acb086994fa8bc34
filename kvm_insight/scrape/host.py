# SPDX-License-Identifier: Apache-2.0
"""What is exposed of the host that an agent watches."""

import collections
import typing
from collections.abc import Iterator

from kvm_insight.model import cpulist, sample
from kvm_insight.scrape import domain, family

_US = 1e6
_STATES: tuple[str, ...] = typing.get_args(
    typing.get_type_hints(sample.Domain)['state']
)
_MODES = (
    'user',
    'nice',
    'system',
    'idle',
    'iowait',
    'irq',
    'softirq',
    'steal',
    'guest',
)


def _counter(name: str, words: str, *labels: str) -> family.Family:
    return family.counter(f'host_{name}', words, *labels)


def _gauge(name: str, words: str, *labels: str) -> family.Family:
    return family.gauge(f'host_{name}', words, *labels)


CPUS = _gauge('cpus', 'CPUs that are online.')
CPU = _counter(
    'cpu_seconds',
    'Time of all CPUs by mode; guest time is not in user and nice.',
    'mode',
)
STALLED = _counter(
    'pressure_stalled_seconds',
    'Time in which some or all tasks stood still (PSI).',
    'resource',
    'stall',
)
DOMAINS = _gauge('domains', 'Domains by state.', 'state')
SERVICE = _counter(
    'service_run_seconds',
    'CPU time of the busiest services that are no domains, twenty at most.',
    'service',
)
NUMA_FREE = _gauge('numa_free_bytes', 'Free memory of a NUMA node.', 'node')
HUGEPAGES = _gauge('hugepages', 'Huge pages by node and size.', 'node', 'size')
HUGEPAGES_FREE = _gauge(
    'hugepages_free', 'Free huge pages by node and size.', 'node', 'size'
)
#: Those that are one field: family, field, what it is divided by.
SIMPLE: tuple[tuple[family.Family, str, float], ...] = (
    (_gauge('load1', 'Load average over a minute.'), 'load1', 1),
    (
        _gauge('cpu_frequency_hertz', 'Mean frequency of the CPUs.'),
        'frequency_khz',
        1e-3,
    ),
    (_gauge('memory_bytes', 'Memory.'), 'memory_bytes', 1),
    (
        _gauge('memory_available_bytes', 'Memory that is to be had.'),
        'memory_available_bytes',
        1,
    ),
    (_gauge('swap_bytes', 'Swap.'), 'swap_bytes', 1),
    (_gauge('swap_free_bytes', 'Free swap.'), 'swap_free_bytes', 1),
    (
        _counter('swap_in_pages', 'Pages read back from swap.'),
        'swap_in_pages',
        1,
    ),
    (
        _counter('swap_out_pages', 'Pages written to swap.'),
        'swap_out_pages',
        1,
    ),
    (
        _counter('major_faults', 'Faults for which a disk was read.'),
        'major_faults',
        1,
    ),
    (_counter('oom_kills', 'Kills for want of memory.'), 'oom_kills', 1),
    (
        _gauge('ksm_shared_pages', 'Pages that KSM shares.'),
        'ksm_pages_shared',
        1,
    ),
    (
        _gauge('ksm_sharing_pages', 'Places that share them.'),
        'ksm_pages_sharing',
        1,
    ),
)
DISK: tuple[tuple[family.Family, str, float], ...] = tuple(
    (_counter(f'disk_{name}', words, 'device'), field, scale)
    for name, words, field, scale in (
        ('read_bytes', 'Bytes read.', 'read_bytes', 1),
        ('written_bytes', 'Bytes written.', 'write_bytes', 1),
        ('read_requests', 'Read requests.', 'read_requests', 1),
        ('write_requests', 'Write requests.', 'write_requests', 1),
        ('read_seconds', 'Time that read requests took.', 'read_us', _US),
        ('write_seconds', 'Time that write requests took.', 'write_us', _US),
        ('busy_seconds', 'Time in which it was busy.', 'busy_us', _US),
    )
)
NETWORK: tuple[tuple[family.Family, str, float], ...] = tuple(
    (_counter(f'network_{word}_{name}', words, 'device'), field, 1)
    for word, short in (('receive', 'rx'), ('transmit', 'tx'))
    for name, words, field in (
        ('bytes', 'Bytes.', f'{short}_bytes'),
        ('packets', 'Packets.', f'{short}_packets'),
        ('errors', 'Errors.', f'{short}_errors'),
        ('dropped', 'Packets that were dropped.', f'{short}_drops'),
    )
)
FAMILIES = (
    CPUS,
    CPU,
    STALLED,
    DOMAINS,
    SERVICE,
    NUMA_FREE,
    HUGEPAGES,
    HUGEPAGES_FREE,
    *(one for one, _, _ in (*SIMPLE, *DISK, *NETWORK)),
)


def points(now: sample.Sample) -> Iterator[family.Point]:
    """Yield all that was measured of the host."""
    system = now.system
    yield CPUS, (), float(len(cpulist.parse(system.cpus)))
    for mode in _MODES:
        us = getattr(system, f'{mode}_us')
        if us is not None:
            yield CPU, (mode,), us / _US
    for what, field, scale in SIMPLE:
        value = getattr(system, field)
        if value is not None:
            yield what, (), value / scale
    yield from domain.pressure(STALLED, system.pressure)
    yield from _memory(system)
    yield from _devices(system)
    states: collections.Counter[str] = collections.Counter(
        one.state for one in now.domains
    )
    for state in _STATES:
        yield DOMAINS, (state,), float(states[state])


def _memory(system: sample.System) -> Iterator[family.Point]:
    for node, free in (system.numa_free_bytes or {}).items():
        yield NUMA_FREE, (node,), float(free)
    for what, pages in (
        (HUGEPAGES, system.hugepages),
        (HUGEPAGES_FREE, system.hugepages_free),
    ):
        for place, count in (pages or {}).items():
            node, _, size = place.partition('/')
            yield what, (node, f'{size} KiB'), float(count)


def _devices(system: sample.System) -> Iterator[family.Point]:
    for disk in system.disks or []:
        for what, field, scale in DISK:
            yield what, (disk.name,), getattr(disk, field) / scale
    for nic in system.nics or []:
        for what, field, scale in NETWORK:
            yield what, (nic.name,), getattr(nic, field) / scale
    for service in system.services or []:
        yield SERVICE, (service.name,), service.run_us / _US
