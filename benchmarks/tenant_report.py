# SPDX-License-Identifier: Apache-2.0
"""What a tenant's report costs: 1,000 instances by each hour of a month.

All on SQLite, made by a process of its own, as ``kvm-insight report`` makes
it; and once more for people whose days are not those of UTC, so that its
timeline is told by hours. Yardstick: reading the same hours once, with nothing
done to them.
"""

import argparse
import datetime
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import sqlalchemy as sa  # noqa: E402

from benchmarks import report  # noqa: E402 - the path comes first
from kvm_insight.model import usage  # noqa: E402
from kvm_insight.report import page, period  # noqa: E402
from kvm_insight.store import (  # noqa: E402
    engine,
    histogram,
    report_source,
    rollup,
    schema,
    settings,
    table,
)
from kvm_insight.store.write import days  # noqa: E402

INSTANCES, ON_HOST = 1000, 20
_HOURS = 24
MOST_S = 10.0
MOST_RSS_MIB = 200.0
MONTH = period.month('2026-11', datetime.UTC, 'UTC')
FIRST = MONTH.since_us // usage.HOUR_US
INDIA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))


def main() -> int:
    """Fill a database, read it, and print one JSON object."""
    parser = report.options(__doc__)
    parser.add_argument('--read', metavar='URL', help=argparse.SUPPRESS)
    parser.add_argument('--how', default='utc', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        return _read(args.read, args.how)
    hours = 48 if args.quick else 720
    with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
        url = f'sqlite:///{folder}/store.db'
        _fill(url, hours, random.Random(args.seed))
        told = _measured('--read', url)
        india = _measured('--read', url, '--how', 'india')
        plain = _measured('--read', url, '--how', 'plain')
    return report.tell(
        'tenant_report',
        told | {f'india_{name}': value for name, value in india.items()},
        {
            'cpu_s': report.Bound(most=MOST_S),
            'rss_mib': report.Bound(most=MOST_RSS_MIB),
            'india_cpu_s': report.Bound(most=MOST_S),
            'india_rss_mib': report.Bound(most=MOST_RSS_MIB),
        },
        {f'read_only_{name}': value for name, value in plain.items()},
        args.seed,
    )


def _measured(*words: str) -> dict[str, float]:
    """Return what a process of its own says that it took."""
    done = subprocess.run(
        [sys.executable, __file__, *words],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _read(url: str, how: str) -> int:
    database = engine.reading(settings.Settings(connection=url))
    begin = time.process_time(), time.perf_counter()
    size = 0.0
    with report_source.snapshot(database) as connection:
        if how == 'plain':
            _touch(connection)
        else:
            (whose,) = report_source.projects(connection)
            zone = INDIA if how == 'india' else datetime.UTC
            when = period.month('2026-11', zone, how)
            made = report_source.report(connection, whose, when, when.until_us)
            size = len(page.text(made, zone)) / 2**20
    used_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {
        'cpu_s': round(time.process_time() - begin[0], 2),
        'wall_s': round(time.perf_counter() - begin[1], 2),
        'rss_mib': round(used_kib / 1024, 1),
        'page_mib': round(size, 2),
    }
    print(json.dumps(told))
    return 0


def _touch(connection: sa.Connection) -> None:
    asked = sa.select(rollup.INSTANCE_HOUR).execution_options(yield_per=1000)
    with connection.execute(asked) as rows:
        for _ in rows:
            pass


def _uuid(number: int) -> str:
    return f'00000000-0000-4000-8000-{number:012d}'


def _fill(url: str, hours: int, chance: random.Random) -> None:
    """Put the month in, an hour a transaction."""
    database = engine.connect(settings.Settings(connection=url))
    schema.upgrade(database)
    hosts = INSTANCES // ON_HOST
    bins = [_bins(chance) for _ in range(200)]
    with database.begin() as connection:
        _begin(connection, hosts, hours)
    for hour in range(FIRST, FIRST + hours):
        if hour % 100 == 0:
            report.say(f'{hour - FIRST} hours')
        with database.begin() as connection:
            connection.execute(
                sa.insert(rollup.HOST_HOUR),
                [_host(host, hour) for host in range(hosts)],
            )
            connection.execute(
                sa.insert(rollup.INSTANCE_HOUR),
                [
                    _row(number, hour, bins, chance)
                    for number in range(INSTANCES)
                ],
            )
            if (hour + 1) % _HOURS == 0 or hour + 1 == FIRST + hours:
                _add_up(connection, hour // _HOURS)
    database.dispose()


def _add_up(connection: sa.Connection, day: int) -> None:
    touched = {(day, number + 1) for number in range(INSTANCES)}
    days.remake(connection, days.Touched(instances=touched))


def _begin(connection: sa.Connection, hosts: int, hours: int) -> None:
    connection.execute(
        sa.insert(table.PROJECT), [{'id': 1, 'uuid': 'p', 'name': 'shop'}]
    )
    connection.execute(
        sa.insert(table.HOST),
        [{'id': one + 1, 'name': f'host-{one}'} for one in range(hosts)],
    )
    connection.execute(
        sa.insert(table.INSTANCE),
        [
            {
                'id': number + 1,
                'uuid': _uuid(number),
                'project_id': 1,
                'name': f'vm-{number}',
                'vcpus': 4,
                'first_seen_us': FIRST * usage.HOUR_US,
                'last_seen_us': (FIRST + hours) * usage.HOUR_US,
            }
            for number in range(INSTANCES)
        ],
    )


def _bins(chance: random.Random) -> bytes | None:
    return histogram.pack(
        sorted(
            {
                chance.randrange(usage.BINS): chance.randrange(1, 2000)
                for _ in range(25)
            }.items()
        )
    )


def _host(host: int, hour: int) -> dict[str, object]:
    return {
        'host_id': host + 1,
        'hour': hour,
        'part': 0,
        'agent_id': 'a',
        'first_sequence': 1,
        'last_sequence': 360,
        'samples': 360,
        'missing': 0,
        'measured_us': usage.HOUR_US,
        'cpus': 32,
    }


def _row(
    number: int,
    hour: int,
    bins: list[bytes | None],
    chance: random.Random,
) -> dict[str, object]:
    delay_us = chance.randrange(10**8)
    return {
        'instance_id': number + 1,
        'hour': hour,
        'host_id': number // ON_HOST + 1,
        'part': 0,
        'project_id': 1,
        'vcpus': 4,
        'measured_us': usage.HOUR_US,
        'run_us': chance.randrange(10**10),
        'delay_us': delay_us,
        'waited_neighbour_us': delay_us // 2,
        'waited_own_project_us': delay_us // 4,
        'waited_own_us': delay_us // 10,
        'caused_us': delay_us // 3,
        'histogram': chance.choice(bins),
        'disk_measured_us': usage.HOUR_US,
        'disk_read_bytes': chance.randrange(10**9),
        'memory_measured_us': usage.HOUR_US,
        'memory_peak_rss_bytes': chance.randrange(10**10),
        'memory_usable_bytes': chance.randrange(10**10),
    }


if __name__ == '__main__':
    sys.exit(main())
