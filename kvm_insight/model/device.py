# SPDX-License-Identifier: Apache-2.0
"""What a domain's disks, interfaces and memory did between two samples."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kvm_insight.model import sample

#: Two ages of one answer differ by what reading them took.
_ONE_ANSWER_US = 20_000

Part = TypeVar('Part')
Named = TypeVar('Named', sample.Disk, sample.Interface)


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


def growth(older: int | None, newer: int | None) -> int | None:
    """Return how much a counter grew; None if that cannot be known."""
    if older is None or newer is None or newer < older:
        return None
    return newer - older


def between_answers(
    older: sample.Domain, newer: sample.Domain, interval_us: int
) -> int | None:
    """Return the time between libvirt's two answers; None if it is one."""
    if older.libvirt_age_us is None or newer.libvirt_age_us is None:
        return interval_us
    passed_us = interval_us + older.libvirt_age_us - newer.libvirt_age_us
    return passed_us if passed_us > _ONE_ANSWER_US else None


def disks(older: sample.Domain, newer: sample.Domain) -> tuple[Disk, ...]:
    """Return what each disk did; another image is another disk."""
    paths = {disk.name: disk.path for disk in older.disks or ()}
    same = [
        disk for disk in newer.disks or () if paths.get(disk.name) == disk.path
    ]
    return _named(Disk, older.disks or (), same)


def interfaces(
    older: sample.Domain, newer: sample.Domain
) -> tuple[Interface, ...]:
    """Return what each interface did."""
    return _named(Interface, older.interfaces or (), newer.interfaces or ())


def memory(older: sample.Domain, newer: sample.Domain) -> Memory | None:
    """Return what the memory did; None where it was not measured twice."""
    if older.memory is None or newer.memory is None:
        return None
    return _grown(Memory, older.memory, newer.memory)


def _named(
    kind: Callable[..., Part], older: Sequence[Named], newer: Sequence[Named]
) -> tuple[Part, ...]:
    before = {known.name: known for known in older}
    return tuple(
        _grown(kind, before[now.name], now)
        for now in newer
        if now.name in before
    )


def _grown(kind: Callable[..., Part], older: Any, newer: Any) -> Part:
    """Return the growth of each counter that ``kind`` names."""
    values: list[str | int | None] = []
    for name in _names(kind):
        value = getattr(newer, name)
        if not isinstance(value, str):
            value = growth(getattr(older, name), value)
        values.append(value)
    return kind(*values)


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))
