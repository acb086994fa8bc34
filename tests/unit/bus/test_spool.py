# SPDX-License-Identifier: Apache-2.0
"""The spool: order, bounds, crashes, full disks, damaged files."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.bus import spool

NOW_MS = int(time.time() * 1000)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / 'spool' / 'spool.db'


@pytest.fixture
def store(path: pathlib.Path) -> Iterator[spool.Spool]:
    made = spool.Spool(path)
    yield made
    made.close()


def add(store: spool.Spool, *values: bytes) -> None:
    for value in values:
        store.append('samples', 'host', value, NOW_MS, {'schema': b's/1'})


def taken(store: spool.Spool, limit: int = 1000) -> list[bytes | None]:
    return [one.value for one in store.take(limit)]


def test_what_goes_in_comes_out_whole(store: spool.Spool) -> None:
    store.append('findings', 'kéy', b'', 5 + NOW_MS, {'schema': b'\x00'})
    (one,) = store.take(10)
    assert (one.topic, one.key, one.value) == ('findings', 'kéy', b'')
    assert one.timestamp_ms == 5 + NOW_MS
    assert one.headers == {'schema': b'\x00'}


def test_the_oldest_comes_first_across_topics(store: spool.Spool) -> None:
    for number in range(6):
        store.append(f'topic-{number % 2}', 'k', b'%d' % number, NOW_MS)
    assert taken(store, 4) == [b'0', b'1', b'2', b'3']
    assert taken(store) == [b'4', b'5']
    assert taken(store) == []


def test_what_is_not_acknowledged_is_given_again(store: spool.Spool) -> None:
    add(store, b'0', b'1', b'2')
    entries = store.take(2)
    store.ack([entries[1].id])
    store.rewind()
    assert taken(store) == [b'0', b'2']
    assert (store.pending, store.dropped) == (2, 0)


def test_an_id_never_comes_back(store: spool.Spool) -> None:
    add(store, b'0')
    (first,) = store.take(1)
    store.ack([first.id])
    add(store, b'1')
    (second,) = store.take(1)
    assert second.id > first.id


def test_a_restart_keeps_what_waits(path: pathlib.Path) -> None:
    before = spool.Spool(path)
    add(before, b'0', b'1')
    before.ack([before.take(1)[0].id])
    before.close()
    after = spool.Spool(path)
    assert (after.pending, taken(after)) == (1, [b'1'])
    assert after.size_bytes > 0
    after.close()


def test_beyond_its_bytes_the_oldest_are_dropped_and_counted(
    path: pathlib.Path,
) -> None:
    store = spool.Spool(path, spool.Settings(max_bytes=20_000))
    values = [os.urandom(900) for _ in range(50)]
    add(store, *values)
    kept = taken(store)
    assert store.size_bytes <= 20_000
    assert kept == values[-len(kept) :]
    assert store.dropped == 50 - len(kept) > 0
    assert len(kept) > 15
    store.close()


def test_beyond_its_age_a_record_is_dropped_and_counted(
    path: pathlib.Path,
) -> None:
    now = [NOW_MS / 1000]
    store = spool.Spool(
        path, spool.Settings(max_age_s=100), clock=lambda: now[0]
    )
    add(store, b'old')
    now[0] += 101
    store.append('samples', 'host', b'new', int(now[0] * 1000))
    assert taken(store) == [b'new']
    assert store.dropped == 1
    store.close()


def test_a_clock_that_goes_back_stops_nothing(path: pathlib.Path) -> None:
    now = [NOW_MS / 1000]
    store = spool.Spool(
        path, spool.Settings(max_age_s=100), clock=lambda: now[0]
    )
    add(store, b'0')
    now[0] -= 86_400
    add(store, b'1')
    assert taken(store) == [b'0', b'1']
    store.close()


def test_a_record_larger_than_the_spool_is_refused(
    path: pathlib.Path,
) -> None:
    store = spool.Spool(path, spool.Settings(max_bytes=5000))
    with pytest.raises(exception.SpoolFull, match='5000'):
        add(store, bytes(6000))
    add(store, b'small')
    assert taken(store) == [b'small']
    store.close()


def test_a_second_process_is_told_that_the_spool_is_taken(
    path: pathlib.Path, store: spool.Spool
) -> None:
    add(store, b'0')
    with pytest.raises(exception.ConfigError, match='another process'):
        spool.Spool(path)


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(exception.ConfigError, match='file'):
        spool.Spool(tmp_path / 'file' / 'spool.db')


@pytest.mark.parametrize(
    'damage', [b'garbage', b'SQLite format 3\x00' + bytes(4000)]
)
def test_a_damaged_file_is_moved_aside_at_start(
    path: pathlib.Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(damage * 100)
    store = spool.Spool(path)
    add(store, b'0')
    assert taken(store) == [b'0']
    aside = path.with_name('spool.db.corrupt')
    assert aside.read_bytes() == damage * 100
    assert [r.levelname for r in caplog.records] == ['ERROR']
    assert str(aside) in caplog.text
    store.close()


def test_damage_while_running_is_survived_and_counted(
    path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = spool.Spool(path)
    # More than SQLite keeps in memory, or the damage would not be seen.
    add(store, *[os.urandom(20_000) for _ in range(200)])
    store.close()
    store = spool.Spool(path)
    with path.open('r+b') as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192))
    while store.take(10):
        pass
    add(store, b'after')
    assert b'after' in taken(store)
    assert store.dropped >= 100
    assert 'is damaged' in caplog.text
    store.close()


def test_a_disk_that_takes_nothing_costs_the_oldest_not_the_agent(
    path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A bound on the file stands for the disk: SQLite says SQLITE_FULL."""
    store = spool.Spool(path)
    pages = store._disk._log.query('PRAGMA page_count')[0][0]
    store._disk._log.query(f'PRAGMA max_page_count={pages + 60}')
    values = [os.urandom(3000) for _ in range(300)]
    add(store, *values)
    kept = taken(store)
    assert kept == values[-len(kept) :]
    assert 10 < len(kept) < 300
    assert store.dropped + store.pending == 300
    assert caplog.text.count('cannot be written') == 1
    store.close()


def test_a_kill_loses_nothing_that_append_returned_from(
    path: pathlib.Path,
) -> None:
    code = (
        'import pathlib, sys\n'
        'from kvm_insight.bus import spool\n'
        's = spool.Spool(pathlib.Path(sys.argv[1]))\n'
        'n = 0\n'
        'while True:\n'
        f'    s.append("t", "k", b"%d" % n, {NOW_MS})\n'
        '    n += 1\n'
        '    sys.stdout.write("%d\\n" % n)\n'
        '    sys.stdout.flush()\n'
    )
    count = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, '-c', code, str(path)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(40)]
            process.kill()
            said += [int(line) for line in process.stdout]
        store = spool.Spool(path)
        found = taken(store, 10**6)
        store.close()
        # The kill may have come between the append and the word of it.
        assert 0 <= len(found) - (count + said[-1]) <= 1
        count = len(found)


operations = st.lists(
    st.one_of(
        st.tuples(st.just('append'), st.integers(0, 400)),
        st.tuples(st.just('take'), st.integers(1, 5)),
        st.tuples(st.just('ack'), st.integers(0, 5)),
        st.tuples(st.just('rewind'), st.just(0)),
        st.tuples(st.just('reopen'), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(operations)
def test_it_behaves_like_a_list(steps: list[tuple[str, int]]) -> None:
    """Whatever is done in whatever order: the model is a list."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'spool.db'
        store = spool.Spool(path)
        waiting: list[bytes] = []
        out: list[tuple[int, bytes]] = []
        number = 0
        for what, amount in steps:
            if what == 'append':
                value = b'%d:' % number + bytes(amount)
                add(store, value)
                waiting.append(value)
                number += 1
            elif what == 'take':
                got = store.take(amount)
                expected = waiting[len(out) : len(out) + amount]
                assert [one.value for one in got] == expected
                out += [(one.id, one.value or b'') for one in got]
            elif what == 'ack':
                gone, out = out[:amount], out[amount:]
                store.ack([one for one, _ in gone])
                del waiting[: len(gone)]
            else:
                if what == 'reopen':
                    store.close()
                    store = spool.Spool(path)
                store.rewind()
                out = []
            assert store.pending == len(waiting)
        store.rewind()
        assert taken(store) == waiting
        assert store.dropped == 0
        store.close()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2000, 20_000),
    st.lists(st.integers(0, 1500), min_size=1, max_size=40),
)
def test_its_bound_holds_and_every_record_is_accounted_for(
    max_bytes: int, sizes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = spool.Spool(
            pathlib.Path(folder) / 'spool.db',
            spool.Settings(max_bytes=max_bytes),
        )
        values = [os.urandom(size) for size in sizes]
        for value in values:
            add(store, value)
            assert store.size_bytes <= max_bytes
        kept = taken(store)
        assert kept == values[len(values) - len(kept) :]
        assert store.pending + store.dropped == len(values)
        real = store._disk._log.query('SELECT sum(size) FROM record')[0][0]
        assert store.size_bytes == (real or 0)
        store.close()


def test_the_file_shrinks_after_an_outage(path: pathlib.Path) -> None:
    now = [NOW_MS / 1000]
    store = spool.Spool(path, clock=lambda: now[0])
    add(store, *[os.urandom(20_000) for _ in range(200)])
    store.ack([one.id for one in store.take(1000)])
    for _ in range(3):
        now[0] += 60
        add(store, b'tick')
    store.close()
    assert path.stat().st_size < 500_000
