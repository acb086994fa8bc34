# SPDX-License-Identifier: Apache-2.0
"""Whether KVM can be had, and by whom."""

from kvm_insight.advise import check
from kvm_insight.model import facts, part

_MODULES = '/sys/module'
_INFO = '/proc/cpuinfo'
_DEVICE = '/dev/kvm'
_LABEL = "capabilities: host/secmodel[model='dac']/baselabel[@type='kvm']"
_HYPERVISOR = (
    'https://docs.openstack.org/nova/latest/admin/configuration'
    '/hypervisor-kvm.html'
)
_VIRT_TYPE = 'libvirt.virt_type'
#: Of guests so many are named.
_SHOWN = 5
_NEEDS = 6  # read and write, as three bits of a mode


def vendor(host: facts.HostFacts) -> str | None:
    """Return the module that uses the processor's own extension."""
    for name in ('kvm_intel', 'kvm_amd'):
        if name in (host.modules or ()):
            return name
    return None


def extension(host: facts.HostFacts) -> str | None:
    """Return ``vmx`` or ``svm``, as the processor has it."""
    for name in ('vmx', 'svm'):
        if name in (host.cpu_flags or ()):
            return name
    return None


def is_x86(host: facts.HostFacts) -> bool:
    """Say whether it is known to be one."""
    return host.architecture in ('x86_64', 'i686')


def _has_extension(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.cpu_flags is None or host.architecture is None:
        return check.why_unknown(host, 'architecture', 'cpu_flags')
    if not is_x86(host):
        return check.NotConcerned('no flag tells of it on this architecture')
    found = extension(host)
    if found is not None:
        return check.Good(((_INFO, found),))
    evidence = ((_INFO, 'neither vmx nor svm among the flags'),)
    if 'hypervisor' in host.cpu_flags:
        what = 'this host is a guest, and its hypervisor gives no VT-x or'
        return check.Bad(evidence, f'{what} AMD-V through')
    return check.Bad(
        evidence, 'no VT-x or AMD-V: the firmware has it off, or it has none'
    )


def _is_loaded(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    if not is_x86(host):
        return _has_device(host)
    if host.cpu_flags is None:
        return check.why_unknown(host, 'cpu_flags')
    found = vendor(host)
    if found is not None:
        return check.Good(((f'{_MODULES}/{found}', 'loaded'),))
    wanted = {'vmx': 'kvm_intel', 'svm': 'kvm_amd'}.get(extension(host) or '')
    if wanted is None:
        return check.NotConcerned('the processor shows no VT-x or AMD-V')
    return check.Bad(
        ((_INFO, extension(host) or ''), (f'{_MODULES}/{wanted}', 'absent')),
        f'{wanted} is not loaded, or the firmware has locked it off',
    )


def _has_device(host: facts.HostFacts) -> check.Outcome:
    """Judge by the device where KVM is no module."""
    if host.kvm_device is not None:
        return check.Good(((_DEVICE, 'there'),))
    why = host.unknown.get('kvm_device', '')
    if not why.startswith('no such file'):
        return check.why_unknown(host, 'kvm_device')
    return check.Bad(((_DEVICE, 'absent'),), 'the kernel offers no KVM')


def _is_stock(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    if 'kvm_pvm' not in host.modules:
        return check.NotConcerned('kvm_pvm is not loaded')
    found = vendor(host)
    evidence = ((f'{_MODULES}/kvm_pvm', 'loaded'),)
    if found is not None:
        return check.Good((*evidence, (f'{_MODULES}/{found}', 'loaded')))
    return check.Bad(
        evidence,
        'KVM is there by kvm_pvm alone: it runs no guest with a stock kernel',
    )


def _may_open(case: check.HostCase) -> check.Outcome:
    host = case.host
    device = host.kvm_device
    if device is None:
        why = host.unknown.get('kvm_device', '')
        if why.startswith('no such file'):
            return check.NotConcerned(f'there is no {_DEVICE}')
        return check.why_unknown(host, 'kvm_device')
    if host.qemu_uid is None:
        return check.why_unknown(host, 'qemu_uid')
    evidence = (
        (_DEVICE, f'{device.mode:04o} {device.uid}:{device.gid}'),
        (_LABEL, f'{host.qemu_uid}:{host.qemu_gid}'),
    )
    groups = {host.qemu_gid, *(host.qemu_groups or ())}
    if opens(device, host.qemu_uid, groups):
        return check.Good(evidence)
    if host.qemu_groups is None and opens(device, 0, {device.gid}):
        return check.why_unknown(host, 'qemu_groups')
    return check.Bad(
        evidence, f"QEMU's user {host.qemu_uid} may not open {_DEVICE}"
    )


def opens(device: part.Access, uid: int, groups: set[int | None]) -> bool:
    """Say whether the permission bits let this user read and write."""
    if uid == 0:
        return True
    shift = 6 if uid == device.uid else 3 if device.gid in groups else 0
    return (device.mode >> shift) & _NEEDS == _NEEDS


def _is_offered(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.domain_kinds is None:
        return check.why_unknown(host, 'domain_kinds')
    evidence = (
        ('capabilities: guest/arch/domain/@type', ' '.join(host.domain_kinds)),
    )
    if 'kvm' in host.domain_kinds:
        return check.Good(evidence)
    if vendor(host) is None and host.kvm_device is None:
        return check.NotConcerned('this host has no KVM')
    return check.Bad(
        (*evidence, (_MODULES, vendor(host) or 'kvm')),
        'the kernel has KVM, and libvirt offers emulation (TCG) alone',
    )


def _is_taken(case: check.HostCase) -> check.Outcome:
    """Judge whether guests use the KVM that is there."""
    host = case.host
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    if vendor(host) is None and (is_x86(host) or host.kvm_device is None):
        return check.NotConcerned('this host has no KVM for stock guests')
    told = (host.nova_options or {}).get(_VIRT_TYPE)
    if not case.domains and told is None:
        return check.NotConcerned('there is no domain, or none was read')
    own = [one for one in case.domains if _is_native(one, host)]
    emulated = [one.name for one in own if one.kind == 'qemu']
    evidence = [(f'nova.conf: {_VIRT_TYPE}', told)] if told else []
    kinds = sorted({one.kind or 'unknown' for one in own})
    evidence += [('domain XML: domain/@type', ' '.join(kinds))] if own else []
    if emulated:
        shown = ', '.join(emulated[:_SHOWN])
        number = f'{len(emulated)} of {len(own)} guests'
        what = f'{number} are emulated (TCG) although KVM is there: {shown}'
        return check.Bad(tuple(evidence), what)
    if told == 'qemu':
        what = 'Nova starts guests emulated (TCG) although KVM is there'
        return check.Bad(tuple(evidence), what)
    return check.Good((*evidence, (_DEVICE, 'KVM is there')))


def _is_native(one: facts.DomainFacts, host: facts.HostFacts) -> bool:
    """Say whether KVM could run it, as far as is known."""
    if one.architecture is None or host.architecture is None:
        return False
    alike = {host.architecture}
    return one.architecture in (alike | {'i686'} if is_x86(host) else alike)


CHECKS = (
    check.Check(
        id='kvm.extension',
        subject='kvm',
        about='host',
        severity='high',
        title='The processor shows no VT-x or AMD-V',
        reason='Without it guests are emulated (TCG), many times slower.',
        libvirt='Turn "Intel Virtualization Technology" or "SVM Mode" on in'
        ' the firmware and start anew; where the host is a guest itself, let'
        " the outer hypervisor give it through (outer domain's XML:"
        " <cpu mode='host-passthrough'/>, module option nested=1).",
        nova='The same, below Nova; then nova.conf [libvirt] virt_type = kvm.',
        source=_HYPERVISOR,
        unless='the host only runs guests of another architecture, or tests'
        ' whose speed does not matter.',
        look=_has_extension,
    ),
    check.Check(
        id='kvm.loaded',
        subject='kvm',
        about='host',
        severity='high',
        title='KVM is not loaded',
        reason='The processor could run guests itself, and QEMU emulates them'
        ' instead.',
        libvirt='modprobe kvm_intel (or kvm_amd); if that fails with "disabled'
        ' by BIOS" in dmesg, turn VT-x or SVM on in the firmware. To keep it:'
        ' a file in /etc/modules-load.d.',
        nova='The same on the compute host, then nova.conf [libvirt]'
        ' virt_type = kvm and restart nova-compute.',
        source=_HYPERVISOR,
        unless='another hypervisor (Xen, VirtualBox) has the extension.',
        look=_is_loaded,
    ),
    check.Check(
        id='kvm.pvm',
        subject='kvm',
        about='host',
        severity='high',
        title='KVM is there by kvm_pvm alone',
        reason='PVM runs guests without VT-x or AMD-V, but only those whose'
        " kernel was built as a PVM guest; distributions' kernels do not"
        ' start, although /dev/kvm is there.',
        libvirt='Move the guests to a host with VT-x or AMD-V; until then'
        " define them with <domain type='qemu'>.",
        nova='nova.conf [libvirt] virt_type = qemu and cpu_mode = none here,'
        ' or leave such hosts out (openstack compute service set --disable'
        ' HOST nova-compute).',
        source='https://github.com/virt-pvm/linux',
        unless='all guests here have kernels with CONFIG_PVM_GUEST.',
        look=_is_stock,
    ),
    check.Check(
        id='kvm.device',
        subject='kvm',
        about='host',
        severity='high',
        title="QEMU's user may not open /dev/kvm",
        reason='Guests that ask for KVM do not start; those that take what'
        ' there is are emulated.',
        libvirt='Add the user to the group of /dev/kvm (usermod -aG kvm'
        ' libvirt-qemu) and restart libvirtd; or chmod 0660 and chgrp kvm by'
        ' a udev rule.',
        nova='The same on the compute host, then restart nova-compute.',
        source='https://libvirt.org/drvqemu.html',
        unless='an ACL (getfacl /dev/kvm) lets that user in: permission bits'
        ' do not show it.',
        look=_may_open,
    ),
    check.Check(
        id='kvm.offered',
        subject='kvm',
        about='host',
        severity='high',
        title='libvirt offers emulation alone, though KVM is there',
        reason='libvirt asks once whether QEMU can have KVM and keeps the'
        ' answer: what was wrong at its start stays so.',
        libvirt='Restart libvirtd (virtqemud) after KVM was loaded; if it'
        ' stays so, remove /var/cache/libvirt/qemu/capabilities and see that'
        ' the QEMU that is installed is built with KVM.',
        nova='The same, then nova.conf [libvirt] virt_type = kvm.',
        source='https://libvirt.org/formatcaps.html',
        unless='QEMU here is meant for another architecture.',
        look=_is_offered,
    ),
    check.Check(
        id='kvm.unused',
        subject='kvm',
        about='host',
        severity='high',
        title='Guests are emulated although KVM is there',
        reason='TCG translates each instruction of a guest: it is many times'
        ' slower, and takes the CPUs from others for it.',
        libvirt="<domain type='kvm'> instead of 'qemu' (virsh edit), and start"
        ' the guest anew.',
        nova='nova.conf [libvirt] virt_type = kvm, restart nova-compute, then'
        ' start the instances anew (openstack server reboot --hard).',
        source=_HYPERVISOR,
        unless='such a guest is for tests of the emulation itself.',
        look=_is_taken,
    ),
)
