# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of KSM and swap."""

from kvm_insight.model import part

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

KSM = 'sys/kernel/mm/ksm'
RUNS = {f'{KSM}/run': '1'}
MEMINFO = 'proc/meminfo'
TIGHT = 'MemTotal: 131072000 kB\nMemAvailable: 5000000 kB\nMemFree: 9000 kB'
SWAPPED = 'SwapTotal: 1000 kB\nSwapFree: 400 kB'
COLD = 'MemTotal: 131072000 kB\nSwapTotal: 1000000 kB\nSwapFree: 800000 kB'
SELDOM = {'proc/vmstat': 'pswpin 500\npswpout 5', 'proc/uptime': '90000.0 1'}
OFTEN = {**SELDOM, 'proc/vmstat': 'pswpin 900000\npswpout 5'}
LARGE = [part.HugePages(node=0, size_kib=524288, pages=0, free=0)]
NODE = 'sys/devices/system/node/node'
HUGE = {
    f'{NODE}{n}/hugepages/hugepages-2048kB/nr_hugepages': '30000'
    for n in (0, 1)
}
NO_SWAP = 'MemTotal: 1000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB'
#: utime and stime are the 14th and 15th fields, in ticks of 10 ms.
BUSY = '80 (ksmd) S 2 0 0 0 -1 0 0 0 0 0 0 9000000 0 0 25 5 1 0'
HIDDEN = {
    'nova_options': None,
    'unknown': {'nova_options': 'no permission: /etc/nova/nova.conf'},
}
NOVA = 'etc/nova/nova.conf'
TWICE = '[DEFAULT]\nram_allocation_ratio = 2.0'

ROWS = (
    HostRow('reclaim.ksm-cost', GOOD, files=RUNS),
    HostRow('reclaim.ksm-cost', BAD, files={**RUNS, 'proc/80/stat': BUSY}),
    HostRow(
        'reclaim.ksm-cost',
        GOOD,
        files={
            **RUNS,
            'proc/80/stat': BUSY,
            f'{KSM}/pages_sharing': '9000000',
        },
    ),
    # A page of 64 KiB counts for sixteen.
    HostRow(
        'reclaim.ksm-cost',
        GOOD,
        files={**RUNS, 'proc/80/stat': BUSY, f'{KSM}/pages_sharing': '90000'},
        known={'hugepages': LARGE},
    ),
    HostRow(
        'reclaim.ksm-cost',
        BAD,
        files={**RUNS, 'proc/80/stat': BUSY, f'{KSM}/pages_sharing': '90000'},
    ),
    HostRow(
        'reclaim.ksm-cost',
        CANNOT_TELL,
        files={**RUNS, 'proc/80/comm': None},
        says='ksmd',
    ),
    HostRow('reclaim.ksm-cost', NOT_CONCERNED),
    HostRow('reclaim.ksm-off', GOOD),
    HostRow('reclaim.ksm-off', GOOD, files={**RUNS, MEMINFO: TIGHT}),
    HostRow('reclaim.ksm-off', BAD, files={MEMINFO: TIGHT}),
    HostRow('reclaim.ksm-off', NOT_CONCERNED, files={MEMINFO: TIGHT, **HUGE}),
    HostRow('reclaim.ksm-off', CANNOT_TELL, files={MEMINFO: None}),
    HostRow(
        'reclaim.ksm-across-nodes',
        GOOD,
        files={**RUNS, f'{KSM}/merge_across_nodes': '0'},
    ),
    HostRow('reclaim.ksm-across-nodes', BAD, files=RUNS),
    HostRow(
        'reclaim.ksm-across-nodes',
        CANNOT_TELL,
        files={**RUNS, f'{KSM}/merge_across_nodes': None},
    ),
    HostRow('reclaim.ksm-across-nodes', NOT_CONCERNED, 'nested', RUNS),
    HostRow('reclaim.swap-used', GOOD),
    HostRow('reclaim.swap-used', BAD, files={MEMINFO: SWAPPED}, says='60%'),
    HostRow('reclaim.swap-used', GOOD, files={**SELDOM, MEMINFO: COLD}),
    HostRow('reclaim.swap-used', BAD, files={**OFTEN, MEMINFO: COLD}),
    HostRow('reclaim.swap-used', CANNOT_TELL, files={MEMINFO: None}),
    HostRow('reclaim.swap-used', NOT_CONCERNED, 'recorded'),
    HostRow('reclaim.swappiness', GOOD),
    HostRow('reclaim.swappiness', BAD, files={'proc/sys/vm/swappiness': '60'}),
    HostRow(
        'reclaim.swappiness',
        CANNOT_TELL,
        files={'proc/sys/vm/swappiness': None},
    ),
    HostRow('reclaim.swappiness', NOT_CONCERNED, files={MEMINFO: NO_SWAP}),
    HostRow('reclaim.swap-missing', BAD, files={NOVA: TWICE}),
    HostRow(
        'reclaim.swap-missing',
        GOOD,
        files={NOVA: '[DEFAULT]\nram_allocation_ratio = 1.05'},
    ),
    HostRow('reclaim.swap-missing', CANNOT_TELL, known=HIDDEN),
    HostRow('reclaim.swap-missing', NOT_CONCERNED, files={NOVA: None}),
    HostRow(
        'reclaim.swap-missing',
        CANNOT_TELL,
        files={NOVA: '[DEFAULT]\nram_allocation_ratio = much'},
        says='no number',
    ),
    HostRow('reclaim.swap-missing', NOT_CONCERNED),
)
