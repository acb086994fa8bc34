# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the host's memory."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

NODE = 'sys/devices/system/node/node'
THP = 'sys/kernel/mm/transparent_hugepage'
HUGE = 'hugepages/hugepages-2048kB'
RESERVED = 'sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages'
NO_PAGES: dict[str, object] = {'hugepages': []}
PIECES = 'Node 0, zone Normal 8000000 90000 1 0 0 0 0 0 0 0 0'

NEVER = {f'{THP}/enabled': 'always madvise [never]'}
IDLE = {
    f'{NODE}0/{HUGE}/nr_hugepages': '9000',
    f'{NODE}0/{HUGE}/free_hugepages': '8000',
}
MANY = {f'{NODE}{n}/{HUGE}/nr_hugepages': '30000' for n in (0, 1)}
SCARCE = (
    'MemTotal: 131072000 kB\nMemFree: 2000000 kB\nMemAvailable: 3000000 kB'
)
BACKED = '<memoryBacking><hugepages/></memoryBacking><os>'

ROWS = (
    HostRow('memory.transparent', GOOD, files={**NEVER, **MANY}),
    HostRow(
        'memory.transparent',
        BAD,
        files={**NEVER, **MANY},
        domains=(('nova', {}),),
    ),
    HostRow('memory.transparent', GOOD, 'arm'),
    HostRow(
        'memory.transparent',
        BAD,
        files={f'{THP}/enabled': 'always madvise [never]'},
    ),
    HostRow('memory.transparent', CANNOT_TELL, files={f'{THP}/enabled': 'x'}),
    HostRow('memory.defrag', GOOD),
    HostRow(
        'memory.defrag', BAD, files={f'{THP}/defrag': '[always] defer never'}
    ),
    HostRow('memory.defrag', CANNOT_TELL, files={f'{THP}/defrag': None}),
    HostRow('memory.hugepages-idle', GOOD),
    HostRow(
        'memory.hugepages-idle',
        BAD,
        files={**IDLE, 'proc/meminfo': SCARCE},
        says='scarce',
    ),
    HostRow(
        'memory.hugepages-idle',
        BAD,
        files={
            **IDLE,
            f'{NODE}0/{HUGE}/free_hugepages': '9000',
            f'{NODE}1/{HUGE}/free_hugepages': '1024',
        },
        domains=(('nova', {}),),
        says='no guest uses any',
    ),
    # Room for guests that are yet to come.
    HostRow('memory.hugepages-idle', GOOD, files=IDLE),
    HostRow(
        'memory.hugepages-idle',
        CANNOT_TELL,
        files={f'{NODE}0/{HUGE}/nr_hugepages': 'many'},
        says='not understood',
    ),
    HostRow('memory.hugepages-idle', NOT_CONCERNED, 'recorded'),
    HostRow('memory.hugepages-short', GOOD),
    HostRow('memory.hugepages-short', BAD, files={RESERVED: '999'}),
    HostRow(
        'memory.hugepages-short',
        BAD,
        files={f'{NODE}1/{HUGE}/surplus_hugepages': '3'},
    ),
    HostRow('memory.hugepages-short', CANNOT_TELL, files={RESERVED: None}),
    HostRow('memory.hugepages-short', NOT_CONCERNED, known=NO_PAGES),
    HostRow('memory.fragmented', GOOD),
    HostRow('memory.fragmented', BAD, files={'proc/buddyinfo': PIECES}),
    HostRow('memory.fragmented', CANNOT_TELL, files={'proc/buddyinfo': None}),
)
