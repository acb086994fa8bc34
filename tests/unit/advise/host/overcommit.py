# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of what was promised to domains."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

ONE: tuple[str, dict[str, str]] = ('nova', {})
MANY = {'>2</vcpu>': '>40</vcpu>'}
LARGE = {"'KiB'>4194304</memory>": "'GiB'>200</memory>"}
NOVA = 'etc/nova/nova.conf'
SHARED = '[compute]\ncpu_shared_set = 0-2,^1\ncpu_dedicated_set = 3-7'
PINS = ''.join(f"<vcpupin vcpu='{n}' cpuset='{n + 3}'/>" for n in range(2))
PINNED = f'<cputune>{PINS}'
HIDDEN: dict[str, object] = {
    'nova_options': None,
    'unknown': {'nova_options': 'no permission: /etc/nova/nova.conf'},
}
ONLINE = 'sys/devices/system/cpu/online'

ROWS = (
    HostRow('overcommit.vcpus', GOOD, domains=(ONE,)),
    HostRow('overcommit.vcpus', BAD, domains=(ONE, ('nova', MANY))),
    HostRow(
        'overcommit.vcpus',
        BAD,
        files={NOVA: '[DEFAULT]\ncpu_allocation_ratio = 0.1'},
        domains=(ONE,),
    ),
    HostRow(
        'overcommit.vcpus',
        GOOD,
        files={NOVA: '[DEFAULT]\ncpu_allocation_ratio = 0.0'},
        domains=(ONE,),
    ),
    HostRow('overcommit.vcpus', GOOD, files={NOVA: None}, domains=(ONE,)),
    HostRow(
        'overcommit.vcpus',
        BAD,
        files={NOVA: None},
        domains=(('nova', MANY),),
        says='4 are allowed',
    ),
    HostRow('overcommit.vcpus', CANNOT_TELL, known=HIDDEN, domains=(ONE,)),
    HostRow(
        'overcommit.vcpus',
        CANNOT_TELL,
        files={NOVA: '[DEFAULT]\ncpu_allocation_ratio = nan'},
        domains=(ONE,),
    ),
    HostRow(
        'overcommit.vcpus',
        CANNOT_TELL,
        domains=(('nova', {'>2</vcpu>': '>x</vcpu>'}),),
        says='instance-00000001',
    ),
    HostRow(
        'overcommit.vcpus', CANNOT_TELL, files={ONLINE: 'x'}, domains=(ONE,)
    ),
    HostRow('overcommit.vcpus', NOT_CONCERNED),
    # Of eight CPUs guests share two, at four vCPUs each.
    HostRow(
        'overcommit.vcpus',
        BAD,
        files={NOVA: SHARED},
        domains=(('nova', {'>2</vcpu>': '>10</vcpu>'}),),
        says='5.0 vCPUs a CPU',
    ),
    HostRow(
        'overcommit.vcpus',
        GOOD,
        files={NOVA: SHARED},
        domains=(('nova', {'>2</vcpu>': '>10</vcpu>', '<cputune>': PINNED}),),
    ),
    HostRow(
        'overcommit.vcpus',
        NOT_CONCERNED,
        files={NOVA: '[compute]\ncpu_dedicated_set = 2-7'},
        domains=(ONE,),
    ),
    HostRow(
        'overcommit.vcpus',
        CANNOT_TELL,
        files={NOVA: '[compute]\ncpu_shared_set = some'},
        domains=(ONE,),
    ),
    HostRow('overcommit.memory', GOOD, domains=(ONE,)),
    HostRow('overcommit.memory', BAD, domains=(('nova', LARGE),)),
    HostRow(
        'overcommit.memory',
        CANNOT_TELL,
        files={NOVA: '[DEFAULT]\nreserved_host_memory_mb = some'},
        domains=(ONE,),
        says='no number',
    ),
    HostRow('overcommit.memory', CANNOT_TELL, known=HIDDEN, domains=(ONE,)),
    HostRow('overcommit.memory', NOT_CONCERNED),
)
