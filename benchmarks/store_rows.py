# SPDX-License-Identifier: Apache-2.0
"""Rows: a month of hours of a fleet, in a real PostgreSQL, as if recorded.

A day of all instances goes in by COPY; PostgreSQL makes the other days of it,
each row a little more or less, adds up, and then makes its indexes. Few
instances have most of the use, and few hosts most of the waiting: what is
sorted by them must look at all. The same seed makes the same rows.
"""

import dataclasses
import random
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import sqlalchemy as sa

from kvm_insight.model import codec, host_report, usage
from kvm_insight.store import charges, engine, histogram, rollup, schema, table
from kvm_insight.store import settings as store_settings

HOURS = 24
BINS = 20
_BIG = (rollup.INSTANCE_HOUR, rollup.INSTANCE_DAY, rollup.HOST_HOUR)
_KEYS = {'instance_id', 'host_id', 'hour', 'day', 'part', 'project_id'}
#: Neither added up nor made more or less.
_PLAIN = {
    'vcpus',
    'cpus',
    'memory_bytes',
    'histogram',
    'p50_cores',
    'p95_cores',
    'max_cores',
    'agent_id',
    'first_sequence',
    'last_sequence',
    'pressure',
    'charges',
    'samples',
    'missing',
    'measured_us',
}
_CAUSES = ('neighbour', 'own', 'quota', 'host', 'unattributed')
_OF_DAYS = {'uniform': 'true', 'peak_delay_us': 'max(delay_us)'}
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """How much there is; the month ends before ``end_hour``."""

    end_hour: int
    hosts: int = 1000
    instances: int = 30_000
    projects: int = 300
    days: int = 30
    seed: int = 9000

    @property
    def first_day(self) -> int:
        """Return the number of the month's first day."""
        return self.end_hour // HOURS - self.days


def uuid(number: int) -> str:
    """Return an instance's UUID."""
    return f'00000000-0000-4000-8000-{number:012d}'


def fill(url: str, shape: Shape) -> None:
    """Make all tables and fill them."""
    database = engine.connect(
        store_settings.Settings(connection=url, statement_timeout_s=3600)
    )
    schema.upgrade(database)
    database.dispose()
    plain = sa.make_url(url).set(drivername='postgresql')
    words = plain.render_as_string(hide_password=False)
    with psycopg.connect(words) as connection:
        _things(connection, shape)
        again = [one for of in _BIG for one in _bared(connection, of.name)]
        chance = random.Random(shape.seed)
        hosts = _host_hours(shape, chance)
        _spread(connection, rollup.HOST_HOUR, hosts, shape)
        guests = _instance_hours(shape, chance)
        _spread(connection, rollup.INSTANCE_HOUR, guests, shape)
        _add_up(connection, rollup.INSTANCE_DAY, rollup.INSTANCE_HOUR)
        _add_up(connection, rollup.HOST_DAY, rollup.HOST_HOUR)
        for statement in again:
            connection.execute(statement.encode())
    with psycopg.connect(words, autocommit=True) as connection:
        connection.execute('VACUUM ANALYZE')


def _copy(
    connection: psycopg.Connection, name: str, rows: Iterable[Row]
) -> None:
    """Copy rows, which all have the same columns, into a table."""
    some = iter(rows)
    first = next(some)
    columns = ', '.join(f'"{column}"' for column in first)
    words = f'COPY {name} ({columns}) FROM STDIN'
    with connection.cursor().copy(words.encode()) as copy:
        copy.write_row(list(first.values()))
        for row in some:
            copy.write_row(list(row.values()))


def _things(connection: psycopg.Connection, shape: Shape) -> None:
    """Put projects, hosts and instances there."""
    now_us = shape.end_hour * usage.HOUR_US
    of_projects: list[Row] = [
        {'id': one, 'uuid': f'{one:032x}', 'name': f'project-{one}'}
        for one in range(1, shape.projects + 1)
    ]
    _copy(connection, table.PROJECT.name, of_projects)
    _copy(connection, table.HOST.name, _hosts(shape, now_us))
    _copy(connection, table.INSTANCE.name, _instances(shape, now_us))
    for name in ('project', 'host', 'instance'):
        connection.execute(
            f"SELECT setval('{name}_id_seq', max(id)) FROM {name}".encode()
        )


def _hosts(shape: Shape, now_us: int) -> Iterator[Row]:
    chance = random.Random(shape.seed)
    for one in range(1, shape.hosts + 1):
        waited = chance.paretovariate(1.5) - 1
        record = host_report.HostReport(
            host=f'region/host-{one:04d}',
            time_us=now_us,
            agent_id=f'agent-{one}',
            sequence=1,
            window_s=300,
            cpus=64,
        )
        yield {
            'id': one,
            'name': record.host,
            'availability_zone': f'az-{one % 3}',
            'aggregates': f'["aggregate-{one % 20}"]',
            'enabled': True,
            'maintenance': False,
            'report_us': now_us,
            'cpus': 64,
            'wanted_cores': chance.uniform(5, 60),
            'waited_cores': min(waited, 40.0),
            'lost_cores': min(waited / 2, 20.0),
            'record': codec.encode(record),
        }


def place(shape: Shape, number: int) -> tuple[int, int]:
    """Return an instance's host and project; of these few have most."""
    few = int(shape.projects * (number / shape.instances) ** 2)
    return number % shape.hosts + 1, few % shape.projects + 1


def _instances(shape: Shape, now_us: int) -> Iterator[Row]:
    for number in range(1, shape.instances + 1):
        host, project = place(shape, number - 1)
        yield {
            'id': number,
            'uuid': uuid(number),
            'project_id': project,
            'host_id': host,
            'name': f'vm-{number:05d}',
            'state': 'running',
            'vcpus': 4,
            'memory_bytes': 2**33,
            'report_us': now_us,
            'wanted_cores': number % 400 / 100,
            'waited_cores': number % 40 / 100,
            'first_seen_us': shape.first_day * HOURS * usage.HOUR_US,
            'last_seen_us': now_us,
        }


def _host_hours(shape: Shape, chance: random.Random) -> Iterator[Row]:
    """Yield the first day's rows."""
    for host in range(1, shape.hosts + 1):
        packed = _ledger(shape, host, chance)
        for hour in range(HOURS):
            row = _filled(rollup.HOST_HOUR, chance.randrange(10**9))
            yield row | {
                'host_id': host,
                'hour': shape.first_day * HOURS + hour,
                'part': 0,
                'agent_id': f'agent-{host}',
                'measured_us': usage.HOUR_US,
                'samples': 360,
                'missing': 0,
                'cpus': 64,
                'pressure': '{"cpu_some_us": 1000000}',
                'charges': packed,
            }


def _ledger(shape: Shape, host: int, chance: random.Random) -> bytes | None:
    here = range(host, shape.instances + 1, shape.hosts)
    names = ['host', *(f'domain:{uuid(one)}' for one in here)]
    every = range(len(names))
    return charges.pack(
        names,
        [
            (victim, runner, chance.randrange(1, 10**8))
            for victim in every[1:]
            for runner in chance.sample(every, min(8, len(every)))
        ],
    )


def _instance_hours(shape: Shape, chance: random.Random) -> Iterator[Row]:
    """Yield the first day's rows; the nights are quiet."""
    for number in range(1, shape.instances + 1):
        host, project = place(shape, number - 1)
        heavy = min(chance.paretovariate(1.2), 50.0)
        middle = chance.randrange(BINS, usage.BINS - BINS)
        bins = [
            (middle + one, chance.randrange(1, 4000)) for one in range(BINS)
        ]
        row = _filled(rollup.INSTANCE_HOUR, int(heavy * 10**7)) | {
            'instance_id': number,
            'host_id': host,
            'part': 0,
            'project_id': project,
            'vcpus': 4,
            'memory_bytes': 2**33,
            'measured_us': usage.HOUR_US,
            'p50_cores': usage.quantile(bins, 0.5),
            'p95_cores': usage.quantile(bins, 0.95),
            'max_cores': usage.quantile(bins, 1.0),
            'histogram': histogram.pack(bins),
        }
        for hour in range(HOURS):
            busy = 1 if 7 < hour < 20 else 4
            delay_us = int(heavy * 10**7) // busy
            yield row | {
                'hour': shape.first_day * HOURS + hour,
                'run_us': int(heavy * 10**8) // busy,
                'polled_us': int(heavy * 10**7) // busy,
                'delay_us': delay_us,
                **{f'waited_{name}_us': delay_us // 6 for name in _CAUSES},
                'waited_own_project_us': delay_us // 12,
            }


def _filled(of: sa.Table, value: int) -> Row:
    """Return a row in which all that is measured has one value."""
    return {column.name: value for column in of.columns}


def _spread(
    connection: psycopg.Connection,
    of: sa.Table,
    first: Iterable[Row],
    shape: Shape,
) -> None:
    """Copy the first day and make the others of it."""
    _copy(connection, of.name, first)
    connection.execute(
        f'CREATE TEMP TABLE first AS SELECT * FROM {of.name}'.encode()
    )
    columns = [column.name for column in of.columns]
    made = [
        name if name in _KEYS | _PLAIN else f'({name} * factor)::bigint'
        for name in columns
    ]
    connection.execute(f'SELECT setseed({1 / (shape.seed + 1)})'.encode())
    for day in range(1, shape.days):
        later = [f'hour + {day * HOURS}' if n == 'hour' else n for n in made]
        connection.execute(
            f'INSERT INTO {of.name} ({", ".join(columns)})'
            f' SELECT {", ".join(later)} FROM (SELECT *,'
            ' 0.6 + 0.8 * random() AS factor FROM first) AS noisy'.encode()
        )
    connection.execute('DROP TABLE first')


def _add_up(
    connection: psycopg.Connection, of: sa.Table, hours: sa.Table
) -> None:
    """Make days of hours; one of the histograms stands for all."""
    number = of.columns[0].name
    made = []
    for column in of.columns:
        name = column.name
        if name == number:
            made.append(name)
        elif name == 'day':
            made.append(f'hour / {HOURS}')
        elif name in _OF_DAYS:
            made.append(_OF_DAYS[name])
        elif name in ('histogram', 'pressure'):
            made.append(f'(array_agg({name}))[1]')
        elif name in _PLAIN - {'measured_us', 'samples'} | _KEYS:
            made.append(f'max({name})')
        else:
            made.append(f'sum({name})::bigint')
    columns = ', '.join(column.name for column in of.columns)
    connection.execute(
        f'INSERT INTO {of.name} ({columns}) SELECT {", ".join(made)}'
        f' FROM {hours.name} GROUP BY {number}, hour / {HOURS}'.encode()
    )


def _bared(connection: psycopg.Connection, name: str) -> list[str]:
    """Take keys and indexes off a table; return what makes them again."""
    constraints = connection.execute(
        'SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint'
        f" WHERE conrelid = '{name}'::regclass ORDER BY contype DESC".encode()
    ).fetchall()
    again = []
    for key, words in constraints:
        connection.execute(
            f'ALTER TABLE {name} DROP CONSTRAINT {key}'.encode()
        )
        again.append(f'ALTER TABLE {name} ADD CONSTRAINT {key} {words}')
    indexes = connection.execute(
        'SELECT indexname, indexdef FROM pg_indexes'
        f" WHERE tablename = '{name}'".encode()
    ).fetchall()
    for key, words in indexes:
        connection.execute(f'DROP INDEX {key}'.encode())
        again.append(words)
    return again
