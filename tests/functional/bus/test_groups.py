# SPDX-License-Identifier: Apache-2.0
"""Groups: who owns what, in which generation, who may commit; both drivers."""

import json
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kvm_insight import exception
from kvm_insight.bus import port

Reading = Callable[..., list[port.Record]]
Readers = Callable[..., port.Consumer]
#: Than the session's time-out.
LONGER_S = 3.5
#: conftest's listener.
Told = Any


@pytest.fixture
def filled(producer: port.Producer, topic: str) -> str:
    """Four partitions with 400 records."""
    for number in range(400):
        producer.publish(topic, f'key-{number}', b'%d' % number)
    producer.flush(20)
    return topic


def test_a_group_goes_on_where_it_committed(
    readers: Readers, filled: str, group: str, reading: Reading
) -> None:
    first = readers([filled], group)
    records = reading(first, 400)
    half: dict[port.Partition, int] = {}
    for record in records[:200]:
        half[record.partition] = record.offset + 1
    first.commit(half)
    first.close()
    second = readers([filled], group)
    rest = reading(second, 200)
    assert {r.value for r in rest} == {r.value for r in records[200:]}
    assert second.poll(0.3) == []


def test_what_was_not_committed_is_read_again(
    readers: Readers, filled: str, group: str, reading: Reading
) -> None:
    first = readers([filled], group)
    assert len(reading(first, 400)) == 400
    first.close()
    assert len(reading(readers([filled], group), 400)) == 400


def test_what_is_committed_can_be_asked(
    readers: Readers, filled: str, group: str, polling: Reading
) -> None:
    consumer = readers([filled], group)
    polling(consumer.assignment, [consumer])
    two = port.Partition(filled, 2)
    assert consumer.committed(two) is None
    consumer.commit({two: 17})
    assert consumer.committed(two) == 17
    assert consumer.committed(port.Partition(filled, 1)) is None


def test_groups_do_not_see_each_other(
    readers: Readers, filled: str, group: str, reading: Reading
) -> None:
    one = readers([filled], group)
    records = reading(one, 400)
    one.commit({r.partition: r.offset + 1 for r in records})
    other = readers([filled], group + '-other')
    assert len(reading(other, 400)) == 400


def test_two_members_share_and_each_owner_has_a_greater_generation(
    readers: Readers,
    filled: str,
    group: str,
    make_told: Callable[[], Told],
    polling: Reading,
) -> None:
    told = [make_told(), make_told()]
    first = readers([filled], group, told[0])
    polling(lambda: len(first.assignment()) == 4, [first])
    second = readers([filled], group, told[1])
    polling(
        lambda: len(first.assignment()) == len(second.assignment()) == 2,
        [first, second],
    )
    assert not first.assignment() & second.assignment()
    for partition in second.assignment():
        before = told[0].revoked_from[partition]
        assert told[1].assigned_to[partition] > before
        assert before >= told[0].assigned_to[partition]
    # What stayed was neither revoked nor assigned again.
    assert set(told[0].revoked_from) == second.assignment()
    second.close()
    polling(lambda: len(first.assignment()) == 4, [first])
    assert told[0].assigned_to[next(iter(told[1].assigned_to))] > max(
        told[1].assigned_to.values()
    )


def test_who_is_revoked_may_commit_and_the_next_begins_there(
    readers: Readers,
    filled: str,
    group: str,
    make_told: Callable[[], Told],
    reading: Reading,
    polling: Reading,
) -> None:
    leaving, coming = make_told(), make_told()
    first = readers([filled], group, leaving)
    reading(first, 400)
    leaving.on_revoked = lambda gone: first.commit(dict.fromkeys(gone, 33))
    second = readers([filled], group, coming)
    began: dict[port.Partition, int] = {}
    coming.on_assigned = lambda got: began.update(
        {one: second.position(one) for one in got}
    )
    records = polling(lambda: len(began) == 2, [first, second])
    assert set(began.values()) == {33}
    assert all(r.offset >= 33 for r in records if r.partition in began)


def test_after_revocation_a_commit_is_refused(
    readers: Readers, filled: str, group: str, polling: Reading
) -> None:
    first = readers([filled], group)
    polling(lambda: len(first.assignment()) == 4, [first])
    second = readers([filled], group)
    polling(lambda: len(second.assignment()) == 2, [first, second])
    (gone, *_) = second.assignment()
    (kept, *_) = first.assignment()
    with pytest.raises(exception.BusUnavailable, match='not ours'):
        first.commit({kept: 5, gone: 5})
    assert first.committed(kept) is None


def test_a_listener_may_seek_before_anything_is_read(
    readers: Readers,
    filled: str,
    group: str,
    make_told: Callable[[], Told],
    reading: Reading,
) -> None:
    told = make_told()
    consumer = readers([filled], group, told)

    def skip(partitions: list[port.Partition]) -> None:
        for one in partitions:
            assert consumer.committed(one) is None
            assert consumer.position(one) == 0
            consumer.seek(one, consumer.end_offset(one) - 1)

    told.on_assigned = skip
    assert len(reading(consumer, 5, 3)) == 4


def test_a_listener_may_read_another_topic_to_its_end(
    readers: Readers,
    filled: str,
    group: str,
    producer: port.Producer,
    make_topic: Callable[..., str],
    make_told: Callable[[], Told],
    reading: Reading,
) -> None:
    state = make_topic(4, compacted=True)
    for number in range(40):
        producer.publish(state, f'key-{number}', b'state')
    producer.flush(20)
    told = make_told()
    seen: list[port.Record] = []

    def load(partitions: list[port.Partition]) -> None:
        mine = [port.Partition(state, one.number) for one in partitions]
        reader = readers([state], partitions=mine)
        while any(reader.position(o) < reader.end_offset(o) for o in mine):
            seen.extend(reader.poll(0.2))
        reader.close()

    told.on_assigned = load
    assert len(reading(readers([filled], group, told), 400)) == 400
    assert len(seen) == 40


def test_what_a_listener_raises_comes_out_of_poll(
    readers: Readers, filled: str, group: str, make_told: Callable[[], Told]
) -> None:
    told = make_told()

    def fail(_: object) -> None:
        raise ZeroDivisionError

    told.on_assigned = fail
    consumer = readers([filled], group, told)
    with pytest.raises(ZeroDivisionError):
        consumer.poll(10)


def test_closing_tells_no_listener(
    readers: Readers,
    filled: str,
    group: str,
    make_told: Callable[[], Told],
    polling: Reading,
) -> None:
    told = make_told()
    consumer = readers([filled], group, told)
    polling(consumer.assignment, [consumer])
    began = time.monotonic()
    consumer.close()
    assert time.monotonic() - began < 3
    assert told.revoked_from == {}


def test_a_long_listener_does_not_cost_the_membership(
    readers: Readers,
    filled: str,
    group: str,
    make_told: Callable[[], Told],
    reading: Reading,
) -> None:
    """Longer than the session's time-out of two seconds."""
    told = make_told()
    told.on_assigned = lambda _: time.sleep(LONGER_S)
    consumer = readers([filled], group, told)
    records = reading(consumer, 400)
    consumer.commit({r.partition: r.offset + 1 for r in records})
    assert told.revoked_from == {}


def test_a_pause_between_polls_does_not_cost_the_membership(
    readers: Readers, filled: str, group: str, reading: Reading
) -> None:
    consumer = readers([filled], group)
    records = reading(consumer, 400)
    time.sleep(LONGER_S)
    consumer.commit({r.partition: r.offset + 1 for r in records})


def test_members_in_threads_read_each_record_once(
    bus: port.Bus, producer: port.Producer, topic: str, group: str
) -> None:
    seen: list[bytes | None] = []
    stop = threading.Event()

    def member() -> None:
        consumer = bus.consumer([topic], group=group)
        while not stop.is_set():
            records = consumer.poll(0.1)
            seen.extend(record.value for record in records)
            consumer.commit({r.partition: r.offset + 1 for r in records})
        consumer.close()

    threads = [threading.Thread(target=member) for _ in range(2)]
    threads[0].start()
    for number in range(200):
        producer.publish(topic, f'key-{number}', b'%d' % number)
    producer.flush(20)
    end = time.monotonic() + 20
    while len(seen) < 200 and time.monotonic() < end:
        time.sleep(0.05)
    threads[1].start()
    for number in range(200, 400):
        producer.publish(topic, f'key-{number}', b'%d' % number)
    while len(seen) < 400 and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert sorted(int(value or b'-1') for value in seen) == list(range(400))


class Other:
    """A member in another process."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).parent / 'member.py')]
            + list(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self, word: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return
        pytest.fail(f'it ended without {word}')

    def told(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + '\n')
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def other(
    driver_name: str, settings: dict[str, object], filled: str, group: str
) -> Iterator[Other]:
    """A member in another process that owns all partitions."""
    made = Other(driver_name, json.dumps(settings), filled, group)
    made.says('assigned')
    yield made
    made.end()


def test_a_killed_member_is_replaced(
    readers: Readers, filled: str, group: str, other: Other, reading: Reading
) -> None:
    other.process.kill()
    consumer = readers([filled], group)
    began = time.monotonic()
    assert len(reading(consumer, 400)) == 400
    assert time.monotonic() - began < 15


def test_a_stopped_member_cannot_commit_when_it_wakes(
    readers: Readers, filled: str, group: str, other: Other, polling: Reading
) -> None:
    other.told('hold')
    other.says('held')
    other.process.send_signal(signal.SIGSTOP)
    consumer = readers([filled], group)
    polling(lambda: len(consumer.assignment()) == 4, [consumer])
    taken = dict.fromkeys(consumer.assignment(), 99)

    def committed() -> bool:
        # Whoever took over may have to meet once more for it.
        try:
            consumer.commit(taken)
        except exception.BusUnavailable:
            return False
        return True

    polling(committed, [consumer])
    other.told('commit')
    other.process.send_signal(signal.SIGCONT)
    other.says('refused')
    assert all(consumer.committed(one) == 99 for one in taken)
