# SPDX-License-Identifier: Apache-2.0
"""Purge: what is older than it need be kept, a little at a time.

Each step is a transaction of its own that takes some rows away by a key, so
that nobody waits for it long, whatever there is to take.
"""

import dataclasses
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from kvm_insight.store import rollup, table

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_HOURS = 24

#: Takes some rows away; says how many.
Step = Callable[[sa.Connection, int], int]


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What is older than these, in µs since 1970, is not kept."""

    hours_us: int
    days_us: int
    findings_us: int

    @property
    def oldest_hour(self) -> int:
        """Return the first hour that is kept: the first one of a day, since
        a day is made of all its hours or not at all."""
        return self.hours_us // _DAY_US * _HOURS

    @property
    def oldest_day(self) -> int:
        """Return the first day that is kept."""
        return self.days_us // _DAY_US


def before(us: int) -> Limits:
    """Return the limits by which nothing older than one time is kept."""
    return Limits(us, us, us)


def kept(now_us: int, hours: int, days: int, findings: int) -> Limits:
    """Return the limits by which so many days are kept until now."""
    return Limits(
        *(max(0, now_us - one * _DAY_US) for one in (hours, days, findings))
    )


def steps(limits: Limits) -> Iterator[tuple[str, Step]]:
    """Yield what there is to be looked through, and how; rows that others
    lead to come after those."""
    for of, column, oldest in (
        (rollup.INSTANCE_HOUR, 'hour', limits.oldest_hour),
        (rollup.HOST_HOUR, 'hour', limits.oldest_hour),
        (rollup.INSTANCE_DAY, 'day', limits.oldest_day),
        (rollup.HOST_DAY, 'day', limits.oldest_day),
    ):
        yield of.name, _rollup(of, of.c[column], oldest)
    for of in (table.FINDING, table.CONFIGURATION_FINDING):
        yield of.name, _findings(of, limits.findings_us)
    yield table.RECOMMENDATION.name, _recommendations(limits.findings_us)
    yield table.INSTANCE.name, _instances(limits.days_us)
    yield table.HOST.name, _hosts(limits.days_us)
    yield table.PROJECT.name, _projects


def _rollup(of: sa.Table, time: 'sa.Column[int]', oldest: int) -> Step:
    """Take the oldest hour or day, from its first row on."""
    number = next(iter(of.primary_key.columns))

    def step(connection: sa.Connection, most: int) -> int:
        first = connection.scalar(
            sa.select(sa.func.min(time)).where(time < oldest)
        )
        if first is None:
            return 0
        some = (
            sa.select(number)
            .where(time == first)
            .order_by(number)
            .limit(most)
            .subquery()
        )
        last = connection.scalar(sa.select(sa.func.max(some.c[0])))
        done = connection.execute(
            of.delete().where(time == first, number <= last)
        )
        return done.rowcount

    return step


def _findings(of: sa.Table, oldest_us: int) -> Step:
    """Take closed ones, and such as nobody has closed for as long."""
    over = sa.or_(
        of.c.closed_us < oldest_us,
        sa.and_(of.c.opened_us < oldest_us, of.c.updated_us < oldest_us),
    )
    return _by_id(of, over)


def _recommendations(oldest_us: int) -> Step:
    of = table.RECOMMENDATION
    # What the bus still has is told again, perhaps.
    over = sa.and_(of.c.created_us < oldest_us, of.c.gone_us.is_not(None))
    return _by_id(of, over)


def _instances(oldest_us: int) -> Step:
    of = table.INSTANCE
    over = sa.and_(
        of.c.last_seen_us < oldest_us,
        *_unused(
            of.c.id,
            rollup.INSTANCE_HOUR.c.instance_id,
            rollup.INSTANCE_DAY.c.instance_id,
            table.FINDING.c.instance_id,
            table.AGGRESSOR.c.instance_id,
            table.CONFIGURATION_FINDING.c.instance_id,
        ),
    )
    return _by_id(of, over)


def _hosts(oldest_us: int) -> Step:
    """Take those of which no report, fact or history is left."""
    of = table.HOST
    over = sa.and_(
        sa.func.coalesce(of.c.gone_us, of.c.report_us, 0) < oldest_us,
        of.c.enabled.is_(None),
        *_unused(
            of.c.id,
            rollup.HOST_HOUR.c.host_id,
            rollup.HOST_DAY.c.host_id,
            rollup.INSTANCE_HOUR.c.host_id,
            table.INSTANCE.c.host_id,
            table.FINDING.c.host_id,
            table.CONFIGURATION_FINDING.c.host_id,
        ),
    )
    return _by_id(of, over)


def _projects(connection: sa.Connection, most: int) -> int:
    """Take those that have nothing and that the cloud does not name."""
    of = table.PROJECT
    told = sa.select(table.FACT.c.key).where(
        table.FACT.c.key == sa.literal('project/').concat(of.c.uuid)
    )
    over = sa.and_(
        ~sa.exists(told),
        *_unused(
            of.c.id,
            table.INSTANCE.c.project_id,
            rollup.INSTANCE_HOUR.c.project_id,
            rollup.INSTANCE_DAY.c.project_id,
            table.FINDING.c.project_id,
            table.AGGRESSOR.c.project_id,
            table.CONFIGURATION_FINDING.c.project_id,
        ),
    )
    return _by_id(of, over)(connection, most)


def _unused(
    number: 'sa.Column[int]', *users: 'sa.Column[int]'
) -> list[sa.ColumnElement[bool]]:
    """Return that no row leads there."""
    return [
        ~sa.exists(sa.select(user).where(user == number)) for user in users
    ]


def _by_id(of: sa.Table, over: sa.ColumnElement[bool]) -> Step:
    def step(connection: sa.Connection, most: int) -> int:
        some = connection.scalars(
            sa.select(of.c.id).where(over).order_by(of.c.id).limit(most)
        ).all()
        if not some:
            return 0
        done = connection.execute(of.delete().where(of.c.id.in_(some), over))
        return done.rowcount

    return step
