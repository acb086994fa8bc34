# SPDX-License-Identifier: Apache-2.0
"""Reading: the counters of one sample, packed to wait for the next one.

A table a family: vCPUs, other threads, disks, interfaces, and what a domain
has once. A row is one of them, in the order of the sample; NaN is *not
measured*. That is a tenth of the sample's memory, and rates are differences
of whole tables.
"""

import dataclasses
import itertools
import operator
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.model import entity, groups, sample

Floats = npt.NDArray[numpy.float64]
Places = npt.NDArray[numpy.intp]
Key = tuple[Any, ...]

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

_vcpu = operator.attrgetter(*VCPU)
_vcpu_key = operator.attrgetter('index', 'tid')
_threads = operator.attrgetter(*THREADS)
_disk = operator.attrgetter(*DISK)
_disk_key = operator.attrgetter('name', 'path')
_interface = operator.attrgetter(*INTERFACE)
_memory = operator.attrgetter(*MEMORY)
_NO_MEMORY = (None,) * len(MEMORY)
#: How many words name a vCPU, threads, a disk, an interface.
_WIDTHS = (2, 1, 2, 1)
_HEAD = 2 + len(_WIDTHS)


class Tables(NamedTuple):
    """A row each; of ``domains`` as many as the sample has domains."""

    vcpus: Floats
    threads: Floats
    disks: Floats
    interfaces: Floats
    domains: Floats


class Owners(NamedTuple):
    """The domain, by its place in the sample, that each row belongs to."""

    vcpus: Places
    threads: Places
    disks: Places
    interfaces: Places
    domains: Places


class Grouped(NamedTuple):
    """The groups of each table."""

    vcpus: groups.Groups
    threads: groups.Groups
    disks: groups.Groups
    interfaces: groups.Groups
    domains: groups.Groups


class Layout:
    """Whose the rows are; one object for as long as that is the same."""

    def __init__(self, words: list[Any]) -> None:
        """Take of each domain its UUID and epoch, how many of each family it
        has, and the words that name them."""
        # Each name is kept here once, and in other places with it.
        self.words: list[Any] = [
            sys.intern(word) if isinstance(word, str) else word
            for word in words
        ]
        heads = [head for head, _ in self.parts()]
        rows = numpy.arange(len(heads))
        self.uuids: tuple[str, ...] = tuple(head[0] for head in heads)
        self.entities = tuple(map(entity.domain, self.uuids))
        counts = [
            numpy.array([head[at] for head in heads], numpy.intp)
            for at in range(2, _HEAD)
        ]
        counts.append(numpy.ones(len(heads), numpy.intp))
        self.owners = Owners(*(numpy.repeat(rows, each) for each in counts))
        self.groups = Grouped(*map(groups.of, counts))
        self.vcpu_counts = counts[0]

    def parts(self) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield each domain's UUID, epoch and counts, and its other words."""
        at = 0
        while at < len(self.words):
            head = self.words[at : at + _HEAD]
            at += _HEAD
            size = sum(
                count * width
                for count, width in zip(head[2:], _WIDTHS, strict=True)
            )
            yield head, self.words[at : at + size]
            at += size

    def domains(self) -> list[tuple[str, str]]:
        """Return each domain's UUID and epoch."""
        return [(head[0], head[1]) for head, _ in self.parts()]

    def keys(self) -> list[list[Key]]:
        """Return of each table what names its rows."""
        found: list[list[Key]] = [[] for _ in Tables._fields]
        for head, words in self.parts():
            domain = (head[0], head[1])
            found[-1].append(domain)
            rest = iter(words)
            for family, width in enumerate(_WIDTHS):
                for _ in range(head[2 + family]):
                    name = itertools.islice(rest, width)
                    found[family].append((*domain, *name))
        return found


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
    layout: Layout
    tables: Tables

    def aligned(
        self, layout: Layout
    ) -> tuple[Tables, npt.NDArray[numpy.bool_]]:
        """Return the tables in another layout's order, with NaN for what was
        not there; and which of its domains were."""
        if layout is self.layout:
            return self.tables, numpy.ones(len(layout.uuids), bool)
        tables = []
        for own, theirs, table in zip(
            self.layout.keys(), layout.keys(), self.tables, strict=True
        ):
            rows = {key: at for at, key in enumerate(own)}
            places = numpy.array([rows.get(k, -1) for k in theirs], numpy.intp)
            nothing = numpy.full((1, table.shape[1]), numpy.nan)
            tables.append(numpy.concatenate([table, nothing])[places])
        found = Tables(*tables)
        # It was alive or not, if it was there.
        return found, ~numpy.isnan(found.domains[:, ALIVE])


def of(new: sample.Sample, before: Layout | None = None) -> Reading:
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
    same = before is not None and before.words == words
    return Reading(
        new.host,
        new.boot_id,
        new.agent_id,
        new.sequence,
        new.time_us,
        new.uptime_us,
        new.system,
        before if same and before is not None else Layout(words),
        Tables(
            _table(vcpus, len(VCPU)),
            _table(threads, len(THREADS)),
            _table(disks, len(DISK)),
            _table(interfaces, len(INTERFACE)),
            _table(_once(new.domains), MEMORY_AT + len(MEMORY)),
        ),
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


def _table(numbers: Sequence[int | None], width: int) -> Floats:
    return numpy.array(numbers, numpy.float64).reshape(-1, width)


def growth(older: Floats, newer: Floats) -> Floats:
    """Return how much counters grew; NaN where that cannot be known."""
    grown = newer - older
    return numpy.where(grown >= 0, grown, numpy.nan)


def sums(owners: Places, column: npt.NDArray[Any], count: int) -> Floats:
    """Return the sums of a column by owner."""
    # Of no rows it makes integers.
    return numpy.bincount(owners, column, count).astype(numpy.float64)


def stacked(several: Sequence[Tables]) -> Tables:
    """Return tables of one layout with one more axis before the others."""
    return Tables(*map(numpy.stack, zip(*several, strict=True)))


def or_zero(numbers: Floats) -> Floats:
    """Return numbers with zero for what is not known."""
    return numpy.where(numpy.isnan(numbers), 0.0, numbers)


def counts(numbers: Floats) -> Any:
    """Return numbers in lists as the wire has them: None is not known."""
    known = ~numpy.isnan(numbers)
    found = numpy.full(numbers.shape, None, object)
    found[known] = numbers[known].astype(numpy.int64)
    return found.tolist()
