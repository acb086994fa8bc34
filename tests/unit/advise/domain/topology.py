# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of sockets, cores and threads."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

SMT = 'sys/devices/system/cpu/smt/active'
FOUR = {"sockets='2' dies='1' cores='2'": "sockets='4' dies='1' cores='1'"}
DESKTOP = {**FOUR, 'microsoft.com/win/2k22': 'microsoft.com/win/11'}
UNSAID = {'<libosinfo:os id="http://microsoft.com/win/2k22"/>': ''}
THREADS = {"cores='1' threads='1'": "cores='1' threads='2'"}
WRONG = {"threads='1'": "threads='many'"}

PAIRS = HostRow('', GOOD, 'amd', known={'cores': ['0-1', '2-3', '4-5']})
#: Pairs as many machines number them: 0 and 4, 1 and 5.
APART = HostRow('', GOOD, 'amd', known={'cores': ['0,4', '1,5', '2,6']})
BLIND = HostRow('', GOOD, 'amd', files={SMT: None})
FLAT = {"cores='2' threads='2'": "cores='4' threads='1'"}

ROWS = (
    DomainRow('topology.sockets', GOOD),
    DomainRow('topology.sockets', GOOD, 'windows'),
    DomainRow('topology.sockets', GOOD, 'windows', FOUR),
    DomainRow('topology.sockets', BAD, 'windows', DESKTOP, says='2 of 4'),
    # Without a topology each of four vCPUs is a socket.
    DomainRow(
        'topology.sockets',
        BAD,
        'windows',
        {
            'microsoft.com/win/2k22': 'microsoft.com/win/10',
            "<topology sockets='2' dies='1' cores='2' threads='1'/>": '',
        },
        says='2 of 4',
    ),
    # Enlightened, so that it is Windows; no word of which.
    DomainRow('topology.sockets', CANNOT_TELL, 'windows', {**FOUR, **UNSAID}),
    DomainRow('topology.sockets', CANNOT_TELL, changes=WRONG, says='many'),
    DomainRow('topology.sockets', CANNOT_TELL, changes={'>2</vcpu>': '/>'}),
    DomainRow(
        'topology.sockets',
        NOT_CONCERNED,
        changes={"sockets='2'": "sockets='4'"},
    ),
    DomainRow('topology.threads', GOOD),
    DomainRow('topology.threads', GOOD, 'defaults'),
    DomainRow('topology.threads', GOOD, 'amd'),
    DomainRow('topology.threads', BAD, changes=THREADS),
    DomainRow('topology.threads', CANNOT_TELL, changes=WRONG),
    DomainRow('topology.threads', CANNOT_TELL, changes={'</domain>': ''}),
    DomainRow('topology.hidden-threads', GOOD, 'amd', host=PAIRS),
    DomainRow('topology.hidden-threads', GOOD, 'amd', FLAT, host=APART),
    DomainRow('topology.hidden-threads', GOOD, 'amd', FLAT),
    DomainRow(
        'topology.hidden-threads', BAD, 'amd', FLAT, host=PAIRS, says='0-1'
    ),
    DomainRow('topology.hidden-threads', CANNOT_TELL, 'amd', host=BLIND),
    DomainRow('topology.hidden-threads', NOT_CONCERNED, host=PAIRS),
)
