# SPDX-License-Identifier: Apache-2.0
"""What a report adds up, as the database adds it up: over one project only.

Hours and days are asked the same. The causes of each hour are made to add up
to its delay before they are summed, so that they do so in all sums: what the
ledger charged beyond the delay is taken off in proportion, what it did not
charge is in nobody's account.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import finding, usage
from kvm_insight.report import value
from kvm_insight.store import rollup, table

VERDICTS: tuple[finding.Verdict, ...] = (
    'antagonist',
    'self_inflicted',
    'overcommit',
    'host_process',
    'unknown',
)
_COUNTED = ('measured', 'run', 'delay', 'throttled', 'caused')
_PEAKS = {'peak_requests_s', 'peak_bytes_s', 'peak_rss_bytes'}
#: No sums: the newest is told.
_LAST = {'rss_bytes', 'usable_bytes', 'dirty_rate_bytes_s'}
_DEVICES: dict[str, type[Any]] = {
    'disk': usage.Disk,
    'network': usage.Network,
    'memory': usage.Memory,
}
Row = sa.RowMapping


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """Hours or days of a project, from one number up to another."""

    project: int
    rows: sa.Table
    first: int
    end: int

    @property
    def number(self) -> sa.Column[int]:
        """Return the column that numbers them."""
        return self.rows.c['hour' if self.is_hours else 'day']

    @property
    def is_hours(self) -> bool:
        """Say whether these are hours."""
        return self.rows is rollup.INSTANCE_HOUR

    @property
    def length_us(self) -> int:
        """Return how long each is."""
        return usage.HOUR_US * (1 if self.is_hours else 24)

    def scope(self) -> sa.ColumnElement[bool]:
        """Return the condition that no row of another project meets: the
        instance is of this one, and was so then."""
        of_project = sa.select(table.INSTANCE.c.id).where(
            table.INSTANCE.c.project_id == self.project
        )
        return sa.and_(
            self.rows.c.project_id == self.project,
            self.rows.c.instance_id.in_(of_project),
            self.number >= self.first,
            self.number < self.end,
        )


def wanted(rows: sa.Table) -> sa.ColumnElement[int]:
    """Return what ran without polling, and the delay."""
    c = rows.c
    ran = sa.case(
        (c.run_us > c.polled_us, c.run_us - c.polled_us), else_=sa.literal(0)
    )
    return ran + c.delay_us


def _quota(rows: sa.Table) -> sa.ColumnElement[int]:
    """Return the wait for the quota: its cgroup tells it without a ledger,
    too."""
    c = rows.c
    return sa.case(
        (c.throttled_us > c.waited_quota_us, c.throttled_us),
        else_=c.waited_quota_us,
    )


def _charged(rows: sa.Table) -> sa.ColumnElement[int]:
    c = rows.c
    return (
        c.waited_neighbour_us
        + c.waited_own_us
        + c.waited_host_us
        + c.waited_unattributed_us
        + _quota(rows)
    )


def factor(rows: sa.Table) -> sa.ColumnElement[float]:
    """Return by what charges are multiplied to be no more than the delay."""
    charged, delay = _charged(rows), rows.c.delay_us
    return sa.case(
        (charged > delay, delay * sa.literal(1.0) / charged),
        else_=sa.literal(1.0),
    )


def sums(rows: sa.Table) -> list[sa.Label[Any]]:
    """Return the columns that ``sums_of`` reads."""
    c, charged, part = rows.c, _charged(rows), factor(rows)
    rest = sa.case(
        (c.delay_us > charged, c.delay_us - charged), else_=sa.literal(0)
    )
    whole: dict[str, sa.ColumnElement[Any]] = {
        f'{name}_us': c[f'{name}_us'] for name in _COUNTED
    }
    whole['wanted_us'] = wanted(rows)
    whole |= {f'lost_{name}_us': c[f'lost_{name}_us'] for name in VERDICTS}
    parts = {
        'neighbours': c.waited_neighbour_us * part,
        'own_threads': c.waited_own_us * part,
        'quota': _quota(rows) * part,
        'host': c.waited_host_us * part,
        'unattributed': c.waited_unattributed_us * part + rest,
    }
    return [sa.func.sum(what).label(n) for n, what in (whole | parts).items()]


def sums_of(row: Row, own_project: float | None = None) -> value.Sums:
    """Return what the database added up; of what neighbours made one wait,
    the part of the project's own is told beside it where it is known."""
    neighbours = float(row['neighbours'] or 0.0)
    known = own_project is not None
    own = min(own_project or 0.0, neighbours)
    return value.Sums(
        **{
            f'{name}_us': int(row[f'{name}_us'] or 0)
            for name in (*_COUNTED, 'wanted')
        },
        waited=value.Waited(
            other_projects=neighbours - own if known else 0.0,
            own_project=own,
            neighbours=0.0 if known else neighbours,
            **{
                name: float(row[name] or 0.0)
                for name in ('own_threads', 'quota', 'host', 'unattributed')
            },
        ),
        lost_us={
            name: int(lost)
            for name in VERDICTS
            if (lost := row[f'lost_{name}_us'])
        },
    )


def devices(rows: sa.Table) -> list[sa.Label[Any]]:
    """Return the columns that ``device_of`` reads."""
    return [
        (sa.func.max if name in _PEAKS else sa.func.sum)(
            rows.c[f'{device}_{name}']
        ).label(f'{device}_{name}')
        for device, kind in _DEVICES.items()
        for name in kind.__struct_fields__
        if name not in _LAST
    ]


def device_of(device: str, parts: Sequence[Row]) -> Any:
    """Return what was added up of one device by hours and by days; None
    where it never was measured."""
    kind = _DEVICES[device]
    told: dict[str, int] = {}
    for name in kind.__struct_fields__:
        column = f'{device}_{name}'
        known = [int(row[column]) for row in parts if row.get(column)]
        if known:
            told[name] = max(known) if name in _PEAKS else sum(known)
    return kind(**told) if told.get('measured_us') else None
