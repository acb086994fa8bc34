# SPDX-License-Identifier: Apache-2.0
"""Parts that hosts and domains are made of, as facts tell of them."""

from typing import Annotated

import msgspec

from kvm_insight.model import sample

#: Words of others: flags, names of modules, machine types.
Words = Annotated[list[sample.Text], msgspec.Meta(max_length=1024)]
Values = dict[sample.Text, sample.Text]
Counts = dict[sample.Text, sample.Count]


class Access(sample.Wire, frozen=True, kw_only=True):
    """Who may open a device node."""

    #: Permission bits, as 0o660.
    mode: sample.Count
    uid: sample.Count
    gid: sample.Count


class IdleState(sample.Wire, frozen=True, kw_only=True):
    """One C-state of CPU 0: ``sys/devices/system/cpu/cpu0/cpuidle/state*``."""

    name: sample.Text
    #: What it costs to leave it.
    latency_us: sample.Count | None = None
    disabled: bool | None = None


class Node(sample.Wire, frozen=True, kw_only=True):
    """One NUMA node: ``sys/devices/system/node/node*``."""

    number: sample.Count
    cpus: sample.CpuList
    memory_bytes: sample.Count | None = None
    free_bytes: sample.Count | None = None
    #: Files in the page cache: given up when the memory is wanted.
    cached_bytes: sample.Count | None = None
    #: To node 0, 1, ...; 10 is local.
    distances: list[sample.Count] = []


class HugePages(sample.Wire, frozen=True, kw_only=True):
    """Pages of one size on one node: ``node*/hugepages/hugepages-*kB``."""

    node: sample.Count
    size_kib: sample.Count
    pages: sample.Count
    free: sample.Count
    surplus: sample.Count | None = None


class Disk(sample.Wire, frozen=True, kw_only=True):
    """A disk with hardware behind it: ``sys/block/*``."""

    name: sample.Text
    rotational: bool | None = None
    #: The one in brackets of ``queue/scheduler``, and all of them.
    scheduler: sample.Text | None = None
    schedulers: Words = []
    requests: sample.Count | None = None
    #: ``write back`` or ``write through``.
    write_cache: sample.Text | None = None


class Nic(sample.Wire, frozen=True, kw_only=True):
    """A port with hardware behind it: ``sys/class/net/*``."""

    name: sample.Text
    driver: sample.Text | None = None
    is_up: bool | None = None
    #: In Mb/s; None while it has no link.
    speed_mbit_s: sample.Count | None = None
    mtu_bytes: sample.Count | None = None
    rx_queues: sample.Count | None = None
    tx_queues: sample.Count | None = None
    numa_node: sample.Count | None = None
    #: CPUs that take its interrupts; None where it has no MSI interrupts.
    irqs: sample.Count | None = None
    irq_cpus: sample.CpuList | None = None


class DomainDisk(sample.Wire, frozen=True, kw_only=True):
    """A ``devices/disk``; attributes of its ``driver`` where not said."""

    #: ``target/@dev``.
    name: sample.Text
    #: ``disk``, ``cdrom``, ``floppy``, ``lun``: ``@device``.
    device: sample.Text = 'disk'
    #: ``virtio``, ``scsi``, ``ide``, ``sata``, ...: ``target/@bus``.
    bus: sample.Text | None = None
    #: ``file``, ``block``, ``network``, ...: ``@type``.
    kind: sample.Text | None = None
    #: ``raw``, ``qcow2``: ``@type`` of the driver.
    format: sample.Text | None = None
    cache: sample.Text | None = None
    io: sample.Text | None = None
    discard: sample.Text | None = None
    iothread: sample.Count | None = None
    queues: sample.Count | None = None
    is_read_only: bool = False
    #: How many images lie below it: ``backingStore``.
    backing: sample.Count = 0
    #: Name -> value of ``iotune``; without those that are 0.
    limits: Counts = {}


class DomainNic(sample.Wire, frozen=True, kw_only=True):
    """A ``devices/interface``."""

    #: ``target/@dev``, else the MAC address.
    name: sample.Text
    #: ``bridge``, ``network``, ``direct``, ``hostdev``, ...: ``@type``.
    kind: sample.Text | None = None
    #: ``virtio``, ``e1000``, ...: ``model/@type``.
    model: sample.Text | None = None
    #: ``vhost`` or ``qemu``: ``driver/@name``; None leaves it to libvirt.
    driver: sample.Text | None = None
    queues: sample.Count | None = None
    rx_queue_size: sample.Count | None = None
    tx_queue_size: sample.Count | None = None
    mtu_bytes: sample.Count | None = None
    #: Name -> value of ``bandwidth``: ``inbound.average`` and the like.
    limits: Counts = {}


class Controller(sample.Wire, frozen=True, kw_only=True):
    """A ``devices/controller``."""

    kind: sample.Text
    model: sample.Text | None = None
    queues: sample.Count | None = None
    iothread: sample.Count | None = None


class Timer(sample.Wire, frozen=True, kw_only=True):
    """A ``clock/timer``."""

    name: sample.Text
    present: sample.Text | None = None
    tickpolicy: sample.Text | None = None


class Cell(sample.Wire, frozen=True, kw_only=True):
    """A NUMA node of the guest: ``cpu/numa/cell``."""

    number: sample.Count
    cpus: sample.CpuList | None = None
    memory_bytes: sample.Count | None = None
