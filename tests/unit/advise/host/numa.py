# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the host's NUMA nodes."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

NODE = 'sys/devices/system/node/node'
BALANCING = 'proc/sys/kernel/numa_balancing'
FULL = 'Node 0 MemTotal: 1000000 kB\nNode 0 MemFree: 1000 kB'
CACHED = f'{FULL}\nNode 0 Active(file): 300000 kB\nNode 0 Inactive(file): 9 kB'
EMPTY = 'Node 1 MemTotal: 0 kB\nNode 1 MemFree: 0 kB'
NUMATUNE = "<numatune><memory mode='strict' nodeset='0'/></numatune><os>"
BOUND = (('nova', {'<os>': NUMATUNE}),)

ROWS = (
    HostRow('numa.balancing', GOOD),
    HostRow('numa.balancing', BAD, files={BALANCING: '0'}),
    HostRow('numa.balancing', GOOD, files={BALANCING: '0'}, domains=BOUND),
    HostRow(
        'numa.balancing',
        BAD,
        files={BALANCING: '0'},
        domains=(*BOUND, ('nova', {})),
    ),
    HostRow('numa.balancing', BAD, files={BALANCING: '2'}),
    HostRow(
        'numa.balancing',
        GOOD,
        files={BALANCING: '0', 'proc/950/comm': 'numad'},
    ),
    HostRow(
        'numa.balancing',
        NOT_CONCERNED,
        files={BALANCING: '0', 'etc/tuned/active_profile': 'cpu-partitioning'},
    ),
    HostRow('numa.balancing', CANNOT_TELL, files={BALANCING: None}),
    HostRow('numa.balancing', NOT_CONCERNED, 'nested'),
    HostRow('numa.uneven', GOOD),
    HostRow('numa.uneven', BAD, files={f'{NODE}0/meminfo': FULL}),
    HostRow('numa.uneven', GOOD, files={f'{NODE}0/meminfo': CACHED}),
    HostRow('numa.uneven', CANNOT_TELL, files={f'{NODE}0/meminfo': None}),
    HostRow('numa.uneven', NOT_CONCERNED, 'recorded'),
    HostRow('numa.node-empty', GOOD),
    HostRow('numa.node-empty', BAD, files={f'{NODE}1/meminfo': EMPTY}),
    HostRow('numa.node-empty', CANNOT_TELL, files={f'{NODE}1/meminfo': None}),
)
