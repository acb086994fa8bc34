# SPDX-License-Identifier: Apache-2.0
"""Orders of one kind are handed on as they come, whatever else comes."""

import pathlib
import time
from collections.abc import Callable, Iterator

import pytest

from kvm_insight.bus import embedded, order_tail, port, topic
from kvm_insight.model import codec, control

HOUR_US = 3600 * 1_000_000


@pytest.fixture
def bus(tmp_path: pathlib.Path) -> Iterator[port.Bus]:
    made = embedded.connect({'path': str(tmp_path / 'bus.db')})
    yield made
    made.close()


def say(bus: port.Bus, subject: str, value: bytes | None = None) -> None:
    one = order(subject)
    producer = bus.producer()
    producer.publish(
        f't.{topic.CONTROL}', control.key(one), value or codec.encode(one)
    )
    producer.flush(5)
    producer.close()


def order(subject: str, age_us: int = 0, **more: object) -> control.Order:
    now_us = time.time_ns() // 1000 - age_us
    return control.Order(
        **{  # type: ignore[arg-type]
            'kind': 'dirty_rate',
            'about': 'instance',
            'subject': subject,
            'made_us': now_us,
            'ends_us': now_us + 60_000_000,
            **more,
        }
    )


def until(done: Callable[[], object]) -> None:
    end_s = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_those_that_hold_are_handed_on(bus: port.Bus) -> None:
    bus.create_topics(topic.layout('t.', partitions=1))
    say(bus, 'before')
    say(bus, 'over', codec.encode(order('over', HOUR_US)))
    say(bus, 'mute', codec.encode(order('mute', kind='mute')))
    say(bus, 'garbage', b'garbage')
    heard: list[str] = []
    take = lambda one: heard.append(one.subject)  # noqa: E731
    with order_tail.followed(bus, 't.', 'dirty_rate', take):
        until(lambda: heard)
        say(bus, 'after')
        until(lambda: len(heard) > 1)
    assert heard == ['before', 'after']


def test_a_bus_without_the_topic_is_told_of_and_waited_for(
    bus: port.Bus,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_tail, '_BACK_OFF_S', 0.1)
    heard: list[str] = []
    take = lambda one: heard.append(one.subject)  # noqa: E731
    with order_tail.followed(bus, 't.', 'dirty_rate', take):
        until(lambda: 'no orders from the bus' in caplog.text)
        bus.create_topics(topic.layout('t.', partitions=1))
        say(bus, 'late')
        until(lambda: heard)
    assert heard == ['late']
