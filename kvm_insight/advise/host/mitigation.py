# SPDX-License-Identifier: Apache-2.0
"""Faults of the processor: open ones, and what closing them costs."""

import re

from kvm_insight.advise import check
from kvm_insight.model import facts

_FOLDER = '/sys/devices/system/cpu/vulnerabilities'
_FAULTS = 'https://docs.kernel.org/admin-guide/hw-vuln/index.html'
_CORES = 'https://docs.kernel.org/admin-guide/hw-vuln/core-scheduling.html'
#: What the kernel says where the way around costs most, by file.
_DEAR = {
    'l1tf': ('cache flushes', 'EPT disabled'),
    'meltdown': ('PTI',),
    'retbleed': ('Mitigation: IBRS', 'IBPB', 'untrained return thunk'),
    'spec_rstack_overflow': ('Mitigation: IBPB',),
    'spectre_v2': ('Mitigation: IBRS',),
    'tsx_async_abort': ('Clear CPU buffers',),
    'mds': ('Clear CPU buffers',),
    'vmscape': ('IBPB',),
}
#: Open as a whole, or in a part of several: ``Mitigation: PTE Inversion;
#: VMX: vulnerable``, ``KVM: Vulnerable``. Threads are another check's matter;
#: with a loop in KVM guests reach nothing.
_OPEN = re.compile(r'(?:^|: |; )vulnerable(?!, KVM: SW loop)', re.IGNORECASE)
#: Faults that let any guest see into the thread beside it. What
#: mmio_stale_data says of threads only counts for guests with devices of the
#: host.
_ACROSS_THREADS = ('l1tf', 'mds', 'tsx_async_abort')
_WITH_DEVICES = 'mmio_stale_data'
_SCHEDULED = ('vcpus', 'emulator', 'full')


def _files(found: dict[str, str]) -> check.Evidence:
    return tuple(
        (f'{_FOLDER}/{name}', text) for name, text in sorted(found.items())
    )


def _mitigations(host: facts.HostFacts) -> check.Evidence:
    """Return the word of the kernel's command line, if it is there."""
    words = (w for w in host.kernel_words or () if w.startswith('mitigations'))
    return tuple(('/proc/cmdline', word) for word in words)


def _is_closed(case: check.HostCase) -> check.Outcome:
    host = case.host
    if not host.vulnerabilities:
        return check.why_unknown(host, 'vulnerabilities')
    opened = {
        name: text
        for name, text in host.vulnerabilities.items()
        if _OPEN.search(text) and name != 'old_microcode'
    }
    if not opened:
        return check.Good(_files(host.vulnerabilities))
    return check.Bad(
        (*_files(opened), *_mitigations(host)),
        f'open to {", ".join(sorted(opened))}: guests may read what is not'
        ' theirs',
    )


def _has_microcode(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.cpu_vendor not in ('GenuineIntel', 'AuthenticAMD', None):
        return check.NotConcerned('its firmware brings no microcode')
    if not host.vulnerabilities:
        return check.why_unknown(host, 'vulnerabilities')
    revision = (('/proc/cpuinfo: microcode', host.microcode or 'none'),)
    missing = {
        name: text
        for name, text in host.vulnerabilities.items()
        if 'no microcode' in text.lower()
        or (name == 'old_microcode' and text.startswith('Vulnerable'))
    }
    if missing:
        what = 'the microcode is older than what the kernel knows of'
        return check.Bad((*_files(missing), *revision), what)
    return check.Good(revision)


def _is_cheap(case: check.HostCase) -> check.Outcome:
    host = case.host
    if not host.vulnerabilities:
        return check.why_unknown(host, 'vulnerabilities')
    dear = {
        name: text
        for name, words in _DEAR.items()
        for text in [host.vulnerabilities.get(name, '')]
        if text.startswith('Mitigation') and any(w in text for w in words)
    }
    if dear:
        names = ', '.join(sorted(dear))
        return check.Bad(
            _files(dear), f'exits and system calls pay for {names}'
        )
    return check.Good(_files(host.vulnerabilities))


def _is_apart(case: check.HostCase) -> check.Outcome:
    """Judge whether guests of different owners may share a core."""
    host = case.host
    if host.smt_active is None:
        return check.why_unknown(host, 'smt_active')
    evidence: check.Evidence = (
        ('/sys/devices/system/cpu/smt/active', str(int(host.smt_active))),
    )
    if not host.smt_active:
        return check.Good(evidence)
    if host.vulnerabilities is None:
        return check.why_unknown(host, 'vulnerabilities')
    with_devices = any(one.host_devices for one in case.domains)
    named = {
        name: host.vulnerabilities[name]
        for name in (*_ACROSS_THREADS, *[_WITH_DEVICES] * with_devices)
        if 'SMT vulnerable' in host.vulnerabilities.get(name, '')
    }
    if not named:
        return check.Good(evidence)
    scheduled = (host.qemu_options or {}).get('sched_core', 'none')
    if scheduled in _SCHEDULED:
        where = '/etc/libvirt/qemu.conf: sched_core'
        return check.Good((*evidence, (where, scheduled)))
    if host.qemu_options is None:
        return check.why_unknown(host, 'qemu_options')
    return check.Bad(
        (*evidence, *_files(named)), 'guests see into threads beside them'
    )


def _schedules_cores(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.smt_active is None:
        return check.why_unknown(host, 'smt_active')
    if not host.smt_active:
        return check.NotConcerned('no core has more than one thread in use')
    if host.qemu_options is None or host.kernel_options is None:
        return check.why_unknown(host, 'qemu_options', 'kernel_options')
    built = host.kernel_options.get('CONFIG_SCHED_CORE', 'n')
    chosen = host.qemu_options.get('sched_core', 'none')
    evidence = (
        ('/sys/devices/system/cpu/smt/active', '1'),
        ('/boot/config: CONFIG_SCHED_CORE', built),
        ('/etc/libvirt/qemu.conf: sched_core', chosen),
    )
    if built == 'y' and chosen in _SCHEDULED:
        return check.Good(evidence)
    if built != 'y':
        return check.Bad(evidence, 'the kernel is without core scheduling')
    return check.Bad(evidence, 'guests share cores with each other')


CHECKS = (
    check.Check(
        id='mitigation.open',
        subject='mitigation',
        about='host',
        severity='high',
        title='The processor has faults that nothing closes here',
        reason='A guest can read memory of the host or of other guests.',
        libvirt='Newer microcode and kernel; take mitigations=off or what'
        ' else turns them off away from the command line.',
        nova='The same on the compute host, emptied before.',
        source=_FAULTS,
        unless='all guests belong to one owner who runs no foreign code.',
        look=_is_closed,
    ),
    check.Check(
        id='mitigation.microcode',
        subject='mitigation',
        about='host',
        severity='medium',
        title='The microcode is old',
        reason='Without it the kernel uses slower ways around faults, or has'
        ' none at all.',
        libvirt='Install intel-microcode or amd64-microcode (microcode_ctl),'
        ' or newer firmware, and start anew; in a guest, do it outside.',
        nova='The same on the compute host, emptied before.',
        source=_FAULTS,
        unless='this machine is a guest: the outer host has the microcode.',
        look=_has_microcode,
    ),
    check.Check(
        id='mitigation.cost',
        subject='mitigation',
        about='host',
        severity='low',
        title='Faults of the processor are closed in a dear way',
        reason='Flushing caches, buffers or predictors costs at each exit or'
        ' system call; guests with much I/O feel it most.',
        libvirt='Put guests with much I/O on newer processors; where all'
        ' guests are trusted, choose a cheaper way by hand (spectre_v2=,'
        ' l1tf=, retbleed= on the command line), knowing what that opens.',
        nova='Newer hosts in an aggregate of their own, flavors with'
        ' aggregate_instance_extra_specs; the kernel as for libvirt.',
        source=_FAULTS,
        unless='guests of different owners are here: leave it closed.',
        look=_is_cheap,
    ),
    check.Check(
        id='mitigation.smt',
        subject='mitigation',
        about='host',
        severity='high',
        title='Guests can see into the thread beside them',
        reason='The processor has a fault across threads, SMT is on, and'
        ' nothing keeps different guests off the threads of one core.',
        libvirt='sched_core = "vcpus" in /etc/libvirt/qemu.conf (libvirt 8.9,'
        ' Linux 5.14), or nosmt on the command line.',
        nova='The same on the compute host; or hw:cpu_policy=dedicated with'
        ' hw:cpu_thread_policy=isolate in the flavor.',
        source=_CORES,
        unless='all guests belong to one owner.',
        look=_is_apart,
    ),
    check.Check(
        id='mitigation.core-scheduling',
        subject='mitigation',
        about='host',
        severity='low',
        title='Guests share the threads of cores with each other',
        reason='With SMT a neighbour on the other thread takes part of the'
        " core's work, unseen by steal; core scheduling gives a core to one"
        ' guest at a time.',
        libvirt='sched_core = "vcpus" in /etc/libvirt/qemu.conf (libvirt 8.9,'
        ' Linux 5.14 with CONFIG_SCHED_CORE), then restart the guests.',
        nova='The same on the compute host; flavors that need it surely:'
        ' hw:cpu_policy=dedicated, hw:cpu_thread_policy=require.',
        source=_CORES,
        unless='guests are many and small, or have one vCPU each: a whole'
        ' core for each wastes a thread.',
        look=_schedules_cores,
    ),
)
