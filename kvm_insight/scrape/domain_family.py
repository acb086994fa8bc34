# SPDX-License-Identifier: Apache-2.0
"""The families of a domain, and which field of the sample each is.

All have the domain's UUID and its project's id. Never a name: those are the
tenants' own words, and change.
"""

from collections.abc import Callable

from kvm_insight.model import sample
from kvm_insight.scrape import family

_US = 1e6
_WHO = ('domain', 'project_id')


def _counter(name: str, words: str, *labels: str) -> family.Family:
    return family.counter(f'domain_{name}', words, *_WHO, *labels)


def _gauge(name: str, words: str, *labels: str) -> family.Family:
    return family.gauge(f'domain_{name}', words, *_WHO, *labels)


STATE = _gauge('state', '1 for the state that libvirt says it is in.', 'state')
VCPUS = _gauge('vcpus', 'vCPUs that are plugged in.')
RUN = _counter(
    'run_seconds',
    'CPU time of its threads by kind: vcpu, emulator, iothread, vhost.',
    'thread',
)
DELAY = _counter(
    'run_delay_seconds',
    'Time that its threads could have run and waited for a CPU, throttled'
    ' time included, by kind.',
    'thread',
)
WAITED = _counter(
    'waited_seconds',
    'Time waited for a CPU by who ran there meanwhile, from the contention'
    ' ledger: neighbour (other domains), own, quota, host, service, idle,'
    ' unattributed.',
    'class',
)
CAUSED = _counter(
    'caused_wait_seconds',
    'Time that other domains waited for a CPU while this one ran there.',
)
STALLED = _counter(
    'pressure_stalled_seconds',
    'Time in which some or all tasks of its cgroup stood still (PSI).',
    'resource',
    'stall',
)
LIBVIRT_AGE = _gauge(
    'libvirt_age_seconds',
    'How old memory, disks and interfaces are, which only libvirt knows. They'
    ' stand still while it grows.',
)
DISK = {
    name: _counter(f'disk_{name}', f'{words}, all disks together.')
    for name, words in (
        ('read_bytes', 'Bytes read'),
        ('written_bytes', 'Bytes written'),
        ('read_requests', 'Read requests'),
        ('write_requests', 'Write requests'),
        ('flush_requests', 'Flush requests'),
        ('read_seconds', 'Time that read requests took'),
        ('write_seconds', 'Time that write requests took'),
        ('flush_seconds', 'Time that flush requests took'),
    )
}
NETWORK = {
    name: _counter(f'network_{name}', f'{words}, all interfaces together.')
    for name, words in (
        ('receive_bytes', 'Bytes that the guest received'),
        ('transmit_bytes', 'Bytes that the guest sent'),
        ('receive_packets', 'Packets that the guest received'),
        ('transmit_packets', 'Packets that the guest sent'),
        ('receive_errors', 'Errors on the way to the guest'),
        ('transmit_errors', 'Errors on the way from the guest'),
        ('receive_dropped', 'Packets to the guest that were dropped'),
        ('transmit_dropped', 'Packets from the guest that were dropped'),
    )
}

Measure = Callable[[sample.Domain], float | None]


def seconds(value: int | None) -> float | None:
    """Return µs as seconds."""
    return None if value is None else value / _US


def _cpu(field: str, scale: float = 1.0) -> Measure:
    return _inside('cpu', field, scale)


def _memory(field: str) -> Measure:
    return _inside('memory', field)


def _inside(part: str, field: str, scale: float = 1.0) -> Measure:
    """Return what reads a field of a part, which may be absent."""

    def read(one: sample.Domain) -> float | None:
        value = getattr(getattr(one, part), field, None)
        return None if value is None else value / scale

    return read


def _quota(one: sample.Domain) -> float | None:
    """Return the cores that the tighter of both quotas allows."""
    cpu = one.cpu
    if cpu is None:
        return None
    cores = []
    if cpu.quota_us is not None and cpu.period_us:
        cores.append(cpu.quota_us / cpu.period_us)
    if cpu.vcpu_quota_us is not None and cpu.vcpu_period_us:
        cores.append(len(one.vcpus) * cpu.vcpu_quota_us / cpu.vcpu_period_us)
    return min(cores, default=None)


#: Those that are one field of the sample.
SIMPLE: tuple[tuple[family.Family, Measure], ...] = (
    (VCPUS, lambda one: len(one.vcpus)),
    (LIBVIRT_AGE, lambda one: seconds(one.libvirt_age_us)),
    (
        _gauge(
            'cpu_quota_cores', 'What its CPU quota allows; absent without.'
        ),
        _quota,
    ),
    (
        _gauge('cpu_weight', 'Its CPU weight, as in cgroup v2.'),
        _cpu('weight'),
    ),
    (
        _counter('cpu_periods', 'Periods of its CPU quota.'),
        _cpu('periods'),
    ),
    (
        _counter(
            'cpu_throttled_periods', 'Periods in which its quota stopped it.'
        ),
        _cpu('throttled_periods'),
    ),
    (
        _counter(
            'memory_host_major_faults',
            'Faults for which the host had to read.',
        ),
        _memory('host_major_faults'),
    ),
    (
        _counter(
            'memory_guest_major_faults',
            'Faults for which the guest had to read; its balloon driver says.',
        ),
        _memory('major_faults'),
    ),
    (
        _counter('memory_swap_in_bytes', "Read back from the guest's swap."),
        _memory('swap_in_bytes'),
    ),
    (
        _counter('memory_swap_out_bytes', "Written to the guest's swap."),
        _memory('swap_out_bytes'),
    ),
    (
        _counter(
            'memory_oom_kills', 'Kills for want of memory in its cgroup.'
        ),
        _memory('oom_kills'),
    ),
    (
        _gauge('memory_balloon_bytes', 'What the balloon is set to.'),
        _memory('balloon_bytes'),
    ),
    (
        _gauge('memory_maximum_bytes', 'The most that it may be set to.'),
        _memory('maximum_bytes'),
    ),
    (
        _gauge(
            'memory_usable_bytes',
            'What the guest could still use; its balloon driver says.',
        ),
        _memory('usable_bytes'),
    ),
    (
        _gauge('memory_resident_bytes', 'Resident on the host.'),
        _memory('rss_bytes'),
    ),
    (
        _gauge('memory_swapped_bytes', "In the host's swap."),
        _memory('swap_bytes'),
    ),
    (
        _counter('kvm_exits', "KVM's exits; absent under TCG."),
        _inside('kvm', 'exits'),
    ),
    (
        _counter(
            'kvm_halt_poll_seconds',
            'Polling for the next interrupt in vain, which counts as run.',
        ),
        _inside('kvm', 'halt_poll_fail_us', _US),
    ),
    (
        _gauge(
            'job_remaining_bytes',
            'What the job on it, a live migration as a rule, has left.',
        ),
        _inside('job', 'remaining_bytes'),
    ),
)
THROTTLED = _counter(
    'cpu_throttled_seconds', 'Time in which a CPU quota stopped it.'
)
FAMILIES = (
    STATE,
    RUN,
    DELAY,
    WAITED,
    CAUSED,
    STALLED,
    THROTTLED,
    *(one for one, _ in SIMPLE),
    *DISK.values(),
    *NETWORK.values(),
)

#: Name of a family -> the sample's field.
DISK_FIELDS = {
    'read_bytes': 'read_bytes',
    'written_bytes': 'write_bytes',
    'read_requests': 'read_requests',
    'write_requests': 'write_requests',
    'flush_requests': 'flush_requests',
    'read_seconds': 'read_us',
    'write_seconds': 'write_us',
    'flush_seconds': 'flush_us',
}
NETWORK_FIELDS = {
    f'{word}_{name}': f'{short}_{field}'
    for word, short in (('receive', 'rx'), ('transmit', 'tx'))
    for name, field in (
        ('bytes', 'bytes'),
        ('packets', 'packets'),
        ('errors', 'errors'),
        ('dropped', 'drops'),
    )
}
