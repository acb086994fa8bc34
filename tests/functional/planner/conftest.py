# SPDX-License-Identifier: Apache-2.0
"""A small hot cloud on a bus, and planners as processes."""

import contextlib
import dataclasses
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import msgspec
import pytest
from broker import node

from kvm_insight import exception, planner
from kvm_insight.bus import driver, port, topic
from kvm_insight.model import (
    codec,
    control,
    execution,
    inventory,
    recommendation,
    sample,
)
from tests import hearing
from tests.scenario import small_cloud as cloud

SESSION_S = 3.0
HOT = 3
HOSTS = 12
WORKER = pathlib.Path(__file__).with_name('worker.py')

Told = list[recommendation.Recommendation]


def beside(
    one: planner.Planner, work: Callable[[], object], within_s: float = 20
) -> None:
    """Let a planner run beside some work, and see it end."""
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    try:
        work()
    finally:
        stop.set()
        thread.join(within_s)
    assert not thread.is_alive()


@dataclasses.dataclass
class Bench:
    """A bus with topics of its own."""

    name: str
    settings: dict[str, object]
    bus: port.Bus
    prefix: str
    folder: pathlib.Path
    guests: list[cloud.Guest] = dataclasses.field(
        default_factory=lambda: cloud.guests(HOT, HOSTS)
    )
    workers: list['subprocess.Popen[bytes]'] = dataclasses.field(
        default_factory=list
    )

    @property
    def cluster_file(self) -> pathlib.Path:
        return self.folder / 'cluster.json'

    def start(self, *, fuse: int | None = None, **more: object) -> int:
        """Start one more planner; return its number.

        With a fuse it kills itself when it has published so many records.
        """
        words = {
            'driver': self.name,
            'settings': self.settings,
            'prefix': self.prefix,
            'cluster_file': str(self.cluster_file),
            'fuse': fuse,
            **more,
        }
        self.workers.append(
            subprocess.Popen([sys.executable, WORKER, json.dumps(words)])
        )
        return len(self.workers) - 1

    def kill(self, number: int) -> None:
        self.workers[number].kill()
        self.workers[number].wait()

    def stop(self, number: int) -> None:
        """Let one hang, as a machine that is suspended; not while it holds
        the embedded bus's file, which would stop all others, too."""
        worker = self.workers[number]
        worker.send_signal(signal.SIGSTOP)
        while self.name == 'embedded' and self._is_locked():
            worker.send_signal(signal.SIGCONT)
            time.sleep(0.05)
            worker.send_signal(signal.SIGSTOP)

    def _is_locked(self) -> bool:
        path = str(self.settings['path'])
        with contextlib.closing(sqlite3.connect(path, timeout=0.2)) as file:
            try:
                file.execute('BEGIN IMMEDIATE')
            except sqlite3.OperationalError:
                return True
            file.rollback()
        return False

    def go_on(self, number: int) -> None:
        self.workers[number].send_signal(signal.SIGCONT)

    def describe(self) -> None:
        """Write the description of the cluster, and let all hosts tell."""
        now_us = time.time_ns() // 1000
        whole = cloud.described(self.guests, HOSTS, now_us)
        fresh = self.cluster_file.with_suffix('.new')
        fresh.write_bytes(codec.encode(whole))
        fresh.rename(self.cluster_file)
        by_name = {one.name: one for one in self.guests}
        found = [
            cloud.found(
                by_name[f'vic-{number}'], by_name[f'agg-{number}'], now_us
            )
            for number in range(HOT)
            if by_name[f'vic-{number}'].host == by_name[f'agg-{number}'].host
        ]
        self.publish(topic.FINDINGS, {one.id: one for one in found})
        told = cloud.reports(self.guests, found, HOSTS, now_us)
        self.publish(topic.HOSTS, {one.host: one for one in told})

    def publish(self, name: str, records: dict[str, sample.Wire]) -> None:
        producer = self.bus.producer()
        for key, one in records.items():
            producer.publish(self.prefix + name, key, codec.encode(one))
        producer.flush(20)
        producer.close()

    def say(self, one: control.Order) -> None:
        self.publish(topic.CONTROL, {control.key(one): one})

    def records(self, name: str) -> list[bytes]:
        """Return all that is on a topic now, in its order."""
        return hearing.values(self.bus, self.prefix + name)

    def told(self) -> Told:
        return hearing.recommendations(self.bus, self.prefix)

    def statuses(self) -> list[inventory.PlannerStatus]:
        return hearing.statuses(self.bus, self.prefix)

    def progress(self) -> list[execution.Execution]:
        """Return all that the actuator told, in its order."""
        return [
            codec.decode(one, execution.Execution)
            for one in self.records(topic.INVENTORY)
            if codec.schema_of(one) == execution.SCHEMA
        ]

    def wait_for(
        self, done: Callable[[], object], within_s: float = 90
    ) -> None:
        """Return when it is so; a broker that is busy may say nothing."""
        until = time.monotonic() + within_s
        while True:
            with contextlib.suppress(exception.BusUnavailable):
                if done():
                    return
            assert time.monotonic() < until, (self.told(), self.statuses())
            time.sleep(0.3)


def kept_whole(one: port.Topic) -> port.Topic:
    """Return a topic that forgets nothing: each record that was told
    counts."""
    return dataclasses.replace(one, compacted=False, retention_s=None)


def on_embedded(folder: pathlib.Path) -> Bench:
    """Return a bench on the embedded bus, where it is the planner that
    counts."""
    settings: dict[str, object] = {'path': str(folder / 'bus.db')}
    bus = driver.open_bus('embedded', settings)
    return Bench('embedded', settings, bus, _prepared(bus, 't.'), folder)


def _prepared(bus: port.Bus, prefix: str) -> str:
    """Create the topics with this prefix; return it."""
    bus.create_topics(
        [kept_whole(one) for one in topic.layout(prefix, partitions=2)]
    )
    return prefix


def ids(told: Told) -> set[str]:
    return {one.id for one in told}


def plain(told: Told) -> dict[str, recommendation.Recommendation]:
    """Return what was said last of each, but for who said it and when."""
    return {
        one.id: msgspec.structs.replace(
            one,
            generation=0,
            created_us=0,
            expires_us=0,
            validity=recommendation.Validity(),
        )
        for one in told
    }


@pytest.fixture(params=['embedded', 'kafka'])
def bench(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> Iterator[Bench]:
    """A bench on each bus, with hosts that have told of themselves."""
    if request.param == 'embedded':
        settings: dict[str, object] = {
            'path': str(tmp_path / 'bus.db'),
            'session_timeout_s': SESSION_S,
        }
    else:
        broker: node.Broker = request.getfixturevalue('broker')
        settings = {
            'servers': broker.servers,
            'session_timeout_ms': int(SESSION_S * 1000),
        }
    bus = driver.open_bus(request.param, settings)
    prefix = _prepared(bus, f'test-{uuid.uuid4().hex[:8]}.')
    made = Bench(request.param, settings, bus, prefix, tmp_path)
    made.describe()
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()
    bus.close()
