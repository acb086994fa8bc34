# SPDX-License-Identifier: Apache-2.0
"""Cases of the check for hosts that could be emptied."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED
from ..past import FleetRow, guest, host

SPARE = 'sizing.host-spare'
FULL = host('full', guest('db', 9, 50))
SMALL = host('small', guest('web', 1, 4))
ROWS = (
    FleetRow(SPARE, BAD, (FULL, SMALL), says='1 of 2 hosts'),
    # No more memory.
    FleetRow(SPARE, GOOD, (FULL, host('b', guest('cache', 1, 12)))),
    # No more CPUs.
    FleetRow(SPARE, GOOD, (FULL, host('b', guest('build', 4, 4)))),
    # Only one of them can be emptied, into the other one.
    FleetRow(
        SPARE, BAD, (SMALL, host('twin', guest('web-2', 1, 4))), says='1 of 2'
    ),
    # The first can be emptied into the third only in the second's stead.
    FleetRow(
        SPARE,
        BAD,
        (
            host('a', guest('a1', 5, 20)),
            host('b', guest('b1', 5, 21)),
            host('c', guest('c1', 5, 22)),
        ),
        says='1 of 3',
    ),
    # A guest too many finds no room: the host is not emptied by half.
    FleetRow(
        SPARE,
        GOOD,
        (FULL, host('b', guest('one', 1, 4), guest('two', 1, 40))),
    ),
    # What is not known is neither emptied nor filled.
    FleetRow(
        SPARE,
        BAD,
        (FULL, SMALL, host('new', guest('x', 1, 1, days=2))),
        says='1 of 3 hosts could be emptied: small.',
    ),
    FleetRow(
        SPARE,
        CANNOT_TELL,
        (FULL, host('new', guest('x', 1, 1, days=2))),
        says='48 h of at least 168 h',
    ),
    FleetRow(
        SPARE, CANNOT_TELL, (FULL, host('b', guest('x', None, 1))), says='x'
    ),
    FleetRow(SPARE, CANNOT_TELL, (FULL, host('b', cpus=0))),
    FleetRow(SPARE, CANNOT_TELL, (FULL, host('b', gib=0))),
    FleetRow(SPARE, NOT_CONCERNED, (FULL,)),
    # One is empty already.
    FleetRow(SPARE, GOOD, (FULL, host('empty'))),
)
