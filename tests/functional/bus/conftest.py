# SPDX-License-Identifier: Apache-2.0
"""The bus under test: each test runs on the embedded and on the Kafka bus."""

import dataclasses
import pathlib
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest
from broker import node

from kvm_insight.bus import driver, port

SESSION_S = 2.0


@pytest.fixture(params=['embedded', 'kafka'])
def settings(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> dict[str, object]:
    """What opens the bus, in another process too."""
    if request.param == 'embedded':
        return {
            'path': str(tmp_path / 'bus.db'),
            'session_timeout_s': SESSION_S,
        }
    broker: node.Broker = request.getfixturevalue('broker')
    return {
        'servers': broker.servers,
        'session_timeout_ms': int(SESSION_S * 1000),
    }


@pytest.fixture
def driver_name(settings: dict[str, object]) -> str:
    """Which driver understands ``settings``."""
    return 'embedded' if 'path' in settings else 'kafka'


@pytest.fixture
def bus(driver_name: str, settings: dict[str, object]) -> Iterator[port.Bus]:
    """The bus."""
    opened = driver.open_bus(driver_name, settings)
    yield opened
    opened.close()


@pytest.fixture
def make_topic(bus: port.Bus) -> Callable[..., str]:
    """A maker of topics that only this test uses."""

    def make(partitions: int = 4, *, compacted: bool = False) -> str:
        name = f'test-{uuid.uuid4().hex}'
        bus.create_topics([port.Topic(name, partitions, compacted=compacted)])
        return name

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """A topic of four partitions."""
    return make_topic()


@pytest.fixture
def producer(bus: port.Bus) -> Iterator[port.Producer]:
    """A producer."""
    made = bus.producer()
    yield made
    made.close()


@pytest.fixture(scope='session')
def own_broker() -> Iterator[node.Broker]:
    """A second broker, for the tests that maltreat it."""
    with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
        made = node.Broker(pathlib.Path(folder) / 'broker')
        try:
            made.up()
            yield made
        finally:
            made.wipe()


@pytest.fixture
def fragile(own_broker: node.Broker) -> node.Broker:
    """A broker to be maltreated, up whatever the test before did to it."""
    own_broker.resume()
    if not own_broker.answers():
        own_broker.kill()
        own_broker.start()
    return own_broker


@dataclasses.dataclass
class Readers:
    """Consumers that are closed after the test."""

    bus: port.Bus
    made: list[port.Consumer] = dataclasses.field(default_factory=list)

    def __call__(
        self,
        topics: Sequence[str],
        group: str | None = None,
        listener: port.Listener | None = None,
        *,
        from_end: bool = False,
        partitions: Sequence[port.Partition] | None = None,
    ) -> port.Consumer:
        consumer = self.bus.consumer(
            topics,
            group=group,
            listener=listener,
            from_end=from_end,
            partitions=partitions,
        )
        self.made.append(consumer)
        return consumer


@pytest.fixture
def readers(bus: port.Bus) -> Iterator[Readers]:
    """A maker of consumers."""
    made = Readers(bus)
    yield made
    for consumer in made.made:
        consumer.close()


@pytest.fixture
def group() -> str:
    """A group that only this test knows."""
    return f'group-{uuid.uuid4().hex}'


class Told:
    """A listener that writes down what it was told, and commits if asked."""

    def __init__(self) -> None:
        self.assigned_to: dict[port.Partition, int] = {}
        self.revoked_from: dict[port.Partition, int] = {}
        self.on_assigned: Callable[[Sequence[port.Partition]], None] = (
            lambda _: None
        )
        self.on_revoked: Callable[[Sequence[port.Partition]], None] = (
            lambda _: None
        )

    def assigned(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        assert partitions
        self.assigned_to |= dict.fromkeys(partitions, generation)
        self.on_assigned(partitions)

    def revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        assert partitions
        self.revoked_from |= dict.fromkeys(partitions, generation)
        self.on_revoked(partitions)


@pytest.fixture
def make_told() -> Callable[[], Told]:
    """A maker of listeners."""
    return Told


def read(
    consumer: port.Consumer, count: int, timeout_s: float = 20.0
) -> list[port.Record]:
    """Return so many records, or what came in time."""
    found: list[port.Record] = []
    end = time.monotonic() + timeout_s
    while len(found) < count and time.monotonic() < end:
        found += consumer.poll(0.2)
    return found


@pytest.fixture
def reading() -> Callable[..., list[port.Record]]:
    """``read``, for tests."""
    return read


def poll_until(
    done: Callable[[], bool],
    consumers: Sequence[port.Consumer],
    timeout_s: float = 30.0,
) -> list[port.Record]:
    """Poll all consumers in turn until ``done``; fail if it never is."""
    found: list[port.Record] = []
    end = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end, 'it did not come to pass'
        for consumer in consumers:
            found += consumer.poll(0.05)
    return found


@pytest.fixture
def polling() -> Callable[..., list[port.Record]]:
    """``poll_until``, for tests."""
    return poll_until
