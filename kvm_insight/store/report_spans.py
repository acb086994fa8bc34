# SPDX-License-Identifier: Apache-2.0
"""Spans: from which hours and days a period is told.

A month has hundreds of hours of each instance. Days stand for theirs where
the whole day is of the period and nothing changed in it; what is left is told
by hours.
"""

import dataclasses
from collections.abc import Iterator

import sqlalchemy as sa

from kvm_insight.model import tenant_report, usage
from kvm_insight.report import period
from kvm_insight.store import rollup, table

_DAY_US = period.DAY_US
_HOUR_US = usage.HOUR_US
_HOURS = 24
#: Later than every day.
_NEVER = 2**31


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Hours or days of a project, from one number up to another."""

    project: int
    rows: sa.Table
    first: int
    end: int
    #: Only those rows of it that meet this, too.
    only: sa.ColumnElement[bool] | None = None

    @property
    def number(self) -> 'sa.Column[int]':
        """Return the column that numbers them."""
        return self.rows.c['hour' if self.is_hours else 'day']

    @property
    def is_hours(self) -> bool:
        """Say whether these are hours."""
        return self.rows is rollup.INSTANCE_HOUR

    @property
    def length_us(self) -> int:
        """Return how long each is."""
        return _HOUR_US if self.is_hours else _DAY_US

    def scope(self) -> sa.ColumnElement[bool]:
        """Return the condition that no row of another project meets: the
        instance is of this one, and was so then."""
        return sa.and_(
            self.rows.c.project_id == self.project,
            self.rows.c.instance_id.in_(_instances(self.project)),
            self.number >= self.first,
            self.number < self.end,
            *(() if self.only is None else (self.only,)),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Spans:
    """One period of a project, read in three ways; the older first."""

    #: What is kept: days where hours are gone, then hours.
    kept: list[Span]
    #: The same, with days wherever they stand for their hours.
    by_instance: list[Span]
    #: None of them is partly in one step of the timeline and partly in the
    #: next.
    by_time: list[Span]

    @property
    def since_us(self) -> int:
        """Return the first moment that is told of."""
        return self.kept[0].first * self.kept[0].length_us

    @property
    def until_us(self) -> int:
        """Return the first moment after that."""
        return self.kept[-1].end * self.kept[-1].length_us

    @property
    def resolution(self) -> tenant_report.Resolution:
        """Return what is kept."""
        if len(self.kept) > 1:
            return 'mixed'
        return 'hour' if self.kept[0].is_hours else 'day'


def of(connection: sa.Connection, key: int, when: period.Period) -> Spans:
    """Return from which days and hours a project's period is told: each of
    them belongs to it that begins in it."""
    first, end = (
        -(-edge // _HOUR_US) for edge in (when.since_us, when.until_us)
    )
    first_kept = connection.scalar(
        sa.select(sa.func.min(rollup.INSTANCE_DAY.c.day))
    )
    kept = _kept(connection, key, (first, end), first_kept)
    hours = kept[-1]
    if not hours.is_hours or first_kept is None:
        return Spans(kept, kept, kept)
    by_instance = kept[:-1] + list(_by_days(connection, hours, first_kept))
    edges = period.steps(when.since_us, when.until_us, when.zone)[1:-1]
    aligned = all(edge % _DAY_US == 0 for edge in edges)
    return Spans(kept, by_instance, by_instance if aligned else kept)


def _kept(
    connection: sa.Connection,
    key: int,
    hours: tuple[int, int],
    first_day_kept: int | None,
) -> list[Span]:
    """Return days only where hours are gone: where nothing was measured
    before the first hour, no days tell of it, either."""
    first, end = hours
    turn = _first_whole_day(connection, first_day_kept)
    first_day, end_day = -(-first // _HOURS), -(-end // _HOURS)
    days = Span(key, rollup.INSTANCE_DAY, first_day, min(end_day, turn))
    if days.first >= days.end or not _is_there(connection, days):
        return [Span(key, rollup.INSTANCE_HOUR, first, end)]
    if turn >= end_day:
        return [days]
    return [days, Span(key, rollup.INSTANCE_HOUR, turn * _HOURS, end)]


def _first_whole_day(
    connection: sa.Connection, first_day_kept: int | None
) -> int:
    """Return the first day of which all hours are kept that there were."""
    hour = connection.scalar(
        sa.select(sa.func.min(rollup.INSTANCE_HOUR.c.hour))
    )
    if first_day_kept is None:
        return 0
    if hour is None:
        return _NEVER
    # Where nothing was purged yet, hours and days begin on the same day.
    if hour // _HOURS <= first_day_kept:
        return int(first_day_kept)
    return -(-int(hour) // _HOURS)


def _is_there(connection: sa.Connection, span: Span) -> bool:
    asked = sa.select(span.number).where(span.scope()).limit(1)
    return connection.scalar(asked) is not None


def _by_days(
    connection: sa.Connection, hours: Span, first_day_kept: int
) -> Iterator[Span]:
    """Return the days that stand for these hours, and the hours for which
    none does."""
    first = max(-(-hours.first // _HOURS), first_day_kept)
    end = hours.end // _HOURS
    if first >= end:
        yield hours
        return
    begin, rest = first * _HOURS, end * _HOURS
    days = dataclasses.replace(
        hours, rows=rollup.INSTANCE_DAY, first=first, end=end
    )
    if hours.first < begin:
        yield dataclasses.replace(hours, end=begin)
    changed = _changed(days)
    if connection.scalar(changed.limit(1)) is None:
        yield days
    else:
        at = days.rows.c.instance_id
        yield dataclasses.replace(days, only=at.not_in(changed))
        at = hours.rows.c.instance_id
        yield dataclasses.replace(
            hours, first=begin, end=rest, only=at.in_(changed)
        )
    if rest < hours.end:
        yield dataclasses.replace(hours, first=rest)


def _changed(days: Span) -> 'sa.Select[tuple[int]]':
    """Return instances whose project or vCPUs may have changed within a
    day, whoever had them at its end."""
    c = days.rows.c
    return sa.select(c.instance_id).where(
        c.instance_id.in_(_instances(days.project)),
        c.day >= days.first,
        c.day < days.end,
        c.uniform.is_distinct_from(sa.true()),
    )


def _instances(project: int) -> 'sa.Select[tuple[int]]':
    i = table.INSTANCE.c
    return sa.select(i.id).where(i.project_id == project)
