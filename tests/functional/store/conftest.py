# SPDX-License-Identifier: Apache-2.0
"""Real PostgreSQL and MariaDB, and recorders as processes on a bus."""

import contextlib
import dataclasses
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from broker import node
from database import mariadb, postgresql

from kvm_insight.bus import driver, port, topic
from kvm_insight.store import engine, schema, settings, table
from tests import kept
from tests.functional.store import stream

SESSION_S = 2.0
WORKER = pathlib.Path(__file__).with_name('worker.py')
KINDS = ('postgresql', 'mariadb')
NAMES = (
    topic.USAGE,
    topic.HOSTS,
    topic.FINDINGS,
    topic.RECOMMENDATIONS,
    topic.CONTROL,
    topic.INVENTORY,
)
Server = postgresql.Postgresql | mariadb.Mariadb


@pytest.fixture(scope='session')
def servers() -> Iterator[Callable[[str], Server]]:
    """Each kind's server, started when it is first asked for."""
    running: dict[str, Server] = {}
    makers = {
        'postgresql': postgresql.Postgresql,
        'mariadb': mariadb.Mariadb,
    }

    def of(kind: str) -> Server:
        if kind not in running:
            running[kind] = makers[kind]()
            running[kind].up()
        return running[kind]

    yield of
    for one in running.values():
        one.wipe()


@pytest.fixture(params=KINDS)
def server(
    request: pytest.FixtureRequest, servers: Callable[[str], Server]
) -> Server:
    return servers(request.param)


_COUNT = itertools.count()


@contextlib.contextmanager
def filled(url: str) -> Iterator[sa.Engine]:
    """Yield a database with all tables and nothing in them."""
    made = engine.connect(
        settings.Settings(connection=url, connect_timeout_s=2)
    )
    schema.upgrade(made)
    try:
        yield made
    finally:
        made.dispose()


@contextlib.contextmanager
def on(server: Server) -> Iterator[str]:
    """Yield the URL of a new database."""
    name = f'test_{next(_COUNT)}'
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with on(server) as found:
        yield found


@pytest.fixture(scope='session')
def words(tmp_path_factory: pytest.TempPathFactory) -> list[stream.Word]:
    """All that is said in these tests."""
    folder = tmp_path_factory.mktemp('analyzed')
    return [*stream.analyzed(folder), *stream.invented()]


@dataclasses.dataclass
class Bench:
    """A bus with topics of its own, and recorders."""

    name: str
    settings: dict[str, object]
    bus: port.Bus
    prefix: str
    workers: list['subprocess.Popen[bytes]'] = dataclasses.field(
        default_factory=list
    )

    def start(self, url: str, batch: int = 200) -> int:
        """Start one more recorder; return its number."""
        words = {
            'driver': self.name,
            'settings': self.settings,
            'prefix': self.prefix,
            'url': url,
            'batch': batch,
        }
        self.workers.append(
            subprocess.Popen([sys.executable, WORKER, json.dumps(words)])
        )
        return len(self.workers) - 1

    def kill(self, number: int) -> None:
        self.workers[number].kill()
        self.workers[number].wait()

    def signal(self, number: int, what: signal.Signals) -> None:
        self.workers[number].send_signal(what)

    def publish(self, words: list[stream.Word]) -> None:
        producer = self.bus.producer()
        for one in words:
            producer.publish(
                self.prefix + one.topic,
                one.key,
                one.value,
                timestamp_ms=one.timestamp_ms,
            )
        producer.flush(60)
        producer.close()

    def ends(self) -> dict[tuple[str, int], int]:
        """Return where each partition ends now."""
        names = [self.prefix + name for name in NAMES]
        parts = self.bus.topics()
        consumer = self.bus.consumer(names)
        try:
            return {
                (name, number): consumer.end_offset(
                    port.Partition(name, number)
                )
                for name in names
                for number in range(parts[name])
            }
        finally:
            consumer.close()

    def wait(self, database: sa.Engine, within_s: float = 60) -> None:
        """Return when all that was said is written."""
        ends = self.ends()
        until = time.monotonic() + within_s
        while (found := reached(database)) != ends:
            assert time.monotonic() < until, (found, ends)
            time.sleep(0.2)

    def stop(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()


def reached(database: sa.Engine) -> dict[tuple[str, int], int] | None:
    """Return how far each partition is written; None if nobody answers."""
    try:
        with database.connect() as connection:
            rows = connection.execute(sa.select(table.BUS_OFFSET)).all()
    except sa.exc.SQLAlchemyError:
        return None
    return {(row.topic, row.partition): row.next_offset for row in rows}


@contextlib.contextmanager
def embedded(folder: pathlib.Path) -> Iterator[Bench]:
    """Yield a bench on the embedded bus."""
    chosen: dict[str, object] = {
        'path': str(folder / 'bus.db'),
        'session_timeout_s': SESSION_S,
    }
    with _bench('embedded', chosen, 't.') as made:
        yield made


@contextlib.contextmanager
def _bench(
    name: str, chosen: dict[str, object], prefix: str
) -> Iterator[Bench]:
    bus = driver.open_bus(name, chosen)
    bus.create_topics(stream.layout(prefix))
    made = Bench(name, chosen, bus, prefix)
    yield made
    made.stop()
    bus.close()


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with embedded(tmp_path) as made:
        yield made


@pytest.fixture
def kafka(broker: node.Broker) -> Iterator[Bench]:
    """A bench on a real broker."""
    chosen: dict[str, object] = {
        'servers': broker.servers,
        'session_timeout_ms': int(SESSION_S * 1000),
    }
    with _bench('kafka', chosen, f'test-{next(_COUNT)}-store.') as made:
        yield made


@pytest.fixture(scope='session')
def clean(
    words: list[stream.Word], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The tables of one recorder that nobody disturbed, in a file."""
    folder = tmp_path_factory.mktemp('clean')
    url = f'sqlite:///{folder}/store.db'
    with embedded(folder) as made, filled(url) as database:
        made.publish(words)
        made.start(url)
        made.wait(database)
        found = kept.settled(database)
    assert all(found[name] for name in found if name != 'alembic_version')
    return found
