# SPDX-License-Identifier: Apache-2.0
"""How far a recorder keeps ahead of a fleet: 1,000 hosts, 30 instances each.

Such a fleet says 1,000 records of use an hour and as many reports a minute.
They go from an embedded bus through one recorder into a real PostgreSQL that
waits for its disk, hours as they come when it catches up: of all hosts, one
hour after the other. ``busy_ratio`` is the part of one core that the recorder
itself then needs for that fleet; the rest of the machine is the database's.
Yardstick: the same records by wall time, whatever else the machine does.
"""

import dataclasses
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import sqlalchemy as sa  # noqa: E402
from database import postgresql  # noqa: E402

from benchmarks import report  # noqa: E402 - the path comes first
from kvm_insight import recorder  # noqa: E402
from kvm_insight.bus import driver, port, topic  # noqa: E402
from kvm_insight.conf import recorder as options  # noqa: E402
from kvm_insight.model import codec, host_report, sample, usage  # noqa: E402
from kvm_insight.store import (  # noqa: E402
    engine,
    rollup,
    schema,
    settings,
)
from kvm_insight.store.write import book  # noqa: E402

FLEET, INSTANCES, BINS, NEIGHBOURS = 1000, 30, 20, 8
#: Of one core, by the whole fleet.
MOST_BUSY = 0.5
Words = Iterator[tuple[str, sample.Wire]]


def main() -> int:
    """Fill a database, and print one JSON object."""
    args = report.options(__doc__).parse_args()
    hosts, hours = (20, 6) if args.quick else (60, 24)
    chance = random.Random(args.seed)
    server = postgresql.Postgresql(fsync='on')
    try:
        server.up()
        url = server.create('recorder')
        database = engine.connect(settings.Settings(connection=url))
        schema.upgrade(database)
        first = int(time.time()) // 3600 - hours
        used = _recorded(
            database, topic.USAGE, _hours(hosts, first, hours, chance)
        )
        told = _recorded(database, topic.HOSTS, _reports(hosts, 10, chance))
        row_bytes = _size(database, rollup.INSTANCE_HOUR)
        host_bytes = _size(database, rollup.HOST_HOUR)
        day_bytes = _size(database, rollup.INSTANCE_DAY)
        database.dispose()
    finally:
        server.wipe()
    busy = FLEET * (used[0] / 3600 + told[0] / 60) / 1000
    return report.tell(
        'recorder',
        {
            'busy_ratio': round(busy, 3),
            'usage_record_cpu_ms': round(used[0], 2),
            'host_report_cpu_ms': round(told[0], 2),
            'instance_hour_bytes': round(row_bytes),
            'host_hour_bytes': round(host_bytes),
            'instance_day_bytes': round(day_bytes),
        },
        {'busy_ratio': report.Bound(most=MOST_BUSY)},
        {
            'usage_records_wall_s': round(used[1], 1),
            'host_reports_wall_s': round(told[1], 1),
        },
        args.seed,
    )


def _recorded(
    database: sa.Engine, name: str, words: Words
) -> tuple[float, float]:
    """Return the CPU time of a record in ms, and records a second."""
    with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
        bus = driver.open_bus('embedded', {'path': f'{folder}/bus.db'})
        # Each record counts, also those that a newer one replaces.
        made = topic.layout(f'{name}.', partitions=1)
        bus.create_topics(
            [dataclasses.replace(one, compacted=False) for one in made]
        )
        count = _publish(bus, f'{name}.{name}', words)
        one = recorder.Recorder(
            bus, book.Book(database), options.Settings(prefix=f'{name}.')
        )
        begin = time.process_time(), time.perf_counter()
        _run(one, lambda: one.counters.records >= count)
        cpu_s = time.process_time() - begin[0]
        wall_s = time.perf_counter() - begin[1]
        bus.close()
    report.say(f'{name}: {count} records in {wall_s:.1f} s, {cpu_s:.1f} s CPU')
    return cpu_s / count * 1000, count / wall_s


def _run(one: recorder.Recorder, done: Callable[[], bool]) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    while not done():
        time.sleep(0.02)
    stop.set()
    thread.join()


def _publish(bus: port.Bus, name: str, words: Words) -> int:
    producer = bus.producer()
    count = 0
    for key, one in words:
        producer.publish(name, key, codec.encode(one))
        count += 1
    producer.flush(60)
    producer.close()
    return count


def _size(database: sa.Engine, of: sa.Table) -> float:
    """Return bytes a row, with its indexes."""
    with database.connect() as connection:
        size = connection.scalar(
            sa.select(sa.func.pg_total_relation_size(of.name))
        )
        count = connection.scalar(sa.select(sa.func.count()).select_from(of))
    return float(size or 0) / (count or 1)


def _uuid(host: int, number: int) -> str:
    return f'00000000-0000-4000-8000-{host * INSTANCES + number:012d}'


def _hours(hosts: int, first: int, count: int, chance: random.Random) -> Words:
    for hour in range(first, first + count):
        for host in range(hosts):
            yield f'r/{host}', _hour(host, hour, chance)


def _hour(host: int, hour: int, chance: random.Random) -> usage.HostUsage:
    guests = [_uuid(host, number) for number in range(INSTANCES)]
    return usage.HostUsage(
        host=f'r/{host}',
        start_us=hour * usage.HOUR_US,
        agent_id=f'{host}',
        first_sequence=hour * 360,
        last_sequence=hour * 360 + 359,
        samples=360,
        measured_us=usage.HOUR_US,
        cpus=64,
        memory_bytes=2**38,
        busy_us=chance.randrange(64 * usage.HOUR_US),
        pressure={'cpu_some_us': chance.randrange(usage.HOUR_US)},
        ledger_us={'ebpf': usage.HOUR_US},
        instances=[_used(uuid, chance) for uuid in guests],
        entities=['host', *(f'domain:{uuid}' for uuid in guests)],
        charges=[
            (victim, runner, chance.randrange(1, 10**8))
            for victim in range(1, INSTANCES + 1)
            for runner in chance.sample(range(INSTANCES), NEIGHBOURS)
        ],
    )


def _used(uuid: str, chance: random.Random) -> usage.Instance:
    middle = chance.randrange(BINS, usage.BINS - BINS)
    run_us = int(chance.paretovariate(1.5) * 10**8)
    return usage.Instance(
        uuid=uuid,
        name=f'instance-{uuid[-6:]}',
        project_id=f'{int(uuid[-12:]) % 300:032x}',
        vcpus=4,
        memory_bytes=2**33,
        cpu=usage.Cpu(
            measured_us=usage.HOUR_US,
            run_us=run_us,
            delay_us=chance.randrange(run_us),
            histogram=[
                (middle + one, chance.randrange(1, 4000))
                for one in range(BINS)
            ],
        ),
        disk=usage.Disk(
            measured_us=usage.HOUR_US, read_bytes=chance.randrange(10**10)
        ),
        network=usage.Network(
            measured_us=usage.HOUR_US, rx_bytes=chance.randrange(10**10)
        ),
        memory=usage.Memory(
            measured_us=usage.HOUR_US, rss_bytes=chance.randrange(2**33)
        ),
    )


def _reports(hosts: int, count: int, chance: random.Random) -> Words:
    now_us = time.time_ns() // 1000
    for turn in range(count):
        for host in range(hosts):
            at_us = now_us + turn * 60_000_000
            yield f'r/{host}', _report(host, turn, at_us, chance)


def _report(
    host: int, turn: int, at_us: int, chance: random.Random
) -> host_report.HostReport:
    minute = host_report.Minute(wanted_cores=9.5, waited_cores=1.25)
    return host_report.HostReport(
        host=f'r/{host}',
        time_us=at_us,
        agent_id=f'{host}',
        sequence=turn,
        window_s=300,
        cpus=64,
        wanted_cores=chance.uniform(0, 64),
        minutes=[minute] * 5,
        instances=[
            host_report.Instance(
                uuid=_uuid(host, number),
                name=f'instance-{number}',
                project_id=f'{(host * INSTANCES + number) % 300:032x}',
                state='running',
                vcpus=4,
                wanted_cores=chance.uniform(0, 4),
                waited_cores=chance.uniform(0, 1),
            )
            for number in range(INSTANCES)
        ],
    )


if __name__ == '__main__':
    sys.exit(main())
