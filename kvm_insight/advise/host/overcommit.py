# SPDX-License-Identifier: Apache-2.0
"""Whether more was promised to domains than the ratios of this host allow."""

from kvm_insight.advise import check
from kvm_insight.advise.host import ratios
from kvm_insight.model import cpulist

_SCHEDULERS = 'https://docs.openstack.org/nova/latest/admin/scheduling.html'


def _fits_cpus(case: check.HostCase) -> check.Outcome:
    host = case.host
    if not case.domains:
        return check.NotConcerned('there is no domain, or none was read')
    if host.cpus_online is None:
        return check.why_unknown(host, 'cpus_online')
    try:
        cpus = len(cpulist.parse(host.cpus_online))
    except ValueError:
        return check.CannotTell(f'not a list of CPUs: {host.cpus_online}')
    unread = [one.name for one in case.domains if one.vcpus_current is None]
    if unread or not cpus:
        return check.CannotTell(f'vCPUs of {", ".join(unread) or "no CPU"}')
    ratio = ratios.cpu(host)
    if isinstance(ratio, str):
        return check.CannotTell(ratio)
    vcpus = sum(one.vcpus_current or 0 for one in case.domains)
    evidence = (
        ('domain XML: vcpu/@current', f'{vcpus} vCPUs together'),
        ('/sys/devices/system/cpu/online', f'{cpus} CPUs'),
        ('nova.conf: cpu_allocation_ratio', ratios.shown(host, ratio)),
    )
    if vcpus <= ratio * cpus:
        return check.Good(evidence)
    return check.Bad(
        evidence,
        f'{vcpus / cpus:.1f} vCPUs a CPU, where {ratio:g} are allowed',
    )


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
