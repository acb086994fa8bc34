# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of where a domain's memory lies.

The tree ``intel`` has nodes 0 and 1 with CPUs 0-3 and 4-7.
"""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

GIB = 1 << 30
LOCAL = {'node_bytes': {'0': 15 * GIB, '1': GIB // 2}}
REMOTE = {'node_bytes': {'0': GIB, '1': 15 * GIB}}
HALVES = {'node_bytes': {'0': 2 * GIB, '1': 2 * GIB}}
NOTHING = {'node_bytes': {'0': 0, '1': 0}}
STRANGE = {'node_bytes': {'left': 1}}
BLIND = HostRow('', GOOD, known={'nodes': None})
FLAT = HostRow('', GOOD, 'nested')
WIDE = {'>2</vcpu>': '>6</vcpu>'}
CELLS = {
    **WIDE,
    "<model fallback='forbid'>": "<numa><cell id='0' cpus='0-2'"
    " memory='2097152'/><cell id='1' cpus='3-5' memory='2097152'/></numa>"
    "<model fallback='forbid'>",
}
WRONG_CELLS = {**CELLS, "cpus='3-5'": "cpus='some'"}
WRONG_PIN = {"vcpu='0' cpuset='0'": "vcpu='0' cpuset='x'"}

ROWS = (
    DomainRow('placement.remote', GOOD, 'amd', known=LOCAL),
    DomainRow('placement.remote', GOOD, known=HALVES),
    DomainRow('placement.remote', BAD, 'amd', known=REMOTE, says='94%'),
    DomainRow(
        'placement.remote',
        BAD,
        changes={"placement='static'": "placement='static' cpuset='4-7'"},
        known=HALVES,
        says='50%',
    ),
    DomainRow('placement.remote', CANNOT_TELL, 'amd'),
    DomainRow('placement.remote', CANNOT_TELL, 'amd', known=NOTHING),
    DomainRow('placement.remote', CANNOT_TELL, 'amd', known=STRANGE),
    DomainRow('placement.remote', CANNOT_TELL, 'amd', WRONG_PIN, known=LOCAL),
    DomainRow('placement.remote', CANNOT_TELL, 'amd', known=LOCAL, host=BLIND),
    DomainRow(
        'placement.remote', NOT_CONCERNED, 'amd', known=LOCAL, host=FLAT
    ),
    DomainRow('placement.scattered', GOOD, known=LOCAL),
    DomainRow('placement.scattered', BAD, known=HALVES, says='50%'),
    DomainRow('placement.scattered', CANNOT_TELL),
    DomainRow('placement.scattered', CANNOT_TELL, known=HALVES, host=BLIND),
    DomainRow('placement.scattered', NOT_CONCERNED, changes=CELLS),
    DomainRow('placement.scattered', NOT_CONCERNED, changes=WIDE),
    DomainRow('placement.scattered', NOT_CONCERNED, host=FLAT),
    DomainRow('placement.hidden-nodes', GOOD),
    DomainRow('placement.hidden-nodes', GOOD, changes=CELLS),
    DomainRow('placement.hidden-nodes', BAD, changes=WIDE, says='sees one'),
    DomainRow('placement.hidden-nodes', CANNOT_TELL, changes=WRONG_CELLS),
    DomainRow('placement.hidden-nodes', CANNOT_TELL, host=BLIND),
    DomainRow('placement.hidden-nodes', NOT_CONCERNED, host=FLAT),
)
