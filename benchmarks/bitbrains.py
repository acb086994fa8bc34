# SPDX-License-Identifier: Apache-2.0
"""Bitbrains: CPU use of real VMs (GWA-T-12 "Rnd"), five minutes each.

The trace has no licence of its own, so that it is read where it lies and
never carried here. Please cite Shen, van Beek, Iosup (CCGrid 2015).
"""

import csv
import dataclasses
import gzip
import pathlib
from collections.abc import Iterator

import numpy
from numpy import typing as npt

FILE = 'bitbrains-rnd/rnd-2013-07-120vm-14d.csv.gz'
START_S = 1_372_629_600
PART_S = 300
DAY = 288
DAYS = 14
HOUR = 12
#: VMs of one host, what is known of them, and hours ahead.
VMS = 20
HISTORY = 7 * DAY
HORIZONS = (1, 6, 24)
#: VMs that rules are chosen on; nothing is reported on them.
TUNING = 40
SPLIT_SEED = 1000

Array = npt.NDArray[numpy.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Fleet:
    """VMs by parts: cores in use (NaN where it was not measured)."""

    parts: Array
    limits: Array


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One host at one instant: what is known, and what came."""

    parts: Array
    #: The same with gaps bridged, for those who do not know of gaps.
    bridged: Array
    limits: Array
    #: Horizon -> the most that was wanted.
    came: dict[int, float]


def read(traces: pathlib.Path) -> Fleet:
    """Return all VMs of the trace, by their number."""
    rows: dict[int, list[tuple[int, float, float]]] = {}
    with gzip.open(traces / FILE, 'rt', encoding='ascii') as lines:
        for row in csv.DictReader(lines):
            cores = float(row['cores'])
            use = float(row['cpu_pct']) / 100 * cores
            at = (int(row['ts']) - START_S) // PART_S
            rows.setdefault(int(row['vm']), []).append((at, use, cores))
    one_by_one = [numpy.array(rows[vm]) for vm in sorted(rows)]
    limits = numpy.array([table[:, 2].max() for table in one_by_one])
    return Fleet(numpy.stack([_series(t) for t in one_by_one]), limits)


def split(fleet: Fleet) -> tuple[Fleet, Fleet]:
    """Return the VMs to tune on and those to report on, disjoint."""
    order = numpy.random.default_rng(SPLIT_SEED).permutation(len(fleet.limits))
    tuning, others = order[:TUNING], order[TUNING:]
    return (
        Fleet(fleet.parts[tuning], fleet.limits[tuning]),
        Fleet(fleet.parts[others], fleet.limits[others]),
    )


def measured(fleet: Fleet, days: int, least: float = 0.9) -> Fleet:
    """Return the VMs that were there in the first days."""
    known = numpy.isfinite(fleet.parts[:, : days * DAY]).mean(axis=1)
    there = known >= least
    return Fleet(fleet.parts[there], fleet.limits[there])


def _series(table: Array) -> Array:
    """Return the mean of each part; a VM without cores was not measured."""
    size = DAYS * DAY
    at = table[:, 0].astype(int)
    good = (table[:, 2] > 0) & (at >= 0) & (at < size)
    at, use = at[good], table[good, 1]
    counts = numpy.bincount(at, minlength=size)
    sums = numpy.bincount(at, use, minlength=size)
    return numpy.where(counts > 0, sums / numpy.maximum(counts, 1), numpy.nan)


def cases(
    fleet: Fleet,
    hosts: int,
    seed: int,
    step: int,
    weights: Array | None = None,
    size: int = VMS,
) -> Iterator[Case]:
    """Draw hosts, and look at each every ``step`` parts."""
    chance = numpy.random.default_rng(seed)
    bridged = _bridged(fleet.parts)
    last = (DAYS - 1) * DAY
    for _ in range(hosts):
        vms = chance.choice(len(fleet.limits), size, replace=False, p=weights)
        for now in range(HISTORY, last + 1, step):
            known = slice(now - HISTORY, now)
            came = {
                hours: bridged[vms, now : now + hours * HOUR].sum(axis=0).max()
                for hours in HORIZONS
            }
            yield Case(
                fleet.parts[vms, known],
                bridged[vms, known],
                fleet.limits[vms],
                came,
            )


def _bridged(parts: Array) -> Array:
    """Return parts with the value before in each gap."""
    at = numpy.where(numpy.isfinite(parts), numpy.arange(parts.shape[1]), 0)
    at = numpy.maximum.accumulate(at, axis=1)
    return numpy.nan_to_num(numpy.take_along_axis(parts, at, axis=1))
