# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the CPU that a domain sees."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

AMD = HostRow('', GOOD, 'amd')
PVM = HostRow('', GOOD, 'recorded')
ARM = HostRow('', GOOD, 'arm')
BLIND = HostRow('', GOOD, files={'proc/cpuinfo': None})
INNOCENT = HostRow('', GOOD, known={'vulnerabilities': {}})
BROKEN = {'</domain>': ''}
MODEL = 'Cascadelake-Server-noTSX'
KVM64 = {MODEL: 'kvm64'}
OLD = {MODEL: 'SandyBridge'}
NOVEL = {MODEL: 'Laker'}
TCG = {"<domain type='kvm'": "<domain type='qemu'"}
NO_CPU = {
    "<cpu mode='custom' match='exact' check='full'>": '<other>',
    '</cpu>': '</other>',
}
PASSED = {
    "mode='custom' match='exact' check='full'": "mode='host-passthrough'",
    f"<model fallback='forbid'>{MODEL}</model>": '',
}
HYPERVISOR = "<feature policy='require' name='hypervisor'/>"
NAILED = {HYPERVISOR: "<feature policy='require' name='invtsc'/>"}
RIGID = {**PASSED, "'host-passthrough'": "'maximum' migratable='off'"}
DENIED = {**PASSED, HYPERVISOR: "<feature policy='disable' name='aes'/>"}
HOST_MODEL = {**PASSED, "mode='host-passthrough'": "mode='host-model'"}

ROWS = (
    DomainRow('cpu.basic-model', GOOD),
    DomainRow('cpu.basic-model', GOOD, 'amd', host=AMD),
    DomainRow('cpu.basic-model', GOOD, 'windows'),
    DomainRow('cpu.basic-model', BAD, 'defaults', says='qemu64'),
    DomainRow('cpu.basic-model', BAD, changes=KVM64, says='kvm64'),
    DomainRow('cpu.basic-model', BAD, changes=NO_CPU, says='qemu64'),
    DomainRow('cpu.basic-model', CANNOT_TELL, changes=BROKEN),
    DomainRow(
        'cpu.basic-model',
        CANNOT_TELL,
        changes={f"<model fallback='forbid'>{MODEL}</model>": ''},
    ),
    DomainRow('cpu.basic-model', CANNOT_TELL, changes={" arch='x86_64'": ''}),
    DomainRow('cpu.basic-model', NOT_CONCERNED, 'tuned'),
    DomainRow('cpu.basic-model', NOT_CONCERNED, 'arm', host=ARM),
    DomainRow('cpu.missing-features', GOOD),
    DomainRow('cpu.missing-features', GOOD, 'amd', host=AMD),
    DomainRow('cpu.missing-features', GOOD, changes=PASSED),
    DomainRow('cpu.missing-features', GOOD, changes=HOST_MODEL),
    DomainRow('cpu.missing-features', BAD, changes=OLD, says='avx2'),
    DomainRow('cpu.missing-features', NOT_CONCERNED, 'defaults', host=PVM),
    DomainRow('cpu.missing-features', BAD, changes=DENIED, says='aes'),
    # What one host has is no loss where another one has it not.
    DomainRow(
        'cpu.missing-features',
        BAD,
        'amd',
        {'EPYC-Rome': 'EPYC', "<feature policy='require' name='pcid'/>": ''},
        host=AMD,
        says='given pcid',
    ),
    DomainRow(
        'cpu.missing-features',
        GOOD,
        changes={MODEL: 'Haswell'},
        peers=('amd',),
        host=HostRow('', GOOD, known={'cpu_flags': ['aes', 'avx512f']}),
    ),
    DomainRow('cpu.missing-features', CANNOT_TELL, changes=NOVEL),
    DomainRow('cpu.missing-features', CANNOT_TELL, host=BLIND),
    DomainRow('cpu.missing-features', NOT_CONCERNED, changes=TCG),
    DomainRow('cpu.hidden-mitigations', GOOD),
    DomainRow('cpu.hidden-mitigations', GOOD, 'amd', host=AMD),
    DomainRow('cpu.hidden-mitigations', GOOD, changes=KVM64, host=INNOCENT),
    DomainRow(
        'cpu.hidden-mitigations',
        BAD,
        changes={MODEL: 'Skylake-Server-IBRS'},
        says='spec_store_bypass',
    ),
    DomainRow('cpu.hidden-mitigations', BAD, 'defaults', says='spectre_v2'),
    DomainRow(
        'cpu.hidden-mitigations',
        BAD,
        'amd',
        {"policy='require' name='amd-ssbd'": "policy='disable' name='ibpb'"},
        host=AMD,
        says='spec_store_bypass, spectre_v2',
    ),
    DomainRow('cpu.hidden-mitigations', CANNOT_TELL, changes=NOVEL),
    DomainRow('cpu.hidden-mitigations', CANNOT_TELL, host=BLIND),
    DomainRow('cpu.hidden-mitigations', NOT_CONCERNED, 'tuned'),
    DomainRow('cpu.unmigratable', GOOD, peers=('intel', 'nested')),
    DomainRow('cpu.unmigratable', GOOD, changes=PASSED, peers=('intel',)),
    DomainRow('cpu.unmigratable', BAD, peers=('intel', 'amd'), says='avx512'),
    DomainRow(
        'cpu.unmigratable',
        BAD,
        changes=PASSED,
        peers=('intel', 'amd'),
        says='EPYC',
    ),
    DomainRow('cpu.unmigratable', BAD, changes=NAILED, says='invtsc'),
    DomainRow('cpu.unmigratable', BAD, changes=RIGID),
    DomainRow('cpu.unmigratable', GOOD, 'arm', host=ARM, peers=('arm',)),
    DomainRow('cpu.unmigratable', CANNOT_TELL, says='no other host'),
    DomainRow('cpu.unmigratable', CANNOT_TELL, changes=NOVEL, peers=('amd',)),
    DomainRow('cpu.unmigratable', CANNOT_TELL, 'huge', peers=('intel',)),
    DomainRow('cpu.unmigratable', NOT_CONCERNED, 'tuned', peers=('amd',)),
)
