# SPDX-License-Identifier: Apache-2.0
"""Histories of instances and fleets, made for cases of checks."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from kvm_insight.advise import check
from kvm_insight.model import history, sizing, usage

from . import case

HOUR_US = usage.HOUR_US
GIB = 1 << 30
UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
QUIET = usage.Network(measured_us=HOUR_US, rx_bytes=100_000, tx_bytes=9_000)


@dataclasses.dataclass(frozen=True, slots=True)
class InstanceRow:
    """One question to one instance: four weeks of four vCPUs by default."""

    check: str
    outcome: case.Outcome
    #: Cores and for how many of a hundred parts they were wanted.
    wanted: tuple[tuple[float, int], ...] = ((1.5, 100),)
    hours: int = 28 * 24
    #: Fields of ``history.Instance`` and of ``sizing.Sized``.
    known: Mapping[str, object] = dataclasses.field(default_factory=dict)
    sized: Mapping[str, object] | None = dataclasses.field(
        default_factory=dict
    )
    says: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class FleetRow:
    """One question to one fleet."""

    check: str
    outcome: case.Outcome
    hosts: tuple[history.Host, ...]
    says: str = ''


def instance_case(row: InstanceRow) -> check.InstanceCase:
    """Return what the row's check is asked with."""
    whole = row.hours * HOUR_US
    sized = None
    if row.sized is not None:
        sized = sizing.Sized(
            vcpus=4,
            since_us=0,
            measured_us=whole,
            wanted_us=whole,
            throttled_us=0,
            histogram=_histogram(row),
        )
        sized = dataclasses.replace(sized, **row.sized)  # type: ignore[arg-type]
    one = history.Instance(
        uuid=UUID,
        memory_bytes=8 * GIB,
        known_us=whole,
        coverage=1.0,
        sized=sized,
        network=QUIET,
        memory=usage.Memory(measured_us=whole, peak_rss_bytes=6 * GIB),
    )
    return check.InstanceCase(
        dataclasses.replace(one, **row.known)  # type: ignore[arg-type]
    )


def _histogram(row: InstanceRow) -> list[usage.Bin]:
    """Return what the row's week says, where it has one."""
    told: Any = (row.sized or {}).get('week', ())
    parts = [
        (wanted_us / measured_us, measured_us // 100_000)
        for measured_us, wanted_us in told
        if measured_us
    ]
    return usage.merged(
        [[(usage.bin_of(cores), part)] for cores, part in parts or row.wanted]
    )


def week(
    cores: Callable[[int, int], float | None], weeks: float = 4
) -> list[sizing.Slot]:
    """Return a week by what was wanted at a day and hour; None is a gap."""
    told = []
    for slot in range(sizing.WEEK):
        wanted = cores(*divmod(slot, 24))
        measured_us = 0 if wanted is None else int(weeks * HOUR_US)
        told.append((measured_us, int((wanted or 0.0) * measured_us)))
    return told


def host(
    name: str, *guests: history.Guest, cpus: int = 16, gib: int = 64
) -> history.Host:
    """Return a host with these guests."""
    return history.Host(name, cpus, gib * GIB, guests)


def guest(
    name: str, cores: float | None, gib: int, days: int = 14
) -> history.Guest:
    """Return a guest that wanted so much."""
    return history.Guest(
        uuid=UUID,
        name=name,
        memory_bytes=gib * GIB,
        p95_cores=cores,
        measured_us=days * 24 * HOUR_US,
    )
