# SPDX-License-Identifier: Apache-2.0
"""Whether more was promised to domains than the ratios of this host allow."""

from kvm_insight.advise import check
from kvm_insight.advise.host import ratios
from kvm_insight.model import cpulist, facts

_ONLINE = '/sys/devices/system/cpu/online'
_SHARED = 'compute.cpu_shared_set'
_DEDICATED = 'compute.cpu_dedicated_set'
_SCHEDULERS = 'https://docs.openstack.org/nova/latest/admin/scheduling.html'


def _fits_cpus(case: check.HostCase) -> check.Outcome:
    host = case.host
    if not case.domains:
        return check.NotConcerned('there is no domain, or none was read')
    if host.cpus_online is None:
        return check.why_unknown(host, 'cpus_online')
    try:
        where, shared = _for_all(host)
    except ValueError as why:
        return check.CannotTell(f'not a list of CPUs: {why}')
    cpus = len(shared)
    unread = [one.name for one in case.domains if one.vcpus_current is None]
    if unread:
        return check.CannotTell(f'vCPUs of {", ".join(unread)}')
    ratio = ratios.cpu(host)
    if isinstance(ratio, str):
        return check.CannotTell(ratio)
    own = where != _ONLINE
    vcpus = sum(_vcpus(one, without_own=own) for one in case.domains)
    if not cpus:
        return check.NotConcerned('no CPU is for guests that float')
    evidence = (
        ('domain XML: vcpu/@current', f'{vcpus} vCPUs together'),
        (where, f'{cpus} CPUs'),
        ('nova.conf: cpu_allocation_ratio', ratios.shown(host, ratio)),
    )
    if vcpus <= ratio * cpus:
        return check.Good(evidence)
    return check.Bad(
        evidence,
        f'{vcpus / cpus:.1f} vCPUs a CPU, where {ratio:g} are allowed',
    )


def _for_all(host: facts.HostFacts) -> tuple[str, frozenset[int]]:
    """Return where it is read which CPUs guests share, and those.

    Nova gives the others to one vCPU each. ValueError for no list of CPUs.
    """
    online = cpulist.parse(host.cpus_online or '')
    nova = host.nova_options or {}
    if _SHARED in nova:
        return f'nova.conf: {_SHARED}', _named(nova[_SHARED]) & online
    if _DEDICATED in nova:
        return f'nova.conf: {_DEDICATED}', frozenset()
    return _ONLINE, online


def _named(text: str) -> frozenset[int]:
    """Return the CPUs of Nova's form of a list: ``0-7,^3``."""
    words = [word.strip() for word in text.split(',')]
    without = ','.join(x.removeprefix('^') for x in words if x[:1] == '^')
    named = ','.join(x for x in words if x[:1] != '^')
    return cpulist.parse(named) - cpulist.parse(without)


def _vcpus(one: facts.DomainFacts, *, without_own: bool) -> int:
    """Return a domain's vCPUs; maybe without those with their own CPU."""
    own = [x for x in one.pins.values() if without_own and x.isdecimal()]
    return max((one.vcpus_current or 0) - len(own), 0)


def _fits_memory(case: check.HostCase) -> check.Outcome:
    host = case.host
    if not case.domains:
        return check.NotConcerned('there is no domain, or none was read')
    if not host.memory_bytes:
        return check.why_unknown(host, 'memory_bytes')
    unread = [one.name for one in case.domains if one.memory_bytes is None]
    if unread:
        return check.CannotTell(f'memory of {", ".join(unread)}')
    ratio, reserved = ratios.memory(host), ratios.reserved_bytes(host)
    if isinstance(ratio, str) or isinstance(reserved, str):
        return check.CannotTell(
            str(ratio if isinstance(ratio, str) else reserved)
        )
    promised = sum(one.memory_bytes or 0 for one in case.domains)
    allowed = (host.memory_bytes - reserved) * ratio
    evidence = (
        ('domain XML: memory', f'{promised >> 20} MiB together'),
        ('/proc/meminfo: MemTotal', f'{host.memory_bytes >> 20} MiB'),
        ('nova.conf: ram_allocation_ratio', ratios.shown(host, ratio)),
        ('nova.conf: reserved_host_memory_mb', f'{reserved >> 20} MiB'),
    )
    if promised <= allowed:
        return check.Good(evidence)
    over = (promised - allowed) / 2**20
    return check.Bad(evidence, f'{over:.0f} MiB are promised too many')


CHECKS = (
    check.Check(
        id='overcommit.vcpus',
        subject='overcommit',
        about='host',
        severity='medium',
        title='More vCPUs are here than the allocation ratio allows',
        reason='When many want to run at once, each waits for a CPU in turn:'
        ' steal.',
        libvirt='Move guests away, or take vCPUs that are never used'
        ' (virsh setvcpus DOMAIN N --config).',
        nova='Move instances away (openstack server migrate'
        ' --live-migration); see that the inventory in Placement has the'
        ' ratio of nova.conf (openstack resource provider inventory list).',
        source=_SCHEDULERS,
        unless='the guests are idle by nature and nobody waits: see'
        ' kvm-insight top.',
        look=_fits_cpus,
    ),
    check.Check(
        id='overcommit.memory',
        subject='overcommit',
        about='host',
        severity='high',
        title='More memory is promised than the allocation ratio allows',
        reason='When guests take what they were promised, the host swaps or'
        ' kills one of them.',
        libvirt='Move guests away, or take memory that is never used (virsh'
        ' setmem DOMAIN SIZE --live --config).',
        nova='Move instances away; raise reserved_host_memory_mb to what host'
        ' and QEMU themselves take.',
        source=_SCHEDULERS,
        unless='KSM or balloons are known to give it back in time.',
        look=_fits_memory,
    ),
)
