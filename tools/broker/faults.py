# SPDX-License-Identifier: Apache-2.0
"""Records on the agent's way through a broker that suffers, and the count.

Spool, forwarder and producer are the agent's; a consumer group reads through
it all and drops duplicates as the analyzer does. Lost: never read, or read
out of its key's order.
"""

import contextlib
import dataclasses
import json
import logging
import pathlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping

from broker import node
from kvm_insight import exception
from kvm_insight.bus import driver, forward, port, spool

LOWERED: dict[str, object] = {
    'delivery_timeout_ms': 4000,
    'request_timeout_ms': 2000,
}
_KEYS = 20
_FORWARD = forward.Settings(
    catch_up_per_s=1000, jitter_s=0.5, away_after_s=7, retry_s=1
)
#: An outage that outlasts the lowered delivery timeout.
_OUTLASTS_S = 8.0


@dataclasses.dataclass
class Outcome:
    """What became of one run's records."""

    records: int
    lost: int = 0
    #: Let through twice after duplicates were dropped.
    doubled: int = 0
    #: Came twice over the bus, as at-least-once allows.
    repeated: int = 0
    #: From the broker's return until nothing waited.
    catch_up_s: float = 0.0
    #: The forwarder's and the drivers' lines, warnings and above.
    lines: list[str] = dataclasses.field(default_factory=list)
    rebuilt: int = 0
    largest_spool: int = 0


class Lines(logging.Handler):
    """Keeps what an operator would read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(record.getMessage())


class Reader(threading.Thread):
    """A consumer group of one that reads until it is told to stop."""

    def __init__(self, bus: port.Bus, topic: str) -> None:
        super().__init__(daemon=True)
        self._bus = bus
        self._topic = topic
        self._last: dict[str, int] = {}
        self.stop = threading.Event()
        self.taken: list[tuple[str, int]] = []
        self.read = 0

    def run(self) -> None:
        """Read, drop duplicates, commit after the effect."""
        consumer = self._bus.consumer([self._topic], group='bus-faults')
        while not self.stop.is_set():
            with contextlib.suppress(exception.BusError):
                records = consumer.poll(0.2)
                self._take(records)
                consumer.commit({r.partition: r.offset + 1 for r in records})
        consumer.close()

    def _take(self, records: list[port.Record]) -> None:
        for record in records:
            assert record.key is not None
            assert record.value is not None
            number = json.loads(record.value)['sequence']
            self.read += 1
            if number > self._last.get(record.key, -1):
                self._last[record.key] = number
                self.taken.append((record.key, number))


class Run:
    """One production of records through a fault."""

    def __init__(
        self,
        folder: pathlib.Path,
        broker: node.Broker,
        records: int,
        per_s: float,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.broker = broker
        self.records = records
        self._per_s = per_s
        self._settings: dict[str, object] = {
            'servers': broker.servers,
            **(settings or {}),
        }
        self._topic = f'faults-{uuid.uuid4().hex}'
        self._store = spool.Spool(folder / f'{self._topic}.db')
        self._producers: list[port.Producer] = []
        self.appended = 0
        self._back_at = 0.0
        self._outcome = Outcome(records)

    def create_topic(self) -> None:
        """Make this run's topic; the broker must be up."""
        bus = driver.open_bus('kafka', {'servers': self.broker.servers})
        bus.create_topics([port.Topic(self._topic, 6)])

    def play(self, fault: Callable[['Run'], None]) -> Outcome:
        """Produce while ``fault`` goes on; return when all was read."""
        plain = driver.open_bus('kafka', {'servers': self.broker.servers})
        reader = Reader(plain, self._topic)
        with self._listening():
            self.start_agent({})
            reader.start()
            source = threading.Thread(target=self._append)
            source.start()
            fault(self)
            self._back_at = time.monotonic()
            source.join()
            self._wait(reader)
            reader.stop.set()
            self.stop_agent()
        reader.join()
        self._store.close()
        return self._judge(reader)

    def start_agent(self, settings: Mapping[str, object]) -> None:
        """Let a forwarder drain the spool, with more or other settings."""
        self._settings |= settings
        producer = driver.open_bus('kafka', self._settings).producer()
        self._producers.append(producer)
        self._forwarder = forward.Forwarder(self._store, producer, _FORWARD)
        self._forwarder.start()

    def stop_agent(self) -> None:
        """End it; what was not acknowledged stays in the spool."""
        self._forwarder.stop(5)
        self._store.rewind()

    def status(self) -> forward.Status:
        """Return what the agent says of its bus."""
        return self._forwarder.status()

    def pending(self) -> int:
        """Return how many records wait in the spool."""
        return self._store.pending

    def wait_delivered(self, more: int) -> None:
        """Return when so many more were acknowledged by the broker."""
        before = self.status().delivered
        end = time.monotonic() + 60
        while self.status().delivered < before + more:
            assert time.monotonic() < end, 'nothing is acknowledged'
            time.sleep(0.01)

    def wait_for(self, share: float) -> None:
        """Return when this share of the records was produced."""
        while self.appended < share * self.records:
            time.sleep(0.01)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        ear = Lines()
        logger = logging.getLogger('kvm_insight')
        logger.addHandler(ear)
        yield
        logger.removeHandler(ear)
        self._outcome.lines = ear.lines

    def _append(self) -> None:
        began = time.monotonic()
        for number in range(self.records):
            late = began + number / self._per_s - time.monotonic()
            time.sleep(max(0.0, late))
            value = {'sequence': number // _KEYS, 'filler': 'x' * 850}
            self._store.append(
                self._topic,
                f'host-{number % _KEYS}',
                json.dumps(value).encode(),
                time.time_ns() // 1_000_000,
            )
            self.appended += 1
            self._outcome.largest_spool = max(
                self._outcome.largest_spool, self._store.pending
            )

    def _wait(self, reader: Reader) -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            if not self._store.pending and len(reader.taken) >= self.records:
                break
            time.sleep(0.02)
        self._outcome.catch_up_s = time.monotonic() - self._back_at

    def _judge(self, reader: Reader) -> Outcome:
        outcome = self._outcome
        outcome.lost = self.records - len(set(reader.taken))
        outcome.doubled = len(reader.taken) - len(set(reader.taken))
        outcome.repeated = reader.read - len(reader.taken)
        outcome.rebuilt = sum(
            getattr(producer, 'rebuilt', 0) for producer in self._producers
        )
        return outcome


def killed_three_times(run: Run) -> None:
    """The broker is killed with -9 thrice, each time while records flow."""
    for _ in range(3):
        run.wait_delivered(run.records // 10)
        run.broker.kill()
        time.sleep(1)
        run.broker.start()


def outlasting(run: Run) -> None:
    """An outage longer than the delivery timeout."""
    run.wait_for(0.3)
    run.broker.kill()
    time.sleep(_OUTLASTS_S)
    run.broker.start()


def away_at_start(run: Run) -> None:
    """The broker comes up after the agent, which began without one."""
    time.sleep(6)
    run.broker.start()


def hanging(run: Run) -> None:
    """The broker hangs: connections stay, nothing answers."""
    run.wait_for(0.3)
    run.broker.pause()
    time.sleep(_OUTLASTS_S)
    run.broker.resume()


def wrong_password(run: Run) -> None:
    """The agent's password is wrong; then the operator corrects it."""
    run.wait_for(1.0)
    end = time.monotonic() + 20
    while run.status().state != 'refused' and time.monotonic() < end:
        time.sleep(0.1)
    # Long enough for several attempts: they must not become several lines.
    time.sleep(6)
    run.stop_agent()
    run.start_agent({'password': run.broker.passwords['admin']})


def with_wrong_password(broker: node.Broker) -> dict[str, object]:
    """Return settings that the broker refuses."""
    return {**broker.secured, 'username': 'admin', 'password': 'wrong'}
