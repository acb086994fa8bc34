# SPDX-License-Identifier: Apache-2.0
"""How fast the API answers over a month of hours of 30,000 instances.

They are in a PostgreSQL of its own, 21.6 million rows of hours; each address
is asked for many times, as operator and as one project, each time about
another host or instance, over HTTP as clients do. Yardsticks of the same run:
the same server's answer that reads nothing, and the last part of the list of
instances by OFFSET, as plain paging would read it. ``--quick`` has a tenth of
the instances and a week.
"""

import contextlib
import http.client
import pathlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from urllib import parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import sqlalchemy as sa  # noqa: E402
from database import postgresql  # noqa: E402
from screen import site  # noqa: E402

from benchmarks import (  # noqa: E402 - the path comes first
    dashboard_rows,
    report,
    store_rows,
)
from kvm_insight.model import usage  # noqa: E402
from kvm_insight.store import engine, settings, table  # noqa: E402

#: 2026-11-28 06:00:00 UTC.
END_HOUR = 498_846
REACH = {'request_p95_ms': report.Bound(most=300.0)}
#: What operators ask for, and one project about its own.
OPERATOR = {
    'hosts': '/v1/hosts?limit=100',
    'worst_hosts': '/v1/hosts?sort_key=lost_cores&sort_dir=desc',
    'all_hosts': '/v1/hosts?limit=1000',
    'host': '/v1/hosts/{host}',
    'host_ledger_day': '/v1/hosts/{host}/ledger?since={day}',
    'host_hours_day': '/v1/hosts/{host}/hours?since={day}',
    'host_hours_month': '/v1/hosts/{host}/hours?since={month}',
    'instances': '/v1/instances?limit=100',
    'worst_instances': '/v1/instances?sort_key=waited_cores&sort_dir=desc',
    'last_instances': '/v1/instances?marker={last}',
    'instance': '/v1/instances/{instance}',
    'instance_hours_day': '/v1/instances/{instance}/hours?since={day}',
    'instance_hours_month': '/v1/instances/{instance}/hours?since={month}',
    'instance_ledger_day': '/v1/instances/{instance}/ledger?since={day}',
    'findings': '/v1/findings?limit=100',
    'open_findings': '/v1/findings?state=open&sort_key=severity_cores',
    'finding': '/v1/findings/finding-7',
    'recommendations': '/v1/recommendations',
    'overcommit': '/v1/overcommit',
    'aggregates': '/v1/aggregates',
    'health': '/v1/health',
    'metrics': '/v1/metrics',
}
PROJECT = {
    'own_instances': '/v1/instances?limit=100',
    'own_instance_hours_month': '/v1/instances/{own}/hours?since={month}',
    'own_instance_ledger_day': '/v1/instances/{own}/ledger?since={day}',
    'own_findings': '/v1/findings?limit=100',
    'own_report_month': '/v1/projects/alpha/report?since={month}&until={now}',
}


def main() -> int:
    """Fill, ask, and print one JSON object."""
    args = report.options(__doc__).parse_args()
    shape = store_rows.Shape(END_HOUR, seed=args.seed)
    if args.quick:
        shape = store_rows.Shape(END_HOUR, 100, 3000, 30, 7, args.seed)
    with _filled(shape) as (url, size):
        database = engine.connect(settings.Settings(connection=url))
        own = _owned(database)
        offset_ms = _by_offset(database, shape)
        database.dispose()
        with tempfile.TemporaryDirectory() as folder:
            now_us = shape.end_hour * usage.HOUR_US
            with site.serving(
                pathlib.Path(folder), lambda _: None, now_us, url=url
            ) as found:
                times = 10 if args.quick else 40
                asks = _asks(shape, own, random.Random(args.seed))
                took = {
                    name: _taken(found.url, token, path, times, asks)
                    for token, paths in (
                        ('operator', OPERATOR),
                        ('alice', PROJECT),
                    )
                    for name, path in paths.items()
                }
                floor = _taken(found.url, 'operator', '/v1/', times, asks)
    groups = {name: round(_p95(each), 1) for name, each in took.items()}
    worst = max(groups, key=lambda name: groups[name])
    every = [one for each in took.values() for one in each]
    return report.tell(
        'The API answers over a month of hours of 30,000 instances',
        {
            'request_p95_ms': groups[worst],
            'all_requests_p95_ms': round(_p95(every), 1),
            'median_ms': round(statistics.median(every), 1),
            'report_month_p95_ms': groups['own_report_month'],
            'report_instances': len(own),
            'hours': size['hours'],
            'database_gib': round(size['bytes'] / 2**30, 2),
            'fill_s': size['fill_s'],
        },
        REACH,
        {
            'reads_nothing_p95_ms': round(_p95(floor), 1),
            'last_part_by_offset_p95_ms': round(_p95(offset_ms), 1),
        },
        args.seed,
        groups=groups,
        worst=worst,
        quick=args.quick,
    )


@contextlib.contextmanager
def _filled(
    shape: store_rows.Shape,
) -> Iterator[tuple[str, dict[str, int]]]:
    """Give a database with all of it, and how large it is."""
    server = postgresql.Postgresql(
        fsync='off',
        synchronous_commit='off',
        shared_buffers='1GB',
        max_wal_size='4GB',
        maintenance_work_mem='512MB',
    )
    try:
        server.up()
        url = server.create('api')
        began = time.monotonic()
        store_rows.fill(url, shape)
        database = engine.connect(settings.Settings(connection=url))
        _say_more(database, shape)
        took_s = round(time.monotonic() - began)
        report.say(f'filled in {took_s} s')
        with database.connect() as store:
            size = {
                'hours': _one(store, 'SELECT count(*) FROM instance_hour'),
                'bytes': _one(
                    store, 'SELECT pg_database_size(current_database())'
                ),
                'fill_s': took_s,
            }
        database.dispose()
        yield url, size
    finally:
        server.wipe()


def _one(store: sa.Connection, words: str) -> int:
    return int(store.execute(sa.text(words)).scalar_one())


def _say_more(database: sa.Engine, shape: store_rows.Shape) -> None:
    """Add findings, and give one project the name of who asks."""
    chance = random.Random(shape.seed)

    def anybody() -> dashboard_rows.Victim:
        number = chance.randrange(shape.instances)
        host, project = store_rows.place(shape, number)
        return dashboard_rows.Victim(
            host,
            f'region/host-{host:04d}',
            number + 1,
            store_rows.uuid(number + 1),
            project,
        )

    now_us = shape.end_hour * usage.HOUR_US
    count = shape.instances // 3
    dashboard_rows.add_findings(database, count, now_us, chance, anybody)
    middle = table.PROJECT.c.id == shape.projects // 2
    with database.begin() as store:
        store.execute(
            sa.update(table.PROJECT).where(middle).values(uuid='alpha')
        )
        store.execute(sa.text('ANALYZE finding'))


def _owned(database: sa.Engine) -> list[str]:
    """Return the project's instances."""
    query = (
        sa.select(table.INSTANCE.c.uuid)
        .join(table.PROJECT)
        .where(table.PROJECT.c.uuid == 'alpha')
        .order_by(table.INSTANCE.c.uuid)
    )
    with database.connect() as store:
        return [*store.execute(query).scalars()]


def _by_offset(database: sa.Engine, shape: store_rows.Shape) -> list[float]:
    """Return how long the last part takes if all before it is counted."""
    query = (
        sa.select(table.INSTANCE)
        .order_by(table.INSTANCE.c.uuid)
        .offset(shape.instances - 100)
    )
    took = []
    with database.connect() as store:
        for _ in range(20):
            began = time.perf_counter()
            store.execute(query).all()
            took.append((time.perf_counter() - began) * 1000)
    return took


def _asks(
    shape: store_rows.Shape, own: list[str], chance: random.Random
) -> Iterator[dict[str, str]]:
    """Yield what is filled into addresses, each time something else."""
    now_s = shape.end_hour * 3600

    def moment(days: int) -> str:
        parts = time.gmtime(now_s - days * 86_400)
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', parts)

    while True:
        host = chance.randrange(1, shape.hosts + 1)
        yield {
            'host': f'region/host-{host:04d}',
            'instance': store_rows.uuid(chance.randrange(shape.instances) + 1),
            'last': store_rows.uuid(shape.instances - 100),
            'own': chance.choice(own),
            'day': moment(1),
            'month': moment(shape.days),
            'now': moment(0),
        }


def _taken(
    url: str,
    token: str,
    path: str,
    times: int,
    asks: Iterator[dict[str, str]],
) -> list[float]:
    """Return how long each answer took, in ms; all must be well."""
    way = http.client.HTTPConnection(parse.urlsplit(url).netloc, timeout=60)
    headers = {'X-Auth-Token': site.TOKENS[token]}
    took = []
    for _ in range(times):
        asked = path.format(**next(asks))
        began = time.perf_counter()
        way.request('GET', asked, headers=headers)
        answer = way.getresponse()
        body = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (asked, answer.status, body[:300])
    way.close()
    report.say(f'{token} {path}: p95 {_p95(took):.0f} ms')
    return took


def _p95(values: list[float]) -> float:
    """Return what only one in twenty exceeds."""
    return statistics.quantiles(values, n=20, method='inclusive')[-1]


if __name__ == '__main__':
    sys.exit(main())
