# SPDX-License-Identifier: Apache-2.0
"""Disks and network ports of the host: schedulers, queues, interrupts."""

from kvm_insight.advise import check
from kvm_insight.model import cpulist, facts, part

_NETWORK = 'https://docs.kernel.org/networking/scaling.html'
#: From here on one CPU cannot take all packets.
_FAST_MBIT_S = 10_000
_FOR_SSD = ('none', 'mq-deadline', 'kyber')
_FOR_DISK = ('mq-deadline', 'bfq')


def _is_scheduled(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.disks is None:
        return check.why_unknown(host, 'disks')
    # What lies behind a virtual disk is the outer host's to schedule.
    disks = [x for x in host.disks if not x.name.startswith(('vd', 'xvd'))]
    if not disks:
        return check.NotConcerned('there is no disk of its own')
    unread = [
        x.name for x in disks if x.scheduler is None or x.rotational is None
    ]
    if unread:
        return check.CannotTell(f'/sys/block/{unread[0]}/queue: not read')
    evidence = tuple(
        (f'/sys/block/{x.name}/queue/scheduler', _words(x)) for x in disks
    )
    wrong = [x.name for x in disks if x.scheduler not in _fit(x)]
    if not wrong:
        return check.Good(evidence)
    what = f'the I/O scheduler of {", ".join(wrong)} does not suit it'
    return check.Bad(evidence, what)


def _words(disk: part.Disk) -> str:
    kind = 'rotating' if disk.rotational else 'solid state'
    return f'{disk.scheduler} ({kind})'


def _fit(disk: part.Disk) -> tuple[str, ...]:
    if disk.rotational:
        return _FOR_DISK
    return ('none', 'kyber') if disk.name.startswith('nvme') else _FOR_SSD


def _ports(host: facts.HostFacts) -> list[part.Nic]:
    return [x for x in host.nics or () if x.is_up]


def _has_queues(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.nics is None:
        return check.why_unknown(host, 'nics')
    fast = [x for x in _ports(host) if (x.speed_mbit_s or 0) >= _FAST_MBIT_S]
    if not fast:
        return check.NotConcerned('no port of 10 Gb/s or more is up')
    unread = [x.name for x in fast if x.rx_queues is None]
    if unread:
        return check.CannotTell(f'/sys/class/net/{unread[0]}/queues: not read')
    evidence = tuple(
        (
            f'/sys/class/net/{x.name}/queues',
            f'{x.rx_queues} for receiving, {x.speed_mbit_s} Mb/s',
        )
        for x in fast
    )
    narrow = [x.name for x in fast if x.rx_queues == 1]
    if not narrow:
        return check.Good(evidence)
    what = f'one CPU takes all packets of {", ".join(narrow)}'
    return check.Bad(evidence, what)


def _is_spread(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.nics is None or host.daemons is None:
        return check.why_unknown(host, 'nics', 'daemons')
    # A slow one does not fill a CPU; one of virtio does not say its speed.
    ports = [
        x
        for x in _ports(host)
        if (x.irqs or 0) > 1
        and (x.speed_mbit_s is None or x.speed_mbit_s >= _FAST_MBIT_S)
    ]
    if not ports:
        return check.NotConcerned('no fast port has more than one interrupt')
    unread = [x.name for x in ports if x.irq_cpus is None]
    if unread:
        return check.CannotTell(f'/proc/irq of {unread[0]}: not read')
    runs = 'runs' if 'irqbalance' in host.daemons else 'does not run'
    evidence = (
        *(
            (
                f'/proc/irq of {x.name}',
                f'{x.irqs} interrupts on CPUs {x.irq_cpus}',
            )
            for x in ports
        ),
        ('irqbalance', runs),
    )
    heaped = [x.name for x in ports if _is_one(x.irq_cpus or '')]
    if not heaped:
        return check.Good(evidence)
    what = f'all interrupts of {", ".join(heaped)} go to one CPU'
    return check.Bad(evidence, what)


def _is_one(cpus: str) -> bool:
    try:
        return len(cpulist.parse(cpus)) == 1
    except ValueError:
        return False


def _has_vhost(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.modules is None:
        return check.why_unknown(host, 'modules')
    evidence = [
        (
            '/sys/module/vhost_net',
            'loaded' if 'vhost_net' in host.modules else 'absent',
        )
    ]
    device = '/dev/vhost-net'
    if 'vhost_net' in host.modules:
        return check.Good(tuple(evidence))
    if host.vhost_net_device is not None:
        # A static node: the kernel loads the module as it is opened.
        return check.Good((*evidence, (device, 'there')))
    why = host.unknown.get('vhost_net_device', '')
    if not why.startswith('no such file'):
        return check.why_unknown(host, 'vhost_net_device')
    evidence.append((device, 'absent'))
    what = "packets of guests go through QEMU's own process"
    return check.Bad(tuple(evidence), what)


CHECKS = (
    check.Check(
        id='device.scheduler',
        subject='device',
        about='host',
        severity='low',
        title='An I/O scheduler does not suit its disk',
        reason='Solid state lose throughput by being sorted for (bfq most);'
        ' rotating disks seek for nothing where nobody sorts.',
        libvirt='echo mq-deadline > /sys/block/DISK/queue/scheduler (none for'
        ' NVMe), and a udev rule with ATTR{queue/scheduler} to keep it.',
        nova='The same on the compute host, and on those that store volumes.',
        source='https://docs.kernel.org/block/switching-sched.html',
        unless='bfq is there on purpose, for shares of I/O by cgroup; or a'
        ' RAID controller behind it sorts by itself.',
        look=_is_scheduled,
    ),
    check.Check(
        id='device.queues',
        subject='device',
        about='host',
        severity='medium',
        title='A fast port has one queue',
        reason='One CPU takes all its packets; whatever guest has its vCPU'
        ' there waits.',
        libvirt='ethtool -L PORT combined N (ethtool -l shows how many it can'
        ' have).',
        nova="The same on the compute host, in the network's configuration"
        ' so that it stays.',
        source=_NETWORK,
        unless='RPS spreads them (rps_cpus), or the port is for management.',
        look=_has_queues,
    ),
    check.Check(
        id='device.interrupts',
        subject='device',
        about='host',
        severity='medium',
        title='All interrupts of a port go to one CPU',
        reason='That CPU is busy with packets, and the guest that has it is'
        ' made to wait by the host itself.',
        libvirt='systemctl enable --now irqbalance; or set'
        ' /proc/irq/N/smp_affinity_list, one CPU a queue.',
        nova='The same on the compute host; keep them off dedicated CPUs'
        ' (nova.conf [compute] cpu_dedicated_set, IRQBALANCE_BANNED_CPULIST).',
        source=_NETWORK,
        unless='that CPU is kept free of guests for this.',
        look=_is_spread,
    ),
    check.Check(
        id='device.vhost-net',
        subject='device',
        about='host',
        severity='high',
        title='vhost_net is not to be had',
        reason='Without it QEMU copies each packet itself, with more exits and'
        ' more switches of threads.',
        libvirt='modprobe vhost_net, and a file in /etc/modules-load.d; then'
        ' restart the guests.',
        nova='The same on the compute host; instances get it as they are'
        ' started anew or moved there.',
        source='https://libvirt.org/formatdomain.html',
        unless='all ports of guests are vhost-user (DPDK) or SR-IOV.',
        look=_has_vhost,
    ),
)
