# SPDX-License-Identifier: Apache-2.0
"""The cluster is read from the bus anew each time, whatever comes there."""

import logging
import pathlib
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures

import pytest

from kvm_insight import exception
from kvm_insight.bus import embedded, port, topic
from kvm_insight.cmd import host_source
from kvm_insight.plain import settings
from tests.unit.plain import hosts

RULES = settings.Settings()


@pytest.fixture
def bus(tmp_path: pathlib.Path) -> Iterator[port.Bus]:
    made = embedded.connect({'path': str(tmp_path / 'bus.db')})
    made.create_topics(topic.layout('t.', partitions=2))
    yield made
    made.close()


def publish(bus: port.Bus, name: str, key: str, value: bytes | None) -> None:
    producer = bus.producer()
    producer.publish(f't.{name}', key, value)
    producer.flush(5)
    producer.close()


def test_each_read_has_what_came_since(bus: port.Bus) -> None:
    hosts.tell(bus, 't.', 'a')
    with host_source.opened(bus, 't.', RULES) as source:
        assert [one.name for one in source.read().hosts] == ['a']
        hosts.tell(bus, 't.', 'b', hosts.seen(1))
        assert len(source.read().hosts) == 2
        hosts.tell(bus, 't.', 'a', hosts.seen(1))
        hosts.tell(bus, 't.', 'b')
        (one,) = source.confirm({'a'}).instances
        assert one.host == 'a'


def test_planner_and_actuator_may_read_at_once(
    bus: port.Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.tell(bus, 't.', 'a', hosts.seen(1))
    opened: list[port.Consumer] = []
    consumer, gate = bus.consumer, threading.Barrier(3)

    def counted(topics: Sequence[str]) -> port.Consumer:
        opened.append(consumer(topics))
        return opened[-1]

    monkeypatch.setattr(bus, 'consumer', counted)
    with host_source.opened(bus, 't.', RULES) as source:

        def ask() -> int:
            gate.wait(20)
            return len(source.confirm({'a'}).instances)

        with futures.ThreadPoolExecutor(3) as crew:
            asked = [crew.submit(ask) for _ in range(3)]
            assert [one.result(20) for one in asked] == [1, 1, 1]
    assert len(opened) == 1


def test_nothing_told_is_an_error_and_no_end(bus: port.Bus) -> None:
    with host_source.opened(bus, 't.', RULES) as source:
        with pytest.raises(exception.ClusterError, match='tell_config'):
            source.read()
        hosts.tell(bus, 't.', 'a')
        assert source.read().hosts


def test_a_damaged_record_is_passed_over_with_a_word(
    bus: port.Bus, caplog: pytest.LogCaptureFixture
) -> None:
    hosts.tell(bus, 't.', 'a')
    bad = b'{"schema":"kvm_insight.host_config/1","host":7}'
    with host_source.opened(bus, 't.', RULES) as source:
        publish(bus, topic.HOST_CONFIG, 'a', bad)
        publish(bus, topic.HOSTS, 'b', b'garbage')
        with caplog.at_level(logging.WARNING):
            assert [one.name for one in source.read().hosts] == ['a']
    assert 't.host-config' in caplog.text


def test_a_missing_topic_is_an_error_of_ours(tmp_path: pathlib.Path) -> None:
    made = embedded.connect({'path': str(tmp_path / 'empty.db')})
    with host_source.opened(made, 't.', RULES) as source:
        with pytest.raises(exception.KvmInsightError):
            source.read()
        made.create_topics(topic.layout('t.', partitions=1))
        hosts.tell(made, 't.', 'a')
        assert source.read().hosts
    made.close()
