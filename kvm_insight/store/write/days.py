# SPDX-License-Identifier: Apache-2.0
"""Days from the hours in them, made again whenever one of these changes.

The database adds up; only histograms, and what is no sum, are read.
"""

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from kvm_insight.store import histogram, rollup
from kvm_insight.store.write import hour_row, upsert

_HOURS = 24
_MOST = (
    'cpus',
    'disk_peak_requests_s',
    'disk_peak_bytes_s',
    'network_peak_bytes_s',
    'memory_peak_rss_bytes',
)
_LEAST = ('least_available_bytes',)
#: The last hour's word.
_LAST = (
    'project_id',
    'vcpus',
    'memory_bytes',
    'memory_rss_bytes',
    'memory_usable_bytes',
    'memory_dirty_rate_bytes_s',
)
_QUANTILES = ('p50_cores', 'p95_cores', 'max_cores')
#: A sum only where it is known of all.
_ALL = 'waited_own_project_us'


@dataclasses.dataclass(slots=True)
class Touched:
    """Days and numbers of those whose hours have changed."""

    hosts: set[tuple[int, int]] = dataclasses.field(default_factory=set)
    instances: set[tuple[int, int]] = dataclasses.field(default_factory=set)


def remake(connection: sa.Connection, touched: Touched) -> None:
    """Make these days again."""
    for day, numbers in _by_day(touched.hosts):
        for part in upsert.chunks(numbers):
            _hosts(connection, day, part)
    for day, numbers in _by_day(touched.instances):
        for part in upsert.chunks(numbers):
            _instances(connection, day, part)


def _by_day(
    touched: Iterable[tuple[int, int]],
) -> list[tuple[int, list[int]]]:
    days = collections.defaultdict(list)
    for day, number in sorted(touched):
        days[day].append(number)
    return sorted(days.items())


def _hosts(connection: sa.Connection, day: int, numbers: list[int]) -> None:
    hours = rollup.HOST_HOUR
    last: dict[int, upsert.Row] = {one: {} for one in numbers}
    query = _within(hours.c.host_id, day, numbers).with_only_columns(
        hours.c.host_id, hours.c.memory_bytes, hours.c.pressure
    )
    stalls: dict[int, collections.Counter[str]] = {
        one: collections.Counter() for one in numbers
    }
    for row in connection.execute(query):
        stalls[row.host_id].update(row.pressure or {})
        if row.memory_bytes is not None:
            last[row.host_id]['memory_bytes'] = row.memory_bytes
    rows = []
    sums = _sums(rollup.HOST_DAY, hours.c.host_id, day, numbers)
    for summed in connection.execute(sums).mappings():
        number = summed['host_id']
        rows.append(
            {
                **_plain(summed),
                'day': day,
                'memory_bytes': last[number].get('memory_bytes'),
                'pressure': dict(stalls[number]),
            }
        )
    _replace(connection, rollup.HOST_DAY, day, numbers, rows)


def _instances(
    connection: sa.Connection, day: int, numbers: list[int]
) -> None:
    hours = rollup.INSTANCE_HOUR
    last: dict[int, upsert.Row] = {
        one: dict.fromkeys(_LAST) for one in numbers
    }
    packed: dict[int, list[bytes | None]] = {one: [] for one in numbers}
    delays: dict[int, collections.Counter[int]] = {
        one: collections.Counter() for one in numbers
    }
    kinds: dict[int, set[object]] = {one: set() for one in numbers}
    query = _within(hours.c.instance_id, day, numbers).with_only_columns(
        hours.c.instance_id,
        hours.c.hour,
        hours.c.delay_us,
        hours.c.histogram,
        *(hours.c[n] for n in _LAST),
    )
    for row in connection.execute(query).mappings():
        number = row['instance_id']
        packed[number].append(row['histogram'])
        # An hour on two hosts is two rows.
        delays[number][row['hour']] += row['delay_us']
        kinds[number].add((row['project_id'], row['vcpus']))
        known = last[number]
        known.update({n: row[n] for n in _LAST if row[n] is not None})
    rows = []
    sums = _sums(rollup.INSTANCE_DAY, hours.c.instance_id, day, numbers)
    for summed in connection.execute(sums).mappings():
        number = summed['instance_id']
        bins = histogram.merge(packed[number])
        rows.append(
            {
                **_plain(summed),
                'day': day,
                **last[number],
                **hour_row.quantiles(bins),
                'histogram': histogram.pack(bins),
                'uniform': len(kinds[number]) == 1,
                'peak_delay_us': max(delays[number].values()),
            }
        )
    _replace(connection, rollup.INSTANCE_DAY, day, numbers, rows)


def _within(
    number: sa.Column[Any], day: int, numbers: list[int]
) -> sa.Select[Any]:
    """Return the hours of a day, the last ones last; of two in the same
    hour the one in which less was measured first."""
    hours = number.table
    query = sa.select(number).where(
        number.in_(numbers),
        hours.c.hour.between(day * _HOURS, day * _HOURS + _HOURS - 1),
    )
    return query.order_by(
        hours.c.hour, hours.c.measured_us, hours.c.part, hours.c.host_id
    )


def _sums(
    table: sa.Table, number: sa.Column[Any], day: int, numbers: list[int]
) -> sa.Select[Any]:
    """Return what the database can add up by itself."""
    rest = {*_LAST, *_QUANTILES, 'day', 'histogram', 'pressure'}
    rest |= {number.name, 'memory_bytes', 'uniform', 'peak_delay_us'}
    hours = number.table
    columns = []
    for column in table.columns:
        name = column.name
        if name not in rest:
            of = hours.c[name]
            if name in _MOST:
                columns.append(sa.func.max(of).label(name))
            elif name in _LEAST:
                columns.append(sa.func.min(of).label(name))
            elif name == _ALL:
                known = sa.func.count(of) == sa.func.count()
                whole = sa.case((known, sa.func.sum(of)))
                columns.append(whole.label(name))
            else:
                columns.append(sa.func.sum(of).label(name))
    within = _within(number, day, numbers).order_by(None)
    return within.with_only_columns(number, *columns).group_by(number)


def _plain(row: sa.RowMapping) -> upsert.Row:
    """Return sums as numbers: two of the databases give decimals."""
    return {
        name: None if value is None else int(value)
        for name, value in row.items()
    }


def _replace(
    connection: sa.Connection,
    table: sa.Table,
    day: int,
    numbers: list[int],
    rows: list[upsert.Row],
) -> None:
    """Put the rows there; a day without any hour is none."""
    key = next(iter(table.primary_key.columns))
    empty = set(numbers) - {row[key.name] for row in rows}
    if empty:
        connection.execute(
            table.delete().where(table.c.day == day, key.in_(sorted(empty)))
        )
    upsert.put(connection, table, rows)
