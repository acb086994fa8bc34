# SPDX-License-Identifier: Apache-2.0
"""A broker that is killed, hangs or refuses costs no record: 0 lost, 0 twice.

Yardstick: kafka-python's own producer, without our spool and watchdog,
through the same outage that outlasts its delivery timeout.
"""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import kafka  # noqa: E402 - the path comes first
from broker import faults, node  # noqa: E402
from kafka import errors  # noqa: E402

from kvm_insight.bus import kafka_client  # noqa: E402

LONGEST_CATCH_UP_S = 60.0


def main() -> int:
    """Run all faults; print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--traces', help='not used: the records are made')
    args = parser.parse_args()
    records = 2000 if args.quick else 20_000
    with tempfile.TemporaryDirectory(prefix='bus-faults-') as name:
        folder = pathlib.Path(name)
        broker = node.Broker(folder / 'broker')
        try:
            broker.up()
            runs = _play_all(folder, broker, records)
            yardstick = _plain_client(broker)
        finally:
            broker.wipe()
    return _report(args.seed, records, runs, yardstick)


def _play_all(
    folder: pathlib.Path, broker: node.Broker, records: int
) -> dict[str, faults.Outcome]:
    # Production goes on for at least as long as the three kills take.
    per_s = records / (10.0 if records <= 2000 else 40.0)
    runs = {}
    for name, fault, settings in (
        ('killed', faults.killed_three_times, {}),
        ('outlasting', faults.outlasting, faults.LOWERED),
        ('hanging', faults.hanging, faults.LOWERED),
        ('away_at_start', faults.away_at_start, {}),
        (
            'wrong_password',
            faults.wrong_password,
            faults.with_wrong_password(broker),
        ),
    ):
        run = faults.Run(folder, broker, records, per_s, settings)
        run.create_topic()
        if name == 'away_at_start':
            broker.kill()
        runs[name] = run.play(fault)
        print(name, runs[name], file=sys.stderr)
    return runs


def _plain_client(broker: node.Broker) -> dict[str, int]:
    """Produce with the library alone; return what it never answered."""
    kafka_client.hush()
    topic = 'yardstick'
    with contextlib.closing(
        kafka.KafkaAdminClient(bootstrap_servers=broker.servers)
    ) as admin:
        admin.create_topics([topic], wait_for_metadata=True)
    producer = kafka.KafkaProducer(
        bootstrap_servers=broker.servers,
        acks='all',
        linger_ms=50,
        reconnect_backoff_max_ms=1000,
        delivery_timeout_ms=4000,
        request_timeout_ms=2000,
    )
    began = time.monotonic()
    futures = []
    paused = False
    while time.monotonic() < began + 16:
        if not paused and time.monotonic() > began + 3:
            broker.pause()
            paused = True
        elif paused and time.monotonic() > began + 11:
            broker.resume()
        futures.append(producer.send(topic, b'x' * 900, key=b'host'))
        time.sleep(0.01)
    with contextlib.suppress(errors.KafkaError):
        producer.flush(20)
    silent = sum(not future.is_done for future in futures)
    failed = sum(future.is_done and future.failed() for future in futures)
    kafka_client.discard(producer)
    return {
        'plain_client_records': len(futures),
        'plain_client_failed': failed,
        'plain_client_never_answered': silent,
    }


def _report(
    seed: int,
    records: int,
    runs: dict[str, faults.Outcome],
    yardstick: dict[str, int],
) -> int:
    figures: dict[str, float] = {
        'records': records,
        'lost': max(run.lost for run in runs.values()),
        'doubled': max(run.doubled for run in runs.values()),
        'longest_catch_up_s': max(run.catch_up_s for run in runs.values()),
        'wrong_password_lines': sum(
            'password' in line for line in runs['wrong_password'].lines
        ),
    }
    reach = {
        'lost': 0,
        'doubled': 0,
        'longest_catch_up_s': LONGEST_CATCH_UP_S,
        'wrong_password_lines': 1,
    }
    print(
        json.dumps(
            {
                'claim': 'bus_faults',
                'figures': figures,
                'groups': {
                    name: {
                        'lost': run.lost,
                        'doubled': run.doubled,
                        'repeated_on_the_bus': run.repeated,
                        'catch_up_s': round(run.catch_up_s, 2),
                        'largest_spool': run.largest_spool,
                        'producers_rebuilt': run.rebuilt,
                    }
                    for name, run in runs.items()
                },
                'reach': reach,
                'yardstick': yardstick,
                'seed': seed,
                'commit': _commit(),
            },
            indent=1,
        )
    )
    return int(any(figures[name] > reach[name] for name in reach))


def _commit() -> str:
    return subprocess.run(
        ['git', 'rev-parse', 'HEAD'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


if __name__ == '__main__':
    sys.exit(main())
