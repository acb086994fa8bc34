# SPDX-License-Identifier: Apache-2.0
"""A bus full of samples, and what an analyzer must make of them."""

import collections
import dataclasses
import json
import pathlib
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import msgspec
import pytest
from broker import node

from kvm_insight.bus import driver, port, topic
from kvm_insight.detect import host
from kvm_insight.detect import settings as detect_settings
from kvm_insight.model import codec, finding, host_report, sample
from tests.scenario import fair

SESSION_S = 2.0
PARTITIONS = 2
#: An hour ends on the way.
SHIFT_US = 2_500_000_000
WORKER = pathlib.Path(__file__).with_name('worker.py')
ADVISED = pathlib.Path(__file__).with_name('advised.py')


@pytest.fixture(scope='session')
def streams() -> dict[str, list[sample.Sample]]:
    """Eight minutes of five hosts, told apart by their seeds."""
    found = {}
    for number in range(5):
        name = f'rack/{number}'
        guests = [
            fair.Guest(f'victim-{number}', ((1, 0.5),), (0,)),
            fair.Guest(f'noisy-{number}', ((90, 0), (120, 1.0)), (0,)),
            fair.Guest(f'other-{number}', ((1, 0.6),), (0, 1)),
        ]
        run = fair.Host(guests, seed=number).samples(480)
        found[name] = [
            msgspec.structs.replace(
                one, host=name, time_us=one.time_us + SHIFT_US
            )
            for one in run
        ]
    return found


@pytest.fixture(scope='session')
def expected(
    streams: dict[str, list[sample.Sample]],
) -> dict[str, list[bytes]]:
    """What one undisturbed analyzer tells: finding id -> its records."""
    told: dict[str, list[bytes]] = collections.defaultdict(list)
    for name, samples in streams.items():
        detector = host.Detector(name, detect_settings.Settings())
        for one in samples:
            for found in detector.consume(one):
                told[found.id].append(codec.encode(found))
    assert len(told) > 10
    return dict(told)


@pytest.fixture(scope='session')
def hours(streams: dict[str, list[sample.Sample]]) -> dict[str, list[bytes]]:
    """What the same one tells of each host's hours."""
    told = {}
    for name, samples in streams.items():
        detector = host.Detector(name, detect_settings.Settings())
        for one in samples:
            detector.consume(one)
        told[name] = [codec.encode(one) for one in detector.account.drain()]
        assert len(told[name]) == 1
    return told


@dataclasses.dataclass
class Bench:
    """A bus with topics of its own, and analyzers as processes."""

    name: str
    settings: dict[str, object]
    bus: port.Bus
    prefix: str
    workers: list['subprocess.Popen[bytes]'] = dataclasses.field(
        default_factory=list
    )

    def start(
        self, script: pathlib.Path = WORKER
    ) -> 'subprocess.Popen[bytes]':
        """Start one more analyzer, or what else the script is."""
        words = {
            'driver': self.name,
            'settings': self.settings,
            'prefix': self.prefix,
        }
        worker = subprocess.Popen([sys.executable, script, json.dumps(words)])
        self.workers.append(worker)
        return worker

    def publish(
        self, streams: dict[str, list[sample.Sample]], over_s: float
    ) -> None:
        """Publish all hosts' samples side by side, in so much time."""
        producer = self.bus.producer()
        longest = max(map(len, streams.values()))
        for number in range(longest):
            for name, samples in streams.items():
                if number < len(samples):
                    producer.publish(
                        self.prefix + topic.SAMPLES,
                        name,
                        codec.encode(samples[number]),
                    )
            time.sleep(over_s / longest)
        producer.flush(30)
        producer.close()

    def findings(self) -> dict[str, list[bytes]]:
        """Return what is on the topic now: finding id -> its records."""
        return self.told(topic.FINDINGS)

    def told(self, name: str) -> dict[str, list[bytes]]:
        """Return what is on a topic now: key -> its records."""
        told: dict[str, list[bytes]] = collections.defaultdict(list)
        name = self.prefix + name
        consumer = self.bus.consumer([name])
        try:
            until = time.monotonic() + 10
            while len(consumer.assignment()) < PARTITIONS:
                consumer.poll(0.1, 1)
                assert time.monotonic() < until
            for partition in consumer.assignment():
                consumer.seek(partition, 0)
            while records := consumer.poll(1.0):
                for record in records:
                    assert record.key is not None
                    assert record.value is not None
                    told[record.key].append(record.value)
        finally:
            consumer.close()
        return dict(told)

    def wait_for(
        self, expected: dict[str, list[bytes]], within_s: float
    ) -> None:
        """Return when all findings are there, in order, and no other."""
        until = time.monotonic() + within_s
        while True:
            told = {key: unique(all_) for key, all_ in self.findings().items()}
            if told == expected:
                return
            if time.monotonic() > until:
                assert told == expected
            time.sleep(0.5)

    def hours(self) -> dict[str, list[bytes]]:
        """Return what is told of each host's hours, without repetitions."""
        told = self.told(topic.USAGE)
        return {name: unique(records) for name, records in told.items()}

    def reports(self) -> dict[str, list[host_report.HostReport]]:
        """Return what is told of each host."""
        return {
            name: [codec.decode(one, host_report.HostReport) for one in all_]
            for name, all_ in self.told(topic.HOSTS).items()
        }

    def read(self, name: str) -> list[bytes]:
        """Return all values on a topic of one partition."""
        partition = port.Partition(self.prefix + name, 0)
        consumer = self.bus.consumer([partition.topic], partitions=[partition])
        try:
            consumer.seek(partition, 0)
            return [record.value or b'' for record in consumer.poll(2.0)]
        finally:
            consumer.close()


def kept_whole(one: port.Topic) -> port.Topic:
    """Return a topic that forgets nothing: each record that was told counts,
    and the hours are of 2023."""
    compacted = one.name.endswith(('state', 'advice'))
    return dataclasses.replace(one, compacted=compacted, retention_s=None)


def unique(records: list[bytes]) -> list[bytes]:
    """Return each record once, as it came first."""
    return list(dict.fromkeys(records))


def states(records: list[bytes]) -> list[str]:
    """Return the states of a finding's records."""
    return [codec.decode(one, finding.Finding).state for one in records]


@pytest.fixture(params=['embedded', 'kafka'])
def bench(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> Iterator[Bench]:
    """A bench on each bus."""
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
    prefix = f'test-{uuid.uuid4().hex[:8]}.'
    bus.create_topics(
        [
            kept_whole(one)
            for one in topic.layout(prefix, partitions=PARTITIONS)
        ]
    )
    made = Bench(request.param, settings, bus, prefix)
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()
    bus.close()


@pytest.fixture
def in_background() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Runs something beside the test, and waits for it at the end."""
    threads = []

    def run(work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        threads.append(thread)

    yield run
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
