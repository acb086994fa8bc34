# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the host's disks and ports."""

from kvm_insight.model import part

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

NVME = 'sys/block/nvme0n1/queue/scheduler'
DISK = 'sys/block/sda/queue/scheduler'
PORT = part.Nic(name='eno1', is_up=True, speed_mbit_s=25000, rx_queues=1)
UNREAD = part.Nic(name='eno1', is_up=True, speed_mbit_s=25000)
SLOW = {'sys/class/net/eno1/speed': '1000'}
DOWN = {'sys/class/net/eno1/operstate': 'down'}
ONE_CPU = {f'proc/irq/{n}/effective_affinity_list': '2' for n in range(60, 64)}
NO_IRQS = {
    f'proc/irq/{n}/effective_affinity_list': None for n in range(60, 64)
}
ABSENT = 'no such file: /dev/vhost-net'
HIDDEN = 'no permission: /dev/vhost-net'


def vhost(why: str) -> dict[str, object]:
    return {
        'modules': ['kvm'],
        'vhost_net_device': None,
        'unknown': {'vhost_net_device': why},
    }


ROWS = (
    HostRow('device.scheduler', GOOD),
    HostRow('device.scheduler', BAD, files={DISK: '[none] mq-deadline'}),
    HostRow(
        'device.scheduler', BAD, files={NVME: 'none [bfq]'}, says='nvme0n1'
    ),
    HostRow('device.scheduler', CANNOT_TELL, files={DISK: None}),
    HostRow('device.scheduler', NOT_CONCERNED, 'recorded'),
    HostRow('device.queues', GOOD),
    HostRow('device.queues', BAD, known={'nics': [PORT]}),
    HostRow('device.queues', CANNOT_TELL, known={'nics': [UNREAD]}),
    HostRow('device.queues', NOT_CONCERNED, files=SLOW),
    HostRow('device.queues', NOT_CONCERNED, files=DOWN),
    HostRow('device.interrupts', GOOD),
    HostRow('device.interrupts', BAD, files=ONE_CPU),
    HostRow('device.interrupts', NOT_CONCERNED, files={**ONE_CPU, **SLOW}),
    HostRow('device.interrupts', CANNOT_TELL, files=NO_IRQS),
    HostRow('device.interrupts', CANNOT_TELL, files={'proc/1/comm': None}),
    HostRow('device.interrupts', NOT_CONCERNED, 'recorded'),
    HostRow('device.vhost-net', GOOD),
    HostRow('device.vhost-net', GOOD, 'recorded'),
    HostRow('device.vhost-net', BAD, known=vhost(ABSENT)),
    HostRow('device.vhost-net', CANNOT_TELL, known=vhost(HIDDEN)),
)
