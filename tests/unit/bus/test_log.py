# SPDX-License-Identifier: Apache-2.0
"""The embedded log: offsets, time, retention, compaction, many at once."""

import multiprocessing
import pathlib
import tempfile
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.bus import entry, log, port, retention

ONE = port.Partition('t', 0)


@pytest.fixture
def records(tmp_path: pathlib.Path) -> Iterator[log.Log]:
    made = log.Log(tmp_path / 'log.db')
    yield made
    made.close()


def put(
    records: log.Log, *pairs: tuple[str | None, bytes | None, int]
) -> list[int]:
    return records.append(
        [entry.Entry('t', key, value, at, {}) for key, value, at in pairs]
    )


def read(records: log.Log, offset: int = 0) -> list[tuple[int, bytes | None]]:
    return [(r.offset, r.value) for r in records.read(ONE, offset, 1000)]


def test_offsets_grow_by_one_within_a_partition(records: log.Log) -> None:
    records.create_topic(port.Topic('t', 3))
    offsets = put(records, *[('same', b'x', 0)] * 5)
    assert offsets == [0, 1, 2, 3, 4]
    assert put(records, ('same', b'x', 0)) == [5]


def test_a_topic_is_made_once(records: log.Log) -> None:
    assert records.create_topic(port.Topic('t', 3))
    assert not records.create_topic(port.Topic('t', 5))
    assert records.topics() == {'t': 3}


def test_a_missing_topic_takes_nothing(records: log.Log) -> None:
    with pytest.raises(log.UnknownTopicError):
        put(records, ('k', b'x', 0))
    with pytest.raises(log.UnknownTopicError):
        records.bounds(ONE)


def test_all_of_a_batch_are_written_or_none(records: log.Log) -> None:
    records.create_topic(port.Topic('t'))
    with pytest.raises(log.UnknownTopicError):
        records.append(
            [
                entry.Entry('t', 'k', b'x', 0, {}),
                entry.Entry('none', 'k', b'x', 0, {}),
            ]
        )
    assert records.bounds(ONE) == (0, 0)


def test_records_without_a_key_go_to_all_partitions(records: log.Log) -> None:
    records.create_topic(port.Topic('t', 3))
    put(records, *[(None, b'x', 0)] * 9)
    assert set(records.ends().values()) == {3}


def test_retention_drops_what_is_too_old_and_keeps_offsets(
    records: log.Log,
) -> None:
    records.create_topic(port.Topic('t', retention_s=10))
    put(records, *[('k', b'%d' % n, n * 1000) for n in range(30)])
    retention.tidy(records, now_ms=30_000, tombstone_ms=0)
    assert records.bounds(ONE) == (20, 30)
    assert read(records)[0] == (20, b'20')
    retention.tidy(records, now_ms=10**9, tombstone_ms=0)
    assert records.bounds(ONE) == (30, 30)
    assert put(records, ('k', b'new', 10**9)) == [30]


def test_without_retention_nothing_is_dropped(records: log.Log) -> None:
    records.create_topic(port.Topic('t'))
    put(records, ('k', b'x', 0))
    retention.tidy(records, now_ms=10**15, tombstone_ms=0)
    assert records.bounds(ONE) == (0, 1)


def test_compaction_keeps_the_newest_of_each_key(records: log.Log) -> None:
    records.create_topic(port.Topic('t', compacted=True))
    put(records, *[(key, b'%d' % n, n) for n in range(10) for key in 'ab'])
    retention.tidy(records, now_ms=100, tombstone_ms=10**6)
    assert read(records) == [(18, b'9'), (19, b'9')]
    assert records.bounds(ONE) == (18, 20)
    assert read(records, offset=3) == [(18, b'9'), (19, b'9')]


def test_a_tombstone_stays_until_all_have_seen_it(records: log.Log) -> None:
    records.create_topic(port.Topic('t', compacted=True))
    put(records, ('k', b'x', 1000), ('k', None, 2000))
    retention.tidy(records, now_ms=3000, tombstone_ms=5000)
    assert read(records) == [(1, None)]
    retention.tidy(records, now_ms=8000, tombstone_ms=5000)
    assert read(records) == []
    assert records.bounds(ONE) == (2, 2)


def test_seek_by_time_finds_the_first_at_or_after(records: log.Log) -> None:
    records.create_topic(port.Topic('t'))
    put(records, ('k', b'0', 10), ('k', b'1', 30), ('k', b'2', 20))
    found = [records.offset_at(ONE, at) for at in (0, 10, 11, 20, 30, 31)]
    assert found == [0, 0, 1, 1, 1, 3]


def test_another_connection_s_write_is_noticed(
    records: log.Log, tmp_path: pathlib.Path
) -> None:
    other = log.Log(tmp_path / 'log.db')
    before = records.version()
    assert records.version() == before
    other.create_topic(port.Topic('t'))
    assert records.version() != before
    other.close()


def test_threads_may_share_one(records: log.Log) -> None:
    records.create_topic(port.Topic('t'))

    def write(name: str) -> None:
        for number in range(50):
            put(records, (name, b'%d' % number, 0))

    threads = [threading.Thread(target=write, args=(n,)) for n in 'abcd']
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = records.read(ONE, 0, 1000)
    assert [r.offset for r in found] == list(range(200))
    for name in 'abcd':
        values = [int(r.value or b'') for r in found if r.key == name]
        assert values == list(range(50))


def _write_many(path: pathlib.Path, name: str) -> None:
    mine = log.Log(path)
    mine.create_topic(port.Topic('t'))
    for number in range(50):
        put(mine, (name, b'%d' % number, 0))
    mine.close()


def test_processes_may_share_one_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'log.db'
    spawn = multiprocessing.get_context('spawn')
    writers = [
        spawn.Process(target=_write_many, args=(path, name)) for name in 'abc'
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    records = log.Log(path)
    assert [r.offset for r in records.read(ONE, 0, 1000)] == list(range(150))
    records.close()


keyed = st.lists(
    st.tuples(
        st.sampled_from('abcdef'),
        st.one_of(st.none(), st.binary(max_size=20)),
        st.integers(0, 100),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(keyed, st.integers(0, 40))
def test_compaction_never_changes_what_a_key_means(
    pairs: list[tuple[str, bytes | None, int]], again: int
) -> None:
    """Compacting at any point: the last value of each key stays the last."""
    with tempfile.TemporaryDirectory() as folder:
        records = log.Log(pathlib.Path(folder) / 'log.db')
        records.create_topic(port.Topic('t', compacted=True))
        for number, pair in enumerate(pairs):
            put(records, pair)
            if number == again:
                retention.tidy(records, now_ms=200, tombstone_ms=150)
        retention.tidy(records, now_ms=200, tombstone_ms=0)
        last = {key: value for key, value, _ in pairs}
        found = records.read(ONE, 0, 1000)
        assert {r.key: r.value for r in found} == {
            key: value for key, value in last.items() if value is not None
        }
        assert len(found) == len({r.key for r in found})
        assert records.bounds(ONE)[1] == len(pairs)
        records.close()
