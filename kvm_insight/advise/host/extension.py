# SPDX-License-Identifier: Apache-2.0
"""What KVM has of the processor's extensions: paging, interrupts, nesting."""

from kvm_insight.advise import check
from kvm_insight.advise.host import kvm
from kvm_insight.model import facts

_INFO = '/proc/cpuinfo'
_PARAMETERS = 'https://docs.kernel.org/admin-guide/kernel-parameters.html'
_NESTED = 'https://docs.kernel.org/virt/kvm/x86/running-nested-guests.html'
#: No page of the documentation has these two.
_MASTER = 'https://github.com/torvalds/linux/blob/master/arch/x86/kvm'
_APICV = f'{_MASTER}/vmx/vmx.c'
_AVIC = f'{_MASTER}/svm/avic.c'
_ON = ('Y', '1')
_PAGING = {'kvm_intel': 'kvm_intel.ept', 'kvm_amd': 'kvm_amd.npt'}
_BOTH = ('vmx', 'svm')


def _where(name: str) -> str:
    module, _, parameter = name.partition('.')
    return f'/sys/module/{module}/parameters/{parameter}'


def _parameter(host: facts.HostFacts, name: str, what: str) -> check.Outcome:
    """Judge a parameter that should be on."""
    if host.kvm_parameters is None:
        return check.why_unknown(host, 'kvm_parameters')
    value = host.kvm_parameters.get(name)
    if value is None:
        return check.CannotTell(f'{_where(name)} cannot be read')
    evidence = ((_where(name), value),)
    if value in _ON:
        return check.Good(evidence)
    return check.Bad(evidence, what)


def _has_paging(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    module = kvm.vendor(host)
    if module is None:
        return check.NotConcerned('neither kvm_intel nor kvm_amd is loaded')
    name = _PAGING[module]
    return _parameter(host, name, f'{name.partition(".")[2]} is off')


def _is_unrestricted(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    if kvm.vendor(host) != 'kvm_intel':
        return check.NotConcerned('it is a matter of Intel alone')
    name = 'kvm_intel.unrestricted_guest'
    return _parameter(host, name, 'real mode of guests is emulated')


def _has_apicv(case: check.HostCase) -> check.Outcome:
    return _has_interrupts(case.host, 'kvm_intel', 'enable_apicv', 'apicv')


def _has_avic(case: check.HostCase) -> check.Outcome:
    return _has_interrupts(case.host, 'kvm_amd', 'avic', 'avic')


def _has_interrupts(
    host: facts.HostFacts, module: str, parameter: str, flag: str
) -> check.Outcome:
    if host.modules is None or host.cpu_flags is None:
        return check.why_unknown(host, 'modules', 'cpu_flags')
    if kvm.vendor(host) != module:
        return check.NotConcerned(f'{module} is not loaded')
    name = f'{module}.{parameter}'
    found = _parameter(host, name, f'{flag} is there and not used')
    if isinstance(found, check.Bad) and flag not in host.cpu_flags:
        return check.NotConcerned(f'the processor has no {flag}')
    return found


def _gives_nesting(case: check.HostCase) -> check.Outcome:
    host = case.host
    wishes = [
        (one.name, flag)
        for one in case.domains
        for flag in _BOTH
        if one.cpu_features.get(flag) in ('require', 'force')
    ]
    if not wishes:
        return check.NotConcerned('no domain here asks for vmx or svm')
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    module = kvm.vendor(host)
    if module is None:
        return check.NotConcerned('neither kvm_intel nor kvm_amd is loaded')
    names = ', '.join(sorted({name for name, _ in wishes}))
    what = f'nested is off, and {names} asks for it'
    return _parameter(host, f'{module}.nested', what)


def _is_bare(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.cpu_flags is None or host.architecture is None:
        return check.why_unknown(host, 'architecture', 'cpu_flags')
    if not kvm.is_x86(host):
        return check.NotConcerned('no flag tells of it on this architecture')
    if 'hypervisor' not in host.cpu_flags:
        return check.Good(((_INFO, 'no hypervisor flag'),))
    product = ' '.join(
        filter(None, (host.machine_vendor, host.machine_product))
    )
    evidence = [(_INFO, 'hypervisor')]
    if product:
        evidence.append(('/sys/class/dmi/id/product_name', product))
    return check.Bad(tuple(evidence), 'this host is itself a guest')


def _has_iommu(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.iommus is None:
        return check.why_unknown(host, 'iommus')
    evidence = [('/sys/class/iommu', ' '.join(host.iommus) or 'empty')]
    if host.iommus:
        return check.Good(tuple(evidence))
    words = [w for w in host.kernel_words or () if 'iommu' in w]
    evidence += [('/proc/cmdline', word) for word in words]
    return check.Bad(
        tuple(evidence), 'no IOMMU: no device can be given to a guest safely'
    )


def _is_passed_by(case: check.HostCase) -> check.Outcome:
    """Judge whether the host's own I/O goes around the IOMMU."""
    host = case.host
    if host.iommu_groups is None:
        return check.why_unknown(host, 'iommu_groups')
    if not host.iommu_groups:
        return check.NotConcerned('there is no IOMMU group')
    if set(host.iommu_groups) == {'unknown'}:
        return check.CannotTell('/sys/kernel/iommu_groups/*/type: not there')
    evidence = tuple(
        (f'/sys/kernel/iommu_groups/*/type: {kind}', str(number))
        for kind, number in sorted(host.iommu_groups.items())
    )
    if 'DMA' not in host.iommu_groups:
        return check.Good(evidence)
    return check.Bad(evidence, "the host's own I/O is translated strictly")


CHECKS = (
    check.Check(
        id='extension.nested-paging',
        subject='extension',
        about='host',
        severity='high',
        title='Nested paging (EPT, NPT) is off',
        reason='Without it KVM keeps shadow page tables: each change that a'
        ' guest makes to its own ones leaves the guest.',
        libvirt='Take ept=0 or npt=0 out of /etc/modprobe.d and off the'
        " kernel's command line; stop the guests, reload the module.",
        nova='The same on the compute host, disabled and emptied before'
        ' (openstack compute service set --disable).',
        source=_PARAMETERS,
        unless='a fault of the processor is being worked around.',
        look=_has_paging,
    ),
    check.Check(
        id='extension.unrestricted-guest',
        subject='extension',
        about='host',
        severity='low',
        title='Unrestricted guest is off',
        reason='KVM then emulates what a guest does in real mode, as firmware'
        ' and boot loaders do: slow starts, and old systems that fail.',
        libvirt='Take unrestricted_guest=0 out of /etc/modprobe.d and reload'
        ' kvm_intel; it needs EPT.',
        nova='The same on the compute host, emptied before.',
        source=_PARAMETERS,
        unless='the processor is older than Westmere and has none.',
        look=_is_unrestricted,
    ),
    check.Check(
        id='extension.interrupts',
        subject='extension',
        about='host',
        severity='medium',
        title='The processor could deliver interrupts itself, and may not',
        reason='Without APICv each interrupt and each end of one leaves the'
        ' guest; busy disks and networks feel it most.',
        libvirt='Take enable_apicv=0 out of /etc/modprobe.d: KVM has it on by'
        ' itself. Stop the guests, reload kvm_intel.',
        nova='The same on the compute host, emptied before.',
        source=_APICV,
        unless='it was turned off for a fault of this processor.',
        look=_has_apicv,
    ),
    check.Check(
        id='extension.avic',
        subject='extension',
        about='host',
        severity='low',
        title='AVIC is there, and KVM does not use it',
        reason='Without it each interrupt leaves the guest. Most kernels have'
        ' it off by themselves.',
        libvirt='options kvm_amd avic=1 in /etc/modprobe.d, stop the guests,'
        ' reload kvm_amd; measure before and after.',
        nova='The same on the compute host, emptied before.',
        source=_AVIC,
        unless='guests here are nested hypervisors, or Windows with hv-synic'
        ' and without hv-avic, or the processor has no x2AVIC and guests many'
        ' vCPUs: KVM does not use it for those.',
        look=_has_avic,
    ),
    check.Check(
        id='extension.nested',
        subject='extension',
        about='host',
        severity='medium',
        title='Guests ask for nested virtualization, and KVM has it off',
        reason='The guest sees no vmx or svm; what it runs inside is emulated,'
        ' many times slower.',
        libvirt='options kvm_intel nested=1 (or kvm_amd) in /etc/modprobe.d,'
        ' stop the guests, reload the module.',
        nova='The same on the compute host; the CPU model by nova.conf'
        ' [libvirt] cpu_model_extra_flags = +vmx.',
        source=_NESTED,
        unless='nesting was turned off on purpose: it is more to attack.',
        look=_gives_nesting,
    ),
    check.Check(
        id='extension.bare-metal',
        subject='extension',
        about='host',
        severity='medium',
        title='This host is itself a guest',
        reason='Each exit of a guest goes through two hypervisors, and what'
        ' the outer one takes shows here as steal.',
        libvirt='Run guests that matter on bare metal; else give this machine'
        ' pinned vCPUs and host-passthrough in the outer hypervisor.',
        nova='Bare-metal compute hosts; in the outer cloud flavors with'
        ' hw:cpu_policy=dedicated and trait:HW_CPU_X86_VMX=required.',
        source=_NESTED,
        unless='it is for tests or teaching.',
        look=_is_bare,
    ),
    check.Check(
        id='extension.iommu',
        subject='extension',
        about='host',
        severity='low',
        title='There is no IOMMU',
        reason='Without it no network or graphics card can be given to a'
        ' guest, which is the fastest way to both.',
        libvirt='Turn VT-d or AMD-Vi on in the firmware; on Intel also'
        " intel_iommu=on on the kernel's command line.",
        nova='The same on the compute host, then nova.conf [pci]'
        ' device_spec; instances by pci_passthrough:alias.',
        source='https://docs.openstack.org/nova/latest/admin'
        '/pci-passthrough.html',
        unless='no device will ever be given to a guest.',
        look=_has_iommu,
    ),
    check.Check(
        id='extension.iommu-strict',
        subject='extension',
        about='host',
        severity='low',
        title="The host's own I/O goes through the IOMMU strictly",
        reason='Each buffer of a network or disk driver is mapped and'
        ' unmapped, and the IOMMU flushed; vhost traffic pays for it.',
        libvirt="iommu=pt (Arm: iommu.passthrough=1) on the kernel's command"
        ' line; devices given to guests stay translated.',
        nova='The same on the compute host, emptied before.',
        source=_PARAMETERS,
        unless='devices that are not trusted (Thunderbolt) can be plugged in.',
        look=_is_passed_by,
    ),
)
