# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of pinned vCPUs; the tree ``intel`` has CPUs 0-7."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

UUID = '9a0c1d52-7f5d-4a52-8a3c-5f8c1f1f0a11'
OTHER = {UUID: '9a0c1d52-7f5d-4a52-8a3c-5f8c1f1f0a12', 'pinned': 'second'}
#: The same guest on the other half.
APART = {
    **OTHER,
    "cpuset='0'/>": "cpuset='6'/>",
    "cpuset='1'/>": "cpuset='7'/>",
    "cpuset='2'/>": "cpuset='4'/>",
    "cpuset='3'/>": "cpuset='5'/>",
}
UNREAD = {**APART, '</domain>': ''}
TWICE = {"cpuset='1'/>": "cpuset='0'/>"}
WRONG = {"vcpu='0' cpuset='0'": "vcpu='0' cpuset='none'"}
KEPT = {"placement='static'": "placement='static' cpuset='4-7'"}
ON_ITS_OWN = {"emulatorpin cpuset='4-5'": "emulatorpin cpuset='0-3'"}
NO_EMULATOR = {"    <emulatorpin cpuset='4-5'/>\n": ''}
SOME = {"    <vcpupin vcpu='3' cpuset='3'/>\n": ''}
BLIND = HostRow('', GOOD, known={'cpus_online': None})
SMT = HostRow('', GOOD, known={'cores': ['0,4', '1,5', '2,6', '3,7']})
ISOLATED = HostRow('', GOOD, known={'cpus_isolated': '0-3'})

ROWS = (
    DomainRow('pinning.doubled', GOOD, 'amd'),
    DomainRow('pinning.doubled', BAD, 'amd', TWICE, says='CPU 0'),
    DomainRow('pinning.doubled', CANNOT_TELL, 'amd', WRONG, says='none'),
    DomainRow('pinning.doubled', NOT_CONCERNED),
    DomainRow('pinning.conflict', GOOD, 'amd'),
    DomainRow('pinning.conflict', GOOD, 'amd', others=(('amd', APART),)),
    DomainRow(
        'pinning.conflict',
        BAD,
        'amd',
        others=(('amd', OTHER),),
        says='second',
    ),
    DomainRow('pinning.conflict', BAD, 'tuned', others=(('amd', OTHER),)),
    DomainRow(
        'pinning.conflict', CANNOT_TELL, 'amd', others=(('amd', UNREAD),)
    ),
    DomainRow('pinning.conflict', NOT_CONCERNED, 'defaults'),
    DomainRow('pinning.intruded', GOOD, 'amd', others=(('amd', APART),)),
    DomainRow('pinning.intruded', GOOD, 'amd', others=(('nova', KEPT),)),
    DomainRow('pinning.intruded', BAD, 'amd', others=(('nova', {}),)),
    # Where the kernel keeps CPUs apart nobody floats onto them.
    DomainRow(
        'pinning.intruded', GOOD, 'amd', others=(('nova', {}),), host=ISOLATED
    ),
    DomainRow(
        'pinning.intruded', CANNOT_TELL, 'amd', others=(('amd', UNREAD),)
    ),
    DomainRow('pinning.intruded', CANNOT_TELL, 'amd', host=BLIND),
    DomainRow('pinning.intruded', NOT_CONCERNED),
    DomainRow('pinning.shared-core', GOOD, 'amd', others=(('amd', APART),)),
    DomainRow(
        'pinning.shared-core',
        GOOD,
        'amd',
        others=(('amd', APART),),
        host=HostRow('', GOOD, known={'cores': ['0-1', '2-3', '4-5', '6-7']}),
    ),
    DomainRow(
        'pinning.shared-core',
        BAD,
        'amd',
        others=(('amd', APART),),
        host=SMT,
        says='CPU 4 of the same core belongs to second',
    ),
    DomainRow(
        'pinning.shared-core',
        CANNOT_TELL,
        'amd',
        others=(('amd', UNREAD),),
        host=SMT,
    ),
    DomainRow(
        'pinning.shared-core',
        CANNOT_TELL,
        'amd',
        host=HostRow('', GOOD, known={'cores': None}),
    ),
    DomainRow('pinning.shared-core', NOT_CONCERNED, host=SMT),
    DomainRow('pinning.emulator', GOOD, 'amd'),
    DomainRow('pinning.emulator', GOOD, 'amd', NO_EMULATOR),
    DomainRow('pinning.emulator', BAD, 'amd', ON_ITS_OWN),
    DomainRow('pinning.emulator', BAD, 'tuned'),
    DomainRow('pinning.emulator', CANNOT_TELL, 'amd', host=BLIND),
    DomainRow('pinning.emulator', NOT_CONCERNED),
    DomainRow('pinning.partial', GOOD, 'amd'),
    DomainRow('pinning.partial', BAD, 'amd', SOME, says='3 of 4'),
    DomainRow('pinning.partial', CANNOT_TELL, 'amd', WRONG),
    DomainRow(
        'pinning.partial',
        NOT_CONCERNED,
        'amd',
        SOME,
        known={'extra_specs': {'hw:cpu_policy': 'mixed'}},
    ),
)
