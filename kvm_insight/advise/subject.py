# SPDX-License-Identifier: Apache-2.0
"""What checks are about: matters, those that ask for them, what is left out.

A matter without a check stands in ``LEFT_OUT`` with the reason, so that the
reference says so, too.
"""

#: A matter of a host -> the ids of its checks.
HOST: dict[str, tuple[str, ...]] = {
    'VT-x or AMD-V there, and on in the firmware': (
        'kvm.extension',
        'kvm.loaded',
    ),
    'module kvm_intel or kvm_amd; kvm_pvm': ('kvm.loaded', 'kvm.pvm'),
    "/dev/kvm usable by QEMU's user": ('kvm.device',),
    'emulation (TCG) although KVM could be had': (
        'kvm.offered',
        'kvm.unused',
    ),
    'EPT, NPT': ('extension.nested-paging',),
    'unrestricted guest': ('extension.unrestricted-guest',),
    'APICv, AVIC': ('extension.interrupts', 'extension.avic'),
    'nested virtualization': ('extension.nested', 'extension.bare-metal'),
    'IOMMU': ('extension.iommu', 'extension.iommu-strict'),
    'microcode': ('mitigation.microcode',),
    'mitigations and their cost': ('mitigation.open', 'mitigation.cost'),
    'SMT and core scheduling': (
        'mitigation.smt',
        'mitigation.core-scheduling',
    ),
    'frequency governor and driver': (
        'frequency.governor',
        'frequency.driver',
        'frequency.preference',
        'frequency.turbo',
    ),
    'C-states': ('frequency.deep-sleep', 'frequency.polling'),
    'clocksource': ('frequency.clocksource',),
    'NUMA balancing, topology, spread of memory': (
        'numa.balancing',
        'numa.node-empty',
        'numa.uneven',
    ),
    'transparent huge pages': ('memory.transparent', 'memory.defrag'),
    'huge pages reserved, used, fragmented': (
        'memory.hugepages-idle',
        'memory.hugepages-short',
        'memory.fragmented',
    ),
    'cost and gain of KSM': (
        'reclaim.ksm-cost',
        'reclaim.ksm-off',
        'reclaim.ksm-across-nodes',
    ),
    'swap and swappiness': (
        'reclaim.swap-used',
        'reclaim.swappiness',
        'reclaim.swap-missing',
    ),
    'overcommit of vCPUs and memory': (
        'overcommit.vcpus',
        'overcommit.memory',
    ),
    'I/O scheduler': ('device.scheduler',),
    'irqbalance and queues of ports': ('device.queues', 'device.interrupts'),
    'tuned profile': ('system.tuned',),
    'vhost_net': ('device.vhost-net',),
    'cgroup version': ('system.cgroup',),
    'PSI and schedstats': ('system.pressure', 'system.schedstat'),
    'age of libvirt, QEMU, kernel': (
        'system.libvirt',
        'system.qemu',
        'system.kernel',
    ),
}
#: The same of a domain.
DOMAIN: dict[str, tuple[str, ...]] = {
    'CPU mode and model against the host': (
        'cpu.basic-model',
        'cpu.missing-features',
        'cpu.hidden-mitigations',
    ),
    'CPUs that cannot be live-migrated, mixes of hosts': ('cpu.unmigratable',),
    'topology': (
        'topology.sockets',
        'topology.threads',
        'topology.hidden-threads',
    ),
    'virtio for disks': ('disk.emulated',),
    'virtio and vhost for ports': (
        'nic.emulated',
        'nic.user-space',
    ),
    'virtio for random numbers': ('rng.missing',),
    'virtio for the balloon': ('balloon.missing',),
    'cache and AIO modes': (
        'cache.unsafe',
        'cache.synchronous',
        'cache.doubled',
        'cache.aio-threads',
    ),
    'I/O threads': (
        'iothread.missing',
        'iothread.idle',
    ),
    'several queues of disks and ports': (
        'disk.one-queue',
        'nic.one-queue',
    ),
    'discard': ('disk.discard',),
    'huge pages of a guest': (
        'hugepages.missing',
        'hugepages.beside-pool',
    ),
    'NUMA placement against the real spread': (
        'placement.remote',
        'placement.scattered',
        'placement.hidden-nodes',
    ),
    'pinning conflicts': (
        'pinning.doubled',
        'pinning.conflict',
        'pinning.intruded',
        'pinning.shared-core',
        'pinning.partial',
    ),
    'emulator threads': ('pinning.emulator',),
    'limits of I/O that are reached': ('limit.disk',),
    'enlightenments for Windows': (
        'windows.enlightenment',
        'windows.further',
    ),
    'clock and timers': (
        'timer.hpet',
        'timer.paravirtual',
        'timer.ticks',
        'windows.local-time',
    ),
    'age of the machine type': (
        'machine.old',
        'machine.dropped',
        'machine.chipset',
    ),
    'guest agent': (
        'agent.channel',
        'agent.silent',
    ),
    "period of the balloon's statistics": ('balloon.statistics',),
    'memory ballooned away under pressure': (
        'balloon.pressure',
        'balloon.free-pages',
    ),
    'vCPUs that are never used, or starved by a quota': (
        'use.unused-vcpus',
        'use.starved',
    ),
}
#: The same of an instance's measured history.
INSTANCE: dict[str, tuple[str, ...]] = {
    'oversized': ('sizing.oversized', 'sizing.memory-untouched'),
    'undersized': ('sizing.undersized',),
    'idle': ('sizing.idle',),
    'a guest for development or tests that is left running': (
        'sizing.left-running',
    ),
}
#: The same of hosts together.
FLEET: dict[str, tuple[str, ...]] = {
    'consolidation': ('sizing.host-spare',),
}
#: A matter -> why nobody asks for it.
LEFT_OUT: dict[str, str] = {
    'VT-x locked by the firmware, told apart from a processor without it': (
        'MSR 0x3a and the kernel log need root; `kvm.extension` and'
        ' `kvm.loaded` name both.'
    ),
    'a limit of sleep by /dev/cpu_dma_latency': (
        'Whoever holds it open has it, and it cannot be read without root.'
    ),
    'sysctl kernel.sched_schedstats': (
        'It turns on counters that nothing here needs and that cost; run'
        ' delay is counted without it.'
    ),
    'access lists (ACL) of /dev/kvm': (
        'Permission bits alone are read; `kvm.device` says so.'
    ),
    'memory of an instance that is too small': (
        'Only the guest knows what of its memory it could do without: what'
        ' its balloon driver last said is in the report, but is one moment.'
    ),
}
