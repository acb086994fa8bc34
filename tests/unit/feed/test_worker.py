# SPDX-License-Identifier: Apache-2.0
"""A feed that is slow, broken or not ours any more costs nobody else."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kvm_insight import exception
from kvm_insight.feed import crew, permit, port


class Feed:
    """Keeps what it was told; fails or hangs when it is to."""

    runs_in = 'planner'

    def __init__(self, *, newest_only: bool = True) -> None:
        self.newest_only = newest_only
        self.written: list[int] = []
        self.cleared = 0
        self.fails: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()

    def would(self, told: port.Told) -> Iterator[str]:
        yield str(told.time_us)

    def write(self, told: port.Told, may: port.May) -> None:
        self.gate.wait(20)
        if not may():
            raise exception.LeaseLost
        if self.fails:
            raise self.fails.pop(0)
        self.written.append(told.time_us)

    def clear(self, may: port.May) -> list[str]:
        self.cleared += 1
        return ['gone']

    def close(self) -> None:
        """Nothing is held."""


def told(time_us: int, generation: int = 1, *off: str) -> port.Told:
    return port.Told(generation, time_us, off=frozenset(off))


def wait_for(done: Callable[[], object], within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def one(feed: Feed) -> Iterator[crew.Crew]:
    made = crew.Crew({'one': feed})
    yield made
    feed.gate.set()
    made.close()


def test_whoever_tells_never_waits_and_only_the_newest_counts(
    one: crew.Crew, feed: Feed
) -> None:
    feed.gate.clear()
    begin = time.monotonic()
    one.tell(told(1))
    wait_for(lambda: one.is_busy)
    time.sleep(0.05)
    for number in range(2, 500):
        one.tell(told(number))
    assert time.monotonic() - begin < 2
    feed.gate.set()
    wait_for(lambda: not one.is_busy)
    assert feed.written[-1] == 499
    assert len(feed.written) <= 2
    assert one.states == {'one': 'ok'}


def test_a_feed_of_events_gets_all_of_them_up_to_a_bound(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = Feed(newest_only=False)
    made = crew.Crew({'one': feed})
    made.tell(told(0))
    wait_for(lambda: not made.is_busy)
    feed.gate.clear()
    for number in range(1, 300):
        made.tell(told(number))
    feed.gate.set()
    wait_for(lambda: not made.is_busy)
    made.close()
    assert feed.written[-1] == 299
    assert feed.written[-99:] == list(range(201, 300))
    said = [x for x in caplog.records if 'too much waits' in x.message]
    assert len(said) == 1


def test_what_fails_is_tried_again_and_said_once(
    one: crew.Crew, feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    why = exception.FeedError('somebody is away')
    feed.fails = [why, why, ValueError('the password is 1234')]
    one.tell(told(1))
    until = time.monotonic() + 20
    while one.is_busy:
        # As the planner does, while the bus says that it may.
        one.permit.grant(1)
        assert time.monotonic() < until
        time.sleep(0.05)
    assert feed.written == [1]
    said = [x.getMessage() for x in caplog.records]
    assert said.count('one: somebody is away; trying again') == 1
    assert said.count('one: works again') == 1
    # Nor is it in the trace, which says where it broke.
    assert '1234' not in caplog.text
    assert 'ValueError, from' in caplog.text
    assert 'in write' in caplog.text
    assert one.states == {'one': 'ok'}


def test_without_a_permit_nothing_is_written(
    one: crew.Crew, feed: Feed
) -> None:
    feed.gate.clear()
    one.tell(told(1))
    wait_for(lambda: one.is_busy)
    one.permit.withdraw()
    feed.gate.set()
    wait_for(lambda: not one.is_busy)
    assert feed.written == []
    one.tell(told(2))
    wait_for(lambda: feed.written == [2])


def test_a_permit_is_for_one_generation_and_runs_out() -> None:
    made = permit.Permit(lasts_s=0.1)
    assert not made.holds(1)
    made.grant(2)
    assert (made.holds(2), made.holds(1), made.holds(3)) == (
        True,
        False,
        False,
    )
    time.sleep(0.15)
    assert not made.holds(2)


def test_a_feed_that_is_off_takes_back_once_and_comes_back(
    one: crew.Crew, feed: Feed
) -> None:
    for number in (1, 2):
        one.tell(told(number, 1, 'one'))
        wait_for(lambda: not one.is_busy)
    assert (feed.written, feed.cleared) == ([], 1)
    assert one.states == {'one': 'off'}
    one.tell(told(3))
    wait_for(lambda: feed.written == [3])
    one.tell(told(4, 1, 'one'))
    wait_for(lambda: feed.cleared == 2)


def test_a_feed_that_hangs_holds_up_neither_others_nor_the_end() -> None:
    slow, quick = Feed(), Feed()
    slow.gate.clear()
    made = crew.Crew({'slow': slow, 'quick': quick})
    made.tell(told(1))
    wait_for(lambda: quick.written == [1])
    begin = time.monotonic()
    made.close()
    assert time.monotonic() - begin < 5
    slow.gate.set()


def test_events_wait_while_the_bus_does_not_say_that_we_may() -> None:
    feed = Feed(newest_only=False)
    short = permit.Permit(lasts_s=0.05)
    made = crew.Crew({'one': feed}, short)
    feed.gate.clear()
    for number in (1, 2, 3):
        made.tell(told(number))
    time.sleep(0.1)
    feed.gate.set()
    time.sleep(0.3)
    assert feed.written == []
    until = time.monotonic() + 20
    while made.is_busy:
        short.grant(1)
        assert time.monotonic() < until
        time.sleep(0.01)
    made.close()
    assert feed.written == [1, 2, 3]


def test_what_waits_is_not_written_any_more_once_it_is_off() -> None:
    feed = Feed(newest_only=False)
    made = crew.Crew({'one': feed})
    feed.gate.clear()
    feed.fails = [exception.FeedError('away')]
    for number in (1, 2, 3):
        made.tell(told(number))
    wait_for(lambda: made.is_busy)
    made.tell(told(4, 1, 'one'))
    feed.gate.set()
    wait_for(lambda: not made.is_busy)
    made.close()
    assert feed.written == []
    assert feed.cleared == 1


class Lasting(Feed):
    """Has begun something that takes until the gate is open."""

    again_s: float | None = None

    def write(self, told: port.Told, may: port.May) -> None:
        super().write(told, may)
        self.again_s = 0.05

    def clear(self, may: port.May) -> list[str]:
        self.again_s = None
        return super().clear(may)


def test_what_lasts_is_looked_at_again_as_long_as_the_lease_holds() -> None:
    feed = Lasting()
    made = crew.Crew({'one': feed})
    made.tell(told(1))
    wait_for(lambda: len(feed.written) > 3)
    # So the planner goes on to renew the permit.
    assert made.is_busy
    made.tell(told(2))
    wait_for(lambda: feed.written[-1] == 2)
    made.permit.withdraw()
    wait_for(lambda: not made.is_busy)
    count = len(feed.written)
    time.sleep(0.3)
    assert len(feed.written) == count
    made.tell(told(3, 2))
    wait_for(lambda: feed.written[-1] == 3)
    made.close()


def test_what_lasts_is_over_when_it_is_told_to_be_silent() -> None:
    feed = Lasting()
    made = crew.Crew({'one': feed})
    made.tell(told(1))
    wait_for(lambda: len(feed.written) > 1)
    made.tell(told(2, 1, 'one'))
    wait_for(lambda: not made.is_busy)
    assert feed.cleared == 1
    count = len(feed.written)
    time.sleep(0.3)
    assert len(feed.written) == count
    assert made.states == {'one': 'off'}
    made.close()


def test_what_lasts_is_not_told_the_old_after_the_new() -> None:
    """Whoever tells may come just when the time is up."""
    feed = Lasting()
    made = crew.Crew({'one': feed})
    made.tell(told(1))
    wait_for(lambda: len(feed.written) > 1)
    with made._workers['one']._changed:
        time.sleep(0.2)
        made.tell(told(2))
    wait_for(lambda: feed.written.count(2) > 1)
    made.close()
    assert feed.written == sorted(feed.written)
