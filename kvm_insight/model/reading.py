# SPDX-License-Identifier: Apache-2.0
"""Reading: the counters of one sample, packed to wait for the next one.

A table a family: vCPUs, other threads, disks, interfaces, and what a domain
has once. A row is one of them, in the order of the sample; NaN is *not
measured*. That is a tenth of the sample's memory, and rates are differences
of whole tables.
"""

import dataclasses
import operator
from collections.abc import Sequence
from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.model import sample, table

Floats = table.Floats
Places = table.Places

VCPU = ('run_us', 'run_delay_us', 'throttled_us', 'halt_poll_us')
THREADS = ('threads', 'run_us', 'run_delay_us')
DISK = (
    'read_requests',
    'read_bytes',
    'read_us',
    'write_requests',
    'write_bytes',
    'write_us',
    'flush_requests',
    'flush_us',
    'errors',
)
INTERFACE = (
    'rx_bytes',
    'rx_packets',
    'rx_errors',
    'rx_drops',
    'tx_bytes',
    'tx_packets',
    'tx_errors',
    'tx_drops',
)
MEMORY = (
    'swap_in_bytes',
    'swap_out_bytes',
    'major_faults',
    'minor_faults',
    'oom_kills',
    'host_major_faults',
    'host_minor_faults',
)
POLL = ('halt_poll_success_us', 'halt_poll_fail_us')
#: What a domain has once; then its memory.
ALIVE, LIBVIRT_AGE, THROTTLED, POLL_SUCCESS, POLL_FAIL, MEMORY_AT = range(6)
_COLUMNS = (
    *map(len, (VCPU, THREADS, DISK, INTERFACE)),
    MEMORY_AT + len(MEMORY),
)

_vcpu = operator.attrgetter(*VCPU)
_vcpu_key = operator.attrgetter('index', 'tid')
_threads = operator.attrgetter(*THREADS)
_disk = operator.attrgetter(*DISK)
_disk_key = operator.attrgetter('name', 'path')
_interface = operator.attrgetter(*INTERFACE)
_memory = operator.attrgetter(*MEMORY)
_NO_MEMORY = (None,) * len(MEMORY)


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One sample's counters."""

    host: str
    boot_id: str
    agent_id: str
    sequence: int
    time_us: int
    uptime_us: int
    system: sample.System
    layout: table.Layout
    #: One table after the other; those of vCPUs may have been left out.
    numbers: Floats

    @property
    def tables(self) -> table.Tables:
        """Return all tables."""
        return self.layout.tables(self.layout.whole(self.numbers))

    def aligned(
        self, layout: table.Layout
    ) -> tuple[Floats, npt.NDArray[numpy.bool_]]:
        """Return the numbers in another layout's order, with NaN for what was
        not there; and which of its domains were."""
        if layout is self.layout:
            return self.numbers, layout.everyone
        tables = []
        for own, theirs, rows in zip(
            self.layout.keys(), layout.keys(), self.tables, strict=True
        ):
            of_key = {key: at for at, key in enumerate(own)}
            found = [of_key.get(key, -1) for key in theirs]
            nothing = numpy.full((1, rows.shape[1]), numpy.nan)
            tables.append(numpy.concatenate([rows, nothing])[found])
        # It was alive or not, if it was there.
        known = ~numpy.isnan(tables[-1][:, ALIVE])
        return numpy.concatenate([one.ravel() for one in tables]), known


def of(new: sample.Sample, before: table.Layout | None = None) -> Reading:
    """Return a sample's counters; ``before`` is used again where it fits."""
    words: list[Any] = []
    vcpus: list[int | None] = []
    threads: list[int | None] = []
    disks: list[int | None] = []
    interfaces: list[int | None] = []
    for domain in new.domains:
        # A vCPU without a thread is not there.
        there = [
            vcpu
            for vcpu in domain.vcpus
            if vcpu.tid is not None or vcpu.run_us is not None
        ]
        words += (
            domain.uuid,
            domain.epoch,
            len(there),
            len(domain.threads),
            len(domain.disks or ()),
            len(domain.interfaces or ()),
        )
        for vcpu in there:
            words += _vcpu_key(vcpu)
            vcpus += _vcpu(vcpu)
        for kind in domain.threads:
            words.append(kind.kind)
            threads += _threads(kind)
        for disk in domain.disks or ():
            words += _disk_key(disk)
            disks += _disk(disk)
        for interface in domain.interfaces or ():
            words.append(interface.name)
            interfaces += _interface(interface)
    numbers = [*vcpus, *threads, *disks, *interfaces, *_once(new.domains)]
    if before is None or before.words != words:
        before = table.Layout(words, _COLUMNS)
    return Reading(
        new.host,
        new.boot_id,
        new.agent_id,
        new.sequence,
        new.time_us,
        new.uptime_us,
        new.system,
        before,
        numpy.array(numbers, numpy.float64),
    )


def _once(domains: Sequence[sample.Domain]) -> list[int | None]:
    """Return what each domain has once."""
    found: list[int | None] = []
    for domain in domains:
        cpu, kvm, memory = domain.cpu, domain.kvm, domain.memory
        found += (
            domain.state in ('running', 'blocked'),
            domain.libvirt_age_us,
            cpu.throttled_us if cpu else None,
            kvm.halt_poll_success_us if kvm else None,
            kvm.halt_poll_fail_us if kvm else None,
        )
        found += _memory(memory) if memory else _NO_MEMORY
    return found


def growth(older: Floats, newer: Floats) -> Floats:
    """Return how much counters grew; NaN where that cannot be known."""
    grown = newer - older
    return numpy.where(grown >= 0, grown, numpy.nan)


def sums(owners: Places, column: npt.NDArray[Any], count: int) -> Floats:
    """Return the sums of a column by owner."""
    # Of no rows it makes integers.
    return numpy.bincount(owners, column, count).astype(numpy.float64)


def or_zero(numbers: Floats) -> Floats:
    """Return numbers with zero for what is not known."""
    return numpy.where(numpy.isnan(numbers), 0.0, numbers)


def counts(numbers: Floats) -> Any:
    """Return numbers in lists as the wire has them: None is not known."""
    known = ~numpy.isnan(numbers)
    found = numpy.full(numbers.shape, None, object)
    found[known] = numbers[known].astype(numpy.int64)
    return found.tolist()
