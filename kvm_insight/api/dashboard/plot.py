# SPDX-License-Identifier: Apache-2.0
"""Plots: tables over time, which a script draws beside themselves.

An hour without a row was not measured: it is in the table and has no values,
so that it is a gap in the plot and never a zero.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kvm_insight.api.resource import timeline
from kvm_insight.model import usage

#: What a row shows, of the hours that began then.
Value = Callable[[Sequence[Any]], float | None]

_STEPS = {'hour': usage.HOUR_US, 'day': 24 * usage.HOUR_US}


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """One column."""

    name: str
    #: Its colour and pattern in the style sheet and the script.
    tone: str
    value: Value


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One hour or day; without values it was not measured."""

    start_us: int
    values: list[float | None]
    coverage: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """A table, and how it is drawn."""

    ident: str
    title: str
    unit: str
    #: ``lines``, or ``stack`` for areas on top of one another.
    kind: str
    series: Sequence[Series]
    rows: list[Row]

    @property
    def has_data(self) -> bool:
        """Say whether anything was measured."""
        return any(
            value is not None for row in self.rows for value in row.values
        )


def made(
    ident: str,
    title: str,
    unit: str,
    kind: str,
    series: Sequence[Series],
    told: timeline.HostTimeline | timeline.InstanceTimeline,
) -> Plot:
    """Return a plot of a timeline, with its gaps."""
    return Plot(ident, title, unit, kind, series, list(_rows(series, told)))


def _rows(
    series: Sequence[Series],
    told: timeline.HostTimeline | timeline.InstanceTimeline,
) -> Iterable[Row]:
    step_us = _STEPS[told.step]
    by_start: dict[int, list[Any]] = {}
    for hour in told.hours:
        by_start.setdefault(hour.start_us, []).append(hour)
    first_us = told.since_us // step_us * step_us
    for start_us in range(first_us, told.until_us, step_us):
        hours = by_start.get(start_us, [])
        if not any(one.measured_us for one in hours):
            yield Row(start_us, [None] * len(series), None)
            continue
        yield Row(
            start_us,
            [one.value(hours) for one in series],
            min(1.0, sum(one.coverage for one in hours)),
        )


def cores(read: Callable[[Any], int | None]) -> Value:
    """Return what makes cores of µs, over what was measured."""

    def value(hours: Sequence[Any]) -> float | None:
        told = [us for one in hours if (us := read(one)) is not None]
        measured_us = sum(one.measured_us for one in hours)
        if not told or not measured_us:
            return None
        return float(sum(told) / measured_us)

    return value


def most(read: Callable[[Any], float | None]) -> Value:
    """Return what gives the largest of them."""

    def value(hours: Sequence[Any]) -> float | None:
        told = [one for each in hours if (one := read(each)) is not None]
        return max(told, default=None)

    return value


def percent(read: Callable[[Any], int | None]) -> Value:
    """Return what makes percent of the time of stall µs."""
    whole = cores(read)

    def value(hours: Sequence[Any]) -> float | None:
        ratio = whole(hours)
        return None if ratio is None else min(100.0, 100 * ratio)

    return value
