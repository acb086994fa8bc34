# SPDX-License-Identifier: Apache-2.0
"""The host's system: profile, cgroups, what it measures, how old it is."""

import re

from kvm_insight.advise import check
from kvm_insight.model import facts

_CGROUP = 'https://docs.kernel.org/admin-guide/cgroup-v2.html'
_MATRIX = (
    'https://docs.openstack.org/nova/latest/reference'
    '/libvirt-distro-support-matrix.html'
)
#: Profiles that tuned has for this; cpu-partitioning has variants.
_PROFILES = ('virtual-host', 'throughput-performance', 'latency-performance')
_PARTS = ('cpu-partitioning', 'realtime', 'network-', 'hpc-')
#: The oldest longterm kernel of kernel.org in 2026.
_KERNEL = (5, 10)
#: What Nova 34 (2026.2) will ask for next: NEXT_MIN_* in its libvirt driver.
_LIBVIRT = (10, 0, 0)
_QEMU = (8, 2, 2)
_RELEASE = re.compile(r'(\d+)\.(\d+)')


def _is_tuned(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.tuned_profile is None:
        if host.unknown.get('tuned_profile', '').startswith('no such file'):
            return check.NotConcerned('tuned is not installed')
        return check.why_unknown(host, 'tuned_profile')
    words = host.tuned_profile.split()
    evidence = [('/etc/tuned/active_profile', host.tuned_profile or 'none')]
    if host.daemons is not None:
        runs = 'runs' if 'tuned' in host.daemons else 'does not run'
        evidence.append(('tuned', runs))
    suits = any(x in _PROFILES or x.startswith(_PARTS) for x in words)
    if not suits:
        what = f'the profile {host.tuned_profile or "none"} is not for hosts'
        return check.Bad(tuple(evidence), what)
    if host.daemons is not None and 'tuned' not in host.daemons:
        return check.Bad(tuple(evidence), 'tuned does not run')
    return check.Good(tuple(evidence))


def _has_one_hierarchy(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.cgroup_version is None:
        return check.why_unknown(host, 'cgroup_version')
    evidence = (('/sys/fs/cgroup', host.cgroup_version),)
    if host.cgroup_version == 'v2':
        return check.Good(evidence)
    return check.Bad(evidence, 'domains have no pressure of their own')


def _has_pressure(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.has_pressure is None:
        return check.why_unknown(host, 'has_pressure')
    options = host.kernel_options or {}
    evidence = [
        ('/proc/pressure/cpu', 'there' if host.has_pressure else 'absent')
    ]
    evidence += [
        (f'/boot/config: {name}', options[name])
        for name in ('CONFIG_PSI', 'CONFIG_PSI_DEFAULT_DISABLED')
        if name in options
    ]
    if host.has_pressure:
        return check.Good(tuple(evidence))
    return check.Bad(tuple(evidence), 'nobody can see who waits for memory')


def _has_schedstat(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.has_schedstat is None:
        return check.why_unknown(host, 'has_schedstat')
    evidence = (
        ('/proc/self/schedstat', 'there' if host.has_schedstat else 'absent'),
    )
    if host.has_schedstat:
        return check.Good(evidence)
    return check.Bad(evidence, 'nobody can see how long a vCPU waits')


def _is_recent_kernel(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.kernel_release is None:
        return check.why_unknown(host, 'kernel_release')
    found = _RELEASE.match(host.kernel_release)
    if found is None:
        return check.CannotTell(f'no release: {host.kernel_release[:40]!r}')
    evidence = (('/proc/sys/kernel/osrelease', host.kernel_release),)
    if (int(found[1]), int(found[2])) >= _KERNEL:
        return check.Good(evidence)
    return check.Bad(evidence, f'Linux {found[0]} is looked after no more')


def _judge_version(
    host: facts.HostFacts, field: str, name: str, least: tuple[int, ...]
) -> check.Outcome:
    number = getattr(host, field)
    if number is None:
        return check.why_unknown(host, field)
    found = (number // 1_000_000, number // 1000 % 1000, number % 1000)
    text = '.'.join(map(str, found))
    evidence = ((f'libvirt: version of {name}', text),)
    if found >= least:
        return check.Good(evidence)
    wanted = '.'.join(map(str, least))
    return check.Bad(evidence, f'{name} {text} is older than {wanted}')


def _is_recent_libvirt(case: check.HostCase) -> check.Outcome:
    return _judge_version(case.host, 'libvirt_version', 'libvirt', _LIBVIRT)


def _is_recent_qemu(case: check.HostCase) -> check.Outcome:
    return _judge_version(case.host, 'qemu_version', 'QEMU', _QEMU)


CHECKS = (
    check.Check(
        id='system.tuned',
        subject='system',
        about='host',
        severity='low',
        title='The tuned profile is not one for hosts of guests',
        reason='balanced and powersave save energy; virtual-guest is for the'
        ' other side. virtual-host sets governor, swappiness and writeback.',
        libvirt='tuned-adm profile virtual-host, and systemctl enable --now'
        ' tuned.',
        nova='The same on the compute host; cpu-partitioning where CPUs are'
        ' dedicated ([compute] cpu_dedicated_set).',
        source='https://github.com/redhat-performance/tuned',
        unless='a profile of your own includes one of these.',
        look=_is_tuned,
    ),
    check.Check(
        id='system.cgroup',
        subject='system',
        about='host',
        severity='medium',
        title='The host has cgroup v1',
        reason='Only v2 has pressure (PSI) for each domain, one place for each'
        ' process, and memory.high; systemd has given v1 up.',
        libvirt="systemd.unified_cgroup_hierarchy=1 on the kernel's command"
        ' line, or a newer system; libvirt knows both.',
        nova='The same on the compute host, emptied before; check quota:cpu_*'
        ' extra specs: cpu_shares above 10000 are refused by v2.',
        source=_CGROUP,
        unless='other software here knows v1 alone.',
        look=_has_one_hierarchy,
    ),
    check.Check(
        id='system.pressure',
        subject='system',
        about='host',
        severity='medium',
        title='Pressure stall information (PSI) is off',
        reason='Without it neither this tool nor systemd-oomd can tell a host'
        ' that is short of memory from one that is well used.',
        libvirt="psi=1 on the kernel's command line (RHEL and its likes have"
        ' it off), or a kernel with CONFIG_PSI.',
        nova='The same on the compute host, emptied before.',
        source='https://docs.kernel.org/accounting/psi.html',
        unless='the kernel is older than 4.20 and cannot be changed.',
        look=_has_pressure,
    ),
    check.Check(
        id='system.schedstat',
        subject='system',
        about='host',
        severity='high',
        title='The kernel does not tell how long threads wait',
        reason='Run delay is what steal is made of: without it contention'
        ' cannot be measured from outside the guests.',
        libvirt='A kernel with CONFIG_SCHED_INFO, which CONFIG_SCHEDSTATS and'
        ' CONFIG_TASK_DELAY_ACCT turn on.',
        nova='The same on the compute host, emptied before.',
        source='https://docs.kernel.org/scheduler/sched-stats.html',
        unless='nobody wants to know.',
        look=_has_schedstat,
    ),
    check.Check(
        id='system.kernel',
        subject='system',
        about='host',
        severity='medium',
        title='The kernel is old',
        reason='KVM and the scheduler have since learned what guests gain by:'
        ' core scheduling, EEVDF, faster paging (TDP MMU).',
        libvirt='A newer kernel or system (Debian: backports; Ubuntu: HWE),'
        ' the guests moved away before.',
        nova='The same on the compute host, emptied before.',
        source=_MATRIX,
        unless='a distributor maintains it with what is new in KVM (RHEL 8'
        ' with 4.18).',
        look=_is_recent_kernel,
    ),
    check.Check(
        id='system.libvirt',
        subject='system',
        about='host',
        severity='low',
        title='libvirt on this host is old',
        reason='A coming Nova will refuse it, and what it does not know of'
        ' QEMU guests cannot have.',
        libvirt='A newer system, or its repository for virtualization.',
        nova='The same before the next upgrade of Nova, which names its least'
        ' versions in the release notes.',
        source=_MATRIX,
        unless='a distributor maintains it, and Nova is not to be upgraded.',
        look=_is_recent_libvirt,
    ),
    check.Check(
        id='system.qemu',
        subject='system',
        about='host',
        severity='low',
        title='QEMU on this host is old',
        reason='A coming Nova will refuse it; newer ones have iothreads for'
        ' each queue of a disk, faster migration and newer CPU models.',
        libvirt='A newer system, or its repository for virtualization; guests'
        ' have it once they are started anew or moved.',
        nova='The same before the next upgrade of Nova.',
        source=_MATRIX,
        unless='a distributor maintains it, and Nova is not to be upgraded.',
        look=_is_recent_qemu,
    ),
)
