# SPDX-License-Identifier: Apache-2.0
"""What goes onto the bus comes off it: both drivers."""

import time
from collections import defaultdict
from collections.abc import Callable

import pytest

from kvm_insight import exception
from kvm_insight.bus import murmur, port

Reading = Callable[..., list[port.Record]]
Readers = Callable[..., port.Consumer]


def test_each_key_stays_in_order(
    producer: port.Producer, readers: Readers, topic: str, reading: Reading
) -> None:
    for number in range(600):
        producer.publish(topic, f'host-{number % 7}', b'%d' % number)
    producer.flush(20)
    seen = defaultdict(list)
    for record in reading(readers([topic]), 600):
        assert record.key is not None
        assert record.value is not None
        seen[record.key].append(int(record.value))
    everything = [number for key in seen for number in seen[key]]
    assert sorted(everything) == list(range(600))
    assert all(numbers == sorted(numbers) for numbers in seen.values())


def test_a_key_lies_in_the_same_partition_on_every_driver(
    producer: port.Producer, readers: Readers, topic: str, reading: Reading
) -> None:
    keys = [f'region/host-{number}' for number in range(40)]
    for key in keys:
        producer.publish(topic, key, b'x')
    producer.flush(20)
    found = {
        record.key: record.partition.number
        for record in reading(readers([topic]), 40)
    }
    assert found == {key: murmur.partition(key.encode(), 4) for key in keys}


def test_a_record_comes_back_as_it_went(
    producer: port.Producer, readers: Readers, topic: str, reading: Reading
) -> None:
    sent = producer.publish(
        topic,
        'schlüssel',
        b'\x00value',
        timestamp_ms=1_700_000_000_123,
        headers={'schema': b'kvm_insight.sample/1'},
    )
    offset = sent.result(20)
    (record,) = reading(readers([topic]), 1)
    assert record.offset == offset == 0
    assert (record.key, record.value) == ('schlüssel', b'\x00value')
    assert record.timestamp_ms == 1_700_000_000_123
    assert dict(record.headers) == {'schema': b'kvm_insight.sample/1'}


def test_without_a_time_a_record_has_the_present(
    producer: port.Producer, readers: Readers, topic: str, reading: Reading
) -> None:
    producer.publish(topic, 'k', b'v').result(20)
    (record,) = reading(readers([topic]), 1)
    assert abs(record.timestamp_ms / 1000 - time.time()) < 60


def test_a_tombstone_and_an_empty_value_differ(
    producer: port.Producer, readers: Readers, topic: str, reading: Reading
) -> None:
    producer.publish(topic, 'k', b'')
    producer.publish(topic, 'k', None).result(20)
    values = [record.value for record in reading(readers([topic]), 2)]
    assert values == [b'', None]


def test_of_a_compacted_topic_the_last_value_of_each_key_is_read(
    producer: port.Producer,
    readers: Readers,
    make_topic: Callable[..., str],
    reading: Reading,
) -> None:
    compacted = make_topic(2, compacted=True)
    for number in range(50):
        for key in 'abc':
            producer.publish(compacted, key, b'%d' % number)
    producer.publish(compacted, 'b', None)
    producer.flush(20)
    last = {
        record.key: record.value
        for record in reading(readers([compacted]), 151, 5)
    }
    assert last == {'a': b'49', 'b': None, 'c': b'49'}


def test_a_megabyte_goes_through(
    producer: port.Producer, readers: Readers, topic: str, reading: Reading
) -> None:
    value = bytes(range(256)) * 8192
    producer.publish(topic, 'k', value).result(20)
    (record,) = reading(readers([topic]), 1)
    assert record.value == value


def test_a_record_that_is_too_large_is_refused_and_others_go_on(
    producer: port.Producer, topic: str
) -> None:
    large = producer.publish(topic, 'k', bytes(5 * 1024 * 1024))
    small = producer.publish(topic, 'k', b'small')
    with pytest.raises(exception.RecordRefused, match='max_record_bytes'):
        large.result(20)
    assert small.result(20) == 0


def test_a_record_of_nothing_is_refused(
    producer: port.Producer, topic: str
) -> None:
    with pytest.raises(exception.RecordRefused):
        producer.publish(topic, None, None).result(20)


def test_a_missing_topic_is_refused_by_name(
    producer: port.Producer, readers: Readers
) -> None:
    with pytest.raises(exception.BusRefused, match='never-made'):
        producer.publish('never-made', 'k', b'v').result(20)
    with pytest.raises(exception.BusRefused, match='topics create'):
        readers(['never-made']).poll(5)


def test_a_missing_topic_does_not_stop_others(
    producer: port.Producer, topic: str
) -> None:
    producer.publish('never-made', 'k', b'v')
    assert producer.publish(topic, 'k', b'v').result(20) == 0


def test_creating_topics_again_changes_nothing(
    bus: port.Bus, topic: str
) -> None:
    assert bus.create_topics([port.Topic(topic, 4)]) == []
    assert bus.topics()[topic] == 4


def test_flush_returns_when_all_is_acknowledged(
    producer: port.Producer, topic: str
) -> None:
    sent = [producer.publish(topic, 'k', b'v') for _ in range(100)]
    producer.flush(20)
    assert all(one.done() for one in sent)
    assert producer.trouble() is None


def test_a_closed_producer_takes_nothing(bus: port.Bus, topic: str) -> None:
    producer = bus.producer()
    producer.publish(topic, 'k', b'v').result(20)
    before = producer.publish(topic, 'k', b'v')
    producer.close()
    producer.close()
    assert before.result(1) == 1
    with pytest.raises(exception.BusUnavailable, match='closed'):
        producer.publish(topic, 'k', b'v').result(1)
