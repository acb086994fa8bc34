# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks what KVM has of the processor's extensions."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

INTEL = 'sys/module/kvm_intel/parameters'
AMD = 'sys/module/kvm_amd/parameters'
NO_MODULES = {'modules': None, 'unknown': {'modules': 'no such file: x'}}
NO_IOMMUS: dict[str, object] = {'iommus': []}
ASKS = (('nova', {"name='hypervisor'": "name='vmx'"}),)
TYPE = 'sys/kernel/iommu_groups/3/type'
INFO = {'proc/cpuinfo': None}
OLD_INTEL = {
    'proc/cpuinfo': 'vendor_id : GenuineIntel\nflags : fpu lm vmx',
    f'{INTEL}/enable_apicv': 'N',
}

ROWS = (
    HostRow('extension.nested-paging', GOOD),
    HostRow('extension.nested-paging', GOOD, 'amd'),
    HostRow('extension.nested-paging', BAD, files={f'{INTEL}/ept': 'N'}),
    HostRow('extension.nested-paging', BAD, 'amd', {f'{AMD}/npt': '0'}),
    HostRow(
        'extension.nested-paging', CANNOT_TELL, files={f'{INTEL}/ept': None}
    ),
    HostRow('extension.nested-paging', NOT_CONCERNED, 'pvm'),
    HostRow('extension.unrestricted-guest', GOOD, 'nested'),
    HostRow(
        'extension.unrestricted-guest',
        BAD,
        files={f'{INTEL}/unrestricted_guest': 'N'},
    ),
    HostRow('extension.unrestricted-guest', CANNOT_TELL, known=NO_MODULES),
    HostRow('extension.unrestricted-guest', NOT_CONCERNED, 'amd'),
    HostRow('extension.interrupts', GOOD),
    HostRow(
        'extension.interrupts',
        BAD,
        files={f'{INTEL}/enable_apicv': 'N'},
        says='apicv',
    ),
    HostRow('extension.interrupts', NOT_CONCERNED, 'amd'),
    HostRow('extension.interrupts', CANNOT_TELL, files=INFO),
    HostRow('extension.interrupts', NOT_CONCERNED, files=OLD_INTEL),
    HostRow('extension.avic', GOOD, 'amd'),
    HostRow('extension.avic', BAD, 'amd', {f'{AMD}/avic': 'N'}, says='avic'),
    HostRow('extension.avic', CANNOT_TELL, 'amd', {f'{AMD}/avic': None}),
    HostRow('extension.avic', NOT_CONCERNED),
    HostRow('extension.nested', GOOD, domains=ASKS),
    HostRow(
        'extension.nested',
        BAD,
        files={f'{INTEL}/nested': 'N'},
        domains=ASKS,
        says='instance-00000001',
    ),
    HostRow(
        'extension.nested',
        CANNOT_TELL,
        files={f'{INTEL}/nested': None},
        domains=ASKS,
    ),
    HostRow('extension.nested', NOT_CONCERNED, domains=(('nova', {}),)),
    HostRow('extension.bare-metal', GOOD),
    HostRow('extension.bare-metal', BAD, 'nested'),
    HostRow('extension.bare-metal', CANNOT_TELL, files=INFO),
    HostRow('extension.bare-metal', NOT_CONCERNED, 'arm'),
    HostRow('extension.iommu', GOOD, 'arm'),
    HostRow('extension.iommu', BAD, known=NO_IOMMUS),
    HostRow('extension.iommu', BAD, 'nested'),
    HostRow(
        'extension.iommu',
        CANNOT_TELL,
        known={'iommus': None, 'unknown': {'iommus': 'no permission: x'}},
    ),
    HostRow('extension.iommu-strict', GOOD),
    HostRow('extension.iommu-strict', BAD, files={TYPE: 'DMA'}),
    HostRow(
        'extension.iommu-strict',
        CANNOT_TELL,
        known={'iommu_groups': {'unknown': 3}},
    ),
    HostRow('extension.iommu-strict', NOT_CONCERNED, 'nested'),
)
