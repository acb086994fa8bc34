# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the processor's faults and of SMT."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

V = 'sys/devices/system/cpu/vulnerabilities'
SMT = 'sys/devices/system/cpu/smt/active'
CONF = 'etc/libvirt/qemu.conf'
BOOT = 'boot/config-6.12.48-1-cloud'
MDS = 'Mitigation: Clear CPU buffers; SMT vulnerable'
#: As arch/x86/kernel/cpu/bugs.c writes them.
OPEN = (
    ('l1tf', 'Mitigation: PTE Inversion; VMX: vulnerable'),
    ('l1tf', 'Mitigation: PTE Inversion; VMX: vulnerable, SMT vulnerable'),
    ('itlb_multihit', 'KVM: Vulnerable'),
    (
        'spectre_v2',
        'Mitigation: Enhanced / Automatic IBRS; IBPB: conditional;'
        ' PBRSB-eIBRS: SW sequence; BHI: Vulnerable',
    ),
)
CLOSED = (
    ('itlb_multihit', 'KVM: Mitigation: Split huge pages'),
    (
        'l1tf',
        'Mitigation: PTE Inversion; VMX: conditional cache flushes, SMT'
        ' vulnerable',
    ),
    (
        'spectre_v2',
        'Mitigation: Enhanced / Automatic IBRS; IBPB: conditional;'
        ' PBRSB-eIBRS: SW sequence; BHI: Vulnerable, KVM: SW loop',
    ),
)
DEVICE = (
    "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000'"
    " bus='0x06' slot='0x02' function='0x0'/></source></hostdev></devices>"
)
UNREAD = {
    'vulnerabilities': None,
    'unknown': {'vulnerabilities': 'no such file: x'},
}

ROWS = (
    HostRow('mitigation.open', GOOD),
    HostRow('mitigation.open', GOOD, 'arm'),
    HostRow('mitigation.open', BAD, files={f'{V}/mds': 'Vulnerable'}),
    HostRow('mitigation.open', BAD, 'recorded', says='spec_rstack'),
    *(
        HostRow('mitigation.open', BAD, files={f'{V}/{name}': text}, says=name)
        for name, text in OPEN
    ),
    *(
        HostRow('mitigation.open', GOOD, files={f'{V}/{name}': text})
        for name, text in CLOSED
    ),
    HostRow(
        'mitigation.microcode',
        BAD,
        files={f'{V}/gather_data_sampling': 'Vulnerable: No microcode'},
    ),
    HostRow(
        'mitigation.smt',
        GOOD,
        files={SMT: '1', f'{V}/mmio_stale_data': MDS},
    ),
    HostRow(
        'mitigation.smt',
        BAD,
        files={SMT: '1', f'{V}/mmio_stale_data': MDS},
        domains=(('nova', {'</devices>': DEVICE}),),
    ),
    HostRow('mitigation.open', CANNOT_TELL, known=UNREAD, says='no such'),
    HostRow('mitigation.microcode', GOOD, 'amd'),
    HostRow('mitigation.microcode', BAD, 'nested'),
    HostRow(
        'mitigation.microcode', BAD, files={f'{V}/old_microcode': 'Vulnerable'}
    ),
    HostRow('mitigation.microcode', CANNOT_TELL, known=UNREAD),
    HostRow('mitigation.microcode', NOT_CONCERNED, 'arm'),
    HostRow('mitigation.cost', GOOD, 'amd'),
    HostRow(
        'mitigation.cost', BAD, files={f'{V}/meltdown': 'Mitigation: PTI'}
    ),
    HostRow(
        'mitigation.cost',
        BAD,
        'amd',
        {f'{V}/vmscape': 'Mitigation: IBPB before exit to userspace'},
        says='vmscape',
    ),
    HostRow('mitigation.cost', CANNOT_TELL, known=UNREAD),
    HostRow('mitigation.smt', GOOD),
    HostRow('mitigation.smt', GOOD, files={SMT: '1'}),
    HostRow('mitigation.smt', BAD, files={SMT: '1', f'{V}/mds': MDS}),
    HostRow(
        'mitigation.smt',
        GOOD,
        files={SMT: '1', f'{V}/mds': MDS, CONF: 'sched_core = "vcpus"'},
    ),
    HostRow(
        'mitigation.smt',
        CANNOT_TELL,
        files={SMT: '1', f'{V}/mds': MDS, CONF: None},
    ),
    HostRow('mitigation.smt', CANNOT_TELL, files={SMT: None}),
    HostRow(
        'mitigation.core-scheduling',
        GOOD,
        files={SMT: '1', CONF: 'sched_core = "full"'},
    ),
    HostRow('mitigation.core-scheduling', BAD, files={SMT: '1'}, says='share'),
    HostRow(
        'mitigation.core-scheduling',
        BAD,
        files={SMT: '1', BOOT: '# CONFIG_SCHED_CORE is not set'},
        says='without',
    ),
    HostRow(
        'mitigation.core-scheduling', CANNOT_TELL, files={SMT: '1', BOOT: None}
    ),
    HostRow('mitigation.core-scheduling', NOT_CONCERNED),
)
