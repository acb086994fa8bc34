# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks whether KVM can be had."""

from kvm_insight.model import part

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

INFO = 'proc/cpuinfo'
AMD_OFF = 'processor : 0\nvendor_id : AuthenticAMD\nflags : fpu lm'
ABSENT = {'kvm_device': None, 'unknown': {'kvm_device': 'no such file: x'}}
HIDDEN = {'kvm_device': None, 'unknown': {'kvm_device': 'no permission: x'}}
OTHERS = {'kvm_device': part.Access(mode=0o600, uid=0, gid=0)}
QEMU_ALONE = {"<domain type='kvm'/>": ''}
NO_GROUPS = {'etc/group': None}
NOTHING = {'modules': None, 'unknown': {'modules': 'no such file: x'}}

ROWS = (
    HostRow('kvm.extension', GOOD),
    HostRow('kvm.extension', GOOD, 'amd'),
    HostRow('kvm.extension', GOOD, 'nested'),
    HostRow('kvm.extension', BAD, 'tcg', says='through'),
    HostRow('kvm.extension', BAD, 'amd', {INFO: AMD_OFF}, says='firmware'),
    HostRow('kvm.extension', CANNOT_TELL, files={INFO: None}, says='no such'),
    HostRow('kvm.extension', CANNOT_TELL, files={INFO: 'garbage'}),
    HostRow('kvm.extension', NOT_CONCERNED, 'arm'),
    HostRow('kvm.loaded', GOOD),
    HostRow('kvm.loaded', GOOD, 'arm'),
    HostRow('kvm.loaded', BAD, known={'modules': ['kvm']}, says='kvm_intel'),
    HostRow('kvm.loaded', BAD, 'arm', known=ABSENT),
    HostRow('kvm.loaded', CANNOT_TELL, 'arm', known=HIDDEN),
    HostRow('kvm.loaded', CANNOT_TELL, known=NOTHING, says='no such file'),
    HostRow('kvm.loaded', NOT_CONCERNED, 'tcg'),
    HostRow('kvm.pvm', BAD, 'pvm', says='stock'),
    HostRow('kvm.pvm', GOOD, files={'sys/module/kvm_pvm/refcnt': '0'}),
    HostRow('kvm.pvm', CANNOT_TELL, known=NOTHING),
    HostRow('kvm.pvm', NOT_CONCERNED, 'amd'),
    HostRow('kvm.device', GOOD),
    HostRow('kvm.device', GOOD, capabilities={'+64055:+107': '+0:+0'}),
    HostRow('kvm.device', BAD, known=OTHERS, says='64055'),
    HostRow('kvm.device', BAD, files={'etc/group': 'root:x:0:'}),
    HostRow('kvm.device', CANNOT_TELL, files=NO_GROUPS, says='group'),
    HostRow('kvm.device', CANNOT_TELL, capabilities=None, says='libvirt'),
    HostRow('kvm.device', CANNOT_TELL, known=HIDDEN, says='permission'),
    HostRow('kvm.device', NOT_CONCERNED, known=ABSENT),
    HostRow('kvm.offered', GOOD),
    HostRow('kvm.offered', BAD, capabilities=QEMU_ALONE, says='TCG'),
    HostRow('kvm.offered', CANNOT_TELL, capabilities=None),
    HostRow('kvm.offered', NOT_CONCERNED, 'tcg'),
    HostRow('kvm.unused', GOOD, domains=(('nova', {}),)),
    HostRow(
        'kvm.unused',
        BAD,
        domains=(('nova', {}), ('tcg', {})),
        says='1 of 2 guests',
    ),
    HostRow(
        'kvm.unused',
        BAD,
        files={'etc/nova/nova.conf': '[libvirt]\nvirt_type = qemu'},
        says='Nova starts',
    ),
    HostRow(
        'kvm.unused',
        GOOD,
        domains=(('tcg', {"arch='x86_64'": "arch='riscv64'"}),),
    ),
    HostRow(
        'kvm.unused',
        CANNOT_TELL,
        known={'modules': None, 'unknown': {'modules': 'no such file: x'}},
    ),
    HostRow('kvm.unused', NOT_CONCERNED, 'pvm', domains=(('tcg', {}),)),
    HostRow('kvm.unused', NOT_CONCERNED, 'tcg', domains=(('tcg', {}),)),
    HostRow('kvm.unused', NOT_CONCERNED, files={'etc/nova/nova.conf': None}),
)
