# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of machine types.

The trees ``intel`` and ``amd`` have types up to 10.0, ``arm`` up to 7.2.
"""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

OURS = 'pc-q35-10.0'
NO_TYPES = HostRow('', GOOD, capabilities=None)
RHEL = HostRow(
    '', GOOD, known={'machine_types': ['pc-q35-rhel9.4.0', 'pc-q35-rhel8.6.0']}
)
STRANGE = HostRow('', GOOD, known={'machine_types': ['pc-q35-noble']})
RECORDED = HostRow('', GOOD, 'recorded')
ARM = HostRow('', GOOD, 'arm')

ROWS = (
    DomainRow('machine.old', GOOD),
    DomainRow('machine.old', GOOD, 'defaults', host=RECORDED),
    DomainRow('machine.old', GOOD, changes={OURS: 'pc-q35-8.1'}),
    DomainRow(
        'machine.old', GOOD, changes={OURS: 'pc-q35-rhel8.6.0'}, host=RHEL
    ),
    DomainRow('machine.old', BAD, 'defaults', says='3 years'),
    DomainRow(
        'machine.old', BAD, changes={OURS: 'pc-i440fx-2.4'}, says='10 years'
    ),
    DomainRow(
        'machine.old', BAD, changes={OURS: 'pc-i440fx-rhel7.6.0'}, host=RHEL
    ),
    DomainRow('machine.old', CANNOT_TELL, changes={OURS: 'pc-q35-noble'}),
    DomainRow('machine.old', CANNOT_TELL, changes={f" machine='{OURS}'": ''}),
    DomainRow('machine.old', CANNOT_TELL, host=NO_TYPES),
    DomainRow('machine.old', CANNOT_TELL, host=STRANGE),
    DomainRow('machine.dropped', GOOD),
    DomainRow('machine.dropped', GOOD, 'arm', host=ARM, peers=('arm',)),
    DomainRow('machine.dropped', GOOD, 'defaults', host=RECORDED),
    DomainRow('machine.dropped', BAD, 'defaults', says='this host'),
    DomainRow(
        'machine.dropped', BAD, peers=('amd', 'recorded'), says='another'
    ),
    DomainRow('machine.dropped', CANNOT_TELL, host=NO_TYPES),
    DomainRow('machine.dropped', CANNOT_TELL, 'arm'),
    DomainRow('machine.chipset', GOOD),
    DomainRow('machine.chipset', GOOD, 'windows'),
    DomainRow('machine.chipset', BAD, 'defaults'),
    DomainRow('machine.chipset', BAD, changes={OURS: 'pc-1.3'}),
    DomainRow('machine.chipset', CANNOT_TELL, changes={OURS: 'pc-noble'}),
    DomainRow('machine.chipset', NOT_CONCERNED, 'arm', host=ARM),
    DomainRow('machine.chipset', NOT_CONCERNED, changes={OURS: 'microvm'}),
)
