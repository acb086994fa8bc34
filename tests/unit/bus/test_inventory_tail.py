# SPDX-License-Identifier: Apache-2.0
"""Who follows cohorts is never stopped by them."""

import logging
import pathlib

import pytest

from kvm_insight import exception
from kvm_insight.bus import embedded, inventory_tail, port, topic

NAME = topic.PREFIX + topic.INVENTORY


@pytest.fixture
def bus(tmp_path: pathlib.Path) -> port.Bus:
    return embedded.connect({'path': str(tmp_path / 'bus.db')})


def publish(bus: port.Bus, *keys: str) -> None:
    producer = bus.producer()
    for key in keys:
        producer.publish(NAME, key, b'value')
    producer.flush(20)
    producer.close()


def test_it_gives_what_was_there_and_what_comes(bus: port.Bus) -> None:
    bus.create_topics([port.Topic(NAME, 1, compacted=True)])
    publish(bus, 'planner', 'flavor/a', 'host/r1', 'group/b')
    taken: list[port.Record] = []
    one = inventory_tail.InventoryTail(bus, topic.PREFIX, taken.append, 0.0)
    one.read()
    assert [record.key for record in taken] == ['flavor/a', 'group/b']
    publish(bus, 'flavor/c', 'outlook/r1')
    while len(taken) < 3:
        one.read()
    assert taken[-1].key == 'flavor/c'
    one.close()


def test_without_the_topic_it_says_so_once_until_it_is_there(
    bus: port.Bus, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[port.Record] = []
    one = inventory_tail.InventoryTail(bus, topic.PREFIX, taken.append, 0.0)
    with caplog.at_level(logging.WARNING):
        one.read()
        one.read()
    assert len(caplog.records) == 1
    assert 'does not exist' in caplog.text
    bus.create_topics([port.Topic(NAME, 1, compacted=True)])
    publish(bus, 'flavor/a')
    while not taken:
        one.read()
    one.close()


def test_a_record_that_is_broken_does_not_stop_the_next(
    bus: port.Bus, caplog: pytest.LogCaptureFixture
) -> None:
    bus.create_topics([port.Topic(NAME, 1, compacted=True)])
    publish(bus, 'flavor/broken', 'flavor/whole')
    taken = []

    def take(record: port.Record) -> None:
        if record.key == 'flavor/broken':
            raise exception.RecordDamaged('no flavor')
        taken.append(record.key)

    one = inventory_tail.InventoryTail(bus, topic.PREFIX, take, 0.0)
    one.read()
    one.close()
    assert taken == ['flavor/whole']
    assert 'no flavor' in caplog.text
