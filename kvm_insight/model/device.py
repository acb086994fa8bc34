# SPDX-License-Identifier: Apache-2.0
"""What disks, interfaces and memory of domains did between two samples."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy

from kvm_insight.model import reading, table

#: Two ages of one answer differ by what reading them took.
_ONE_ANSWER_US = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class Disk:
    """One disk of a domain in the interval."""

    name: str
    read_requests: int | None
    read_bytes: int | None
    read_us: int | None
    write_requests: int | None
    write_bytes: int | None
    write_us: int | None
    flush_requests: int | None
    flush_us: int | None
    errors: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a domain in the interval."""

    name: str
    rx_bytes: int | None
    rx_packets: int | None
    rx_errors: int | None
    rx_drops: int | None
    tx_bytes: int | None
    tx_packets: int | None
    tx_errors: int | None
    tx_drops: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """Swap (bytes) and faults of a domain in the interval."""

    swap_in_bytes: int | None
    swap_out_bytes: int | None
    major_faults: int | None
    minor_faults: int | None
    oom_kills: int | None
    host_major_faults: int | None
    host_minor_faults: int | None


Part = TypeVar('Part')
Parts = tuple[tuple[Disk, ...], tuple[Interface, ...], Memory | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Devices:
    """All of a host in the interval; NaN is not known.

    Columns are ``reading.DISK``, ``INTERFACE`` and ``MEMORY``; rows are the
    layout's, of memory a domain each. Another image is another disk.
    """

    #: Of each domain, the time between libvirt's two answers; NaN, and
    #: nothing grew, if it is one.
    interval_us: reading.Floats
    disks: reading.Floats
    interfaces: reading.Floats
    memory: reading.Floats


def between(
    older: reading.Floats,
    newer: reading.Floats,
    layout: table.Layout,
    interval_us: int,
) -> Devices:
    """Return what grew between the numbers of two samples; those of vCPUs
    may be missing."""
    answered_us = between_answers(older, newer, layout, interval_us)
    silent = numpy.isnan(answered_us)
    grown = layout.tables(reading.growth(older, newer))
    rows = [grown.disks, grown.interfaces, grown.domains]
    rows[-1] = rows[-1][:, reading.MEMORY_AT :]
    if silent.any():
        owners = layout.owners[-len(rows) :]
        rows = [
            numpy.where(silent[at, None], numpy.nan, family)
            for family, at in zip(rows, owners, strict=True)
        ]
    return Devices(answered_us, *rows)


def between_answers(
    older: reading.Floats,
    newer: reading.Floats,
    layout: table.Layout,
    interval_us: int,
) -> reading.Floats:
    """Return of each domain the time between libvirt's two answers; NaN if it
    is one."""
    before, now = (
        layout.table(numbers, table.DOMAINS_AT)[:, reading.LIBVIRT_AGE]
        for numbers in (older, newer)
    )
    age_us = before - now
    passed_us = interval_us + reading.or_zero(age_us)
    return numpy.where(passed_us > _ONE_ANSWER_US, passed_us, numpy.nan)


def parts(found: Devices, layout: table.Layout) -> Iterator[Parts]:
    """Yield each domain's disks, interfaces and memory, where known."""
    keys, owners = layout.keys(), layout.owners
    disks = _named(Disk, keys[table.DISKS_AT], found.disks, owners.disks)
    interfaces = _named(
        Interface,
        keys[table.INTERFACES_AT],
        found.interfaces,
        owners.interfaces,
    )
    for at, row in enumerate(found.memory):
        memory = None if _is_unknown(row) else Memory(*reading.counts(row))
        yield disks.get(at, ()), interfaces.get(at, ()), memory


def _named(
    kind: Callable[..., Part],
    keys: Sequence[table.Key],
    rows: reading.Floats,
    owners: reading.Places,
) -> dict[int, tuple[Part, ...]]:
    found: dict[int, tuple[Part, ...]] = {}
    for key, owner, row in zip(keys, owners.tolist(), rows, strict=True):
        if not _is_unknown(row):
            part = kind(key[2], *reading.counts(row))
            found[owner] = (*found.get(owner, ()), part)
    return found


def _is_unknown(row: reading.Floats) -> bool:
    return bool(numpy.isnan(row).all())
