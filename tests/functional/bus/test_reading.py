# SPDX-License-Identifier: Apache-2.0
"""Where a consumer reads: offsets, times, ends, pauses; both drivers."""

from collections.abc import Callable

import pytest

from kvm_insight import exception
from kvm_insight.bus import port

Reading = Callable[..., list[port.Record]]
Readers = Callable[..., port.Consumer]


@pytest.fixture
def filled(producer: port.Producer, make_topic: Callable[..., str]) -> str:
    """One partition: values 0 to 99, a second apart."""
    name = make_topic(1)
    for number in range(100):
        producer.publish(
            name, 'k', b'%d' % number, timestamp_ms=1_000_000 + number * 1000
        )
    producer.flush(20)
    return name


def values(records: list[port.Record]) -> list[int]:
    return [int(record.value or b'-1') for record in records]


def test_a_reader_without_a_group_sees_all_from_the_beginning(
    readers: Readers, filled: str, reading: Reading
) -> None:
    assert values(reading(readers([filled]), 100)) == list(range(100))


def test_a_reader_from_the_end_sees_what_comes(
    readers: Readers, filled: str, producer: port.Producer, reading: Reading
) -> None:
    consumer = readers([filled], from_end=True)
    assert consumer.poll(0.5) == []
    producer.publish(filled, 'k', b'100').result(20)
    assert values(reading(consumer, 1)) == [100]


def test_a_member_from_the_end_begins_there_once(
    readers: Readers,
    filled: str,
    producer: port.Producer,
    group: str,
    reading: Reading,
    polling: Reading,
) -> None:
    consumer = readers([filled], group, from_end=True)
    polling(consumer.assignment, [consumer])
    producer.publish(filled, 'k', b'100').result(20)
    (record,) = reading(consumer, 1)
    consumer.commit({record.partition: record.offset})
    consumer.close()
    again = readers([filled], group, from_end=True)
    assert values(reading(again, 1)) == [100]


def test_a_poll_gives_no_more_than_asked(
    readers: Readers, filled: str, reading: Reading
) -> None:
    consumer = readers([filled])
    first = reading(consumer, 1)
    while not first:
        first = consumer.poll(0.2, limit=7)
    consumer.seek(port.Partition(filled, 0), 0)
    batch: list[port.Record] = []
    while not batch:
        batch = consumer.poll(1, limit=7)
    assert values(batch) == list(range(7))


def test_seek_goes_on_from_the_offset(
    readers: Readers, filled: str, reading: Reading
) -> None:
    consumer = readers([filled])
    reading(consumer, 100)
    consumer.seek(port.Partition(filled, 0), 42)
    assert consumer.position(port.Partition(filled, 0)) == 42
    assert values(reading(consumer, 58)) == list(range(42, 100))


def test_seek_beyond_what_is_kept_takes_the_nearest(
    readers: Readers, filled: str, reading: Reading
) -> None:
    consumer = readers([filled])
    reading(consumer, 1)
    one = port.Partition(filled, 0)
    consumer.seek(one, 10**9)
    assert consumer.position(one) == 100 == consumer.end_offset(one)
    assert consumer.poll(0.3) == []
    consumer.seek(one, 0)
    assert values(reading(consumer, 100))[0] == 0


@pytest.mark.parametrize(
    ('timestamp_ms', 'first'),
    [(0, 0), (1_050_000, 50), (1_049_001, 50), (2_000_000, 100)],
)
def test_seek_to_a_time_begins_at_or_after_it(
    readers: Readers,
    filled: str,
    reading: Reading,
    timestamp_ms: int,
    first: int,
) -> None:
    consumer = readers([filled])
    reading(consumer, 1)
    consumer.seek_to_time(port.Partition(filled, 0), timestamp_ms)
    assert consumer.position(port.Partition(filled, 0)) == first


def test_a_seek_needs_no_poll_before_it(
    readers: Readers, filled: str, reading: Reading
) -> None:
    consumer = readers([filled])
    consumer.seek(port.Partition(filled, 0), 98)
    assert values(reading(consumer, 2)) == [98, 99]


def test_a_paused_partition_is_not_read_until_resumed(
    readers: Readers,
    make_topic: Callable[..., str],
    producer: port.Producer,
    reading: Reading,
) -> None:
    topic = make_topic(2)
    for number in range(40):
        producer.publish(topic, f'key-{number}', b'x')
    producer.flush(20)
    consumer = readers([topic])
    zero = port.Partition(topic, 0)
    consumer.position(zero)
    consumer.pause([zero])
    first = reading(consumer, 40, 2)
    assert {record.partition.number for record in first} == {1}
    consumer.resume([zero])
    rest = reading(consumer, 40 - len(first))
    assert {record.partition.number for record in rest} == {0}


def test_only_the_asked_partitions_are_read(
    readers: Readers, topic: str, producer: port.Producer, reading: Reading
) -> None:
    for number in range(80):
        producer.publish(topic, f'key-{number}', b'x')
    producer.flush(20)
    two = port.Partition(topic, 2)
    consumer = readers([topic], partitions=[two])
    count = consumer.end_offset(two)
    found = reading(consumer, count + 1, 2)
    assert consumer.assignment() == {two}
    assert [record.offset for record in found] == list(range(count))


def test_no_partition_starves_behind_a_full_one(
    readers: Readers, make_topic: Callable[..., str], producer: port.Producer
) -> None:
    topic = make_topic(2)
    for _ in range(300):
        producer.publish(topic, 'a', b'full')
    producer.publish(topic, 'b', b'lonely')
    producer.flush(20)
    consumer = readers([topic])
    polls = 0
    while not any(record.key == 'b' for record in consumer.poll(1, limit=20)):
        polls += 1
        assert polls < 40


def test_outside_a_group_nothing_is_committed(
    readers: Readers, filled: str
) -> None:
    consumer = readers([filled])
    one = port.Partition(filled, 0)
    assert consumer.committed(one) is None
    assert consumer.generation() == -1
    with pytest.raises(exception.BusError):
        consumer.commit({one: 1})


def test_a_consumer_closes_in_every_state(
    readers: Readers, filled: str, group: str
) -> None:
    unused = readers([filled], group)
    unused.close()
    unused.close()
    lonely = readers([filled])
    lonely.poll(1)
    lonely.pause([port.Partition(filled, 0)])
    lonely.close()
    member = readers([filled], group)
    member.poll(1)
    member.close()
    mistaken = readers(['never-made'], group)
    with pytest.raises(exception.BusRefused):
        mistaken.poll(2)
    mistaken.close()
