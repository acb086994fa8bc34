# SPDX-License-Identifier: Apache-2.0
"""The forwarder on a real embedded bus: order, refusals, rates, its end."""

import pathlib
import time
from collections.abc import Callable, Iterator

import pytest

from kvm_insight.bus import driver, forward, port, spool

NOW_MS = int(time.time() * 1000)
FAST = forward.Settings(catch_up_per_s=1e6, jitter_s=0, retry_s=0.2)


@pytest.fixture
def bus(tmp_path: pathlib.Path) -> port.Bus:
    return driver.open_bus(
        'embedded',
        {'path': str(tmp_path / 'bus.db'), 'max_record_bytes': 5000},
    )


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[spool.Spool]:
    made = spool.Spool(tmp_path / 'spool.db')
    yield made
    made.close()


Start = Callable[[forward.Settings], forward.Forwarder]


@pytest.fixture
def start(bus: port.Bus, store: spool.Spool) -> Iterator[Start]:
    made: list[forward.Forwarder] = []

    def begin(settings: forward.Settings) -> forward.Forwarder:
        made.append(forward.Forwarder(store, bus.producer(), settings))
        made[-1].start()
        return made[-1]

    yield begin
    for one in made:
        one.stop(0)


def add(store: spool.Spool, numbers: range, size: int = 0) -> None:
    for number in numbers:
        store.append('t', 'k', b'%d' % number + bytes(size), NOW_MS)


def wait(done: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end, 'it did not come to pass'
        time.sleep(0.01)


def on_bus(bus: port.Bus) -> list[int]:
    reader = bus.consumer(['t'])
    records = reader.poll(0, 10_000)
    reader.close()
    return [int((r.value or b'').rstrip(b'\0')) for r in records]


def test_all_goes_out_in_order_and_leaves_the_spool(
    bus: port.Bus, store: spool.Spool, start: Start
) -> None:
    bus.create_topics([port.Topic('t')])
    add(store, range(300))
    running = start(FAST)
    wait(lambda: not store.pending)
    assert on_bus(bus) == list(range(300))
    assert running.status() == ('up', None, 300, 0, 0)


def test_a_refusal_is_one_line_and_so_is_the_return(
    bus: port.Bus,
    store: spool.Spool,
    start: Start,
    caplog: pytest.LogCaptureFixture,
) -> None:
    add(store, range(50))
    running = start(FAST)
    wait(lambda: running.status().state == 'refused')
    time.sleep(1)
    assert store.pending == 50
    bus.create_topics([port.Topic('t')])
    wait(lambda: not store.pending)
    assert on_bus(bus) == list(range(50))
    first, last = [record.getMessage() for record in caplog.records]
    assert 'topic t does not exist' in first
    assert '(50 now)' in first
    assert last.startswith('bus back')


def test_a_record_that_is_never_taken_does_not_block_the_rest(
    bus: port.Bus,
    store: spool.Spool,
    start: Start,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus.create_topics([port.Topic('t')])
    add(store, range(3))
    add(store, range(3, 4), size=6000)
    add(store, range(4, 6))
    running = start(FAST)
    wait(lambda: not store.pending)
    assert on_bus(bus) == [0, 1, 2, 4, 5]
    assert running.status().refused == 1
    assert 'max_record_bytes' in caplog.text


def test_catching_up_is_capped_and_the_first_records_are_not(
    bus: port.Bus, store: spool.Spool, start: Start
) -> None:
    bus.create_topics([port.Topic('t')])
    add(store, range(60))
    running = start(
        forward.Settings(in_flight=20, catch_up_per_s=20, jitter_s=0)
    )
    began = time.monotonic()
    wait(lambda: running.status().delivered >= 20)
    assert time.monotonic() - began < 1
    wait(lambda: not store.pending)
    assert 1.5 < time.monotonic() - began < 6


def test_stop_sends_what_was_appended_last(
    bus: port.Bus, store: spool.Spool, start: Start
) -> None:
    bus.create_topics([port.Topic('t')])
    running = start(FAST)
    add(store, range(20))
    running.stop(10)
    assert store.pending == 0
    assert on_bus(bus) == list(range(20))


def test_stop_does_not_wait_for_a_bus_that_refuses(
    store: spool.Spool, start: Start
) -> None:
    add(store, range(5))
    running = start(FAST)
    wait(lambda: running.status().state == 'refused')
    began = time.monotonic()
    running.stop(30)
    assert time.monotonic() - began < 3
    assert store.pending == 5


def test_what_comes_into_an_empty_spool_is_sent_at_once(
    bus: port.Bus, store: spool.Spool, start: Start
) -> None:
    bus.create_topics([port.Topic('t')])
    start(FAST)
    add(store, range(1))
    wait(lambda: not store.pending)
    time.sleep(0.1)
    began = time.monotonic()
    add(store, range(1, 2))
    wait(lambda: not store.pending)
    assert time.monotonic() - began < 0.4
