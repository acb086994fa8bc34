# SPDX-License-Identifier: Apache-2.0
"""Who watches a cloud never makes others wait, and says how old it is."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kvm_insight import exception
from kvm_insight.cloud import settings, watch
from tests.unit.cloud import wire

ASKED = settings.Settings(poll_s=0.05, sweep_s=60, max_age_s=2)
SLOW = settings.Settings(poll_s=60, sweep_s=600, max_age_s=300)


class Slow(wire.Wire):
    """A cloud that answers nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def _fail(self) -> None:
        assert self.gate.wait(20)
        super()._fail()


def within(seconds: float, done: Callable[[], object]) -> object:
    until = time.monotonic() + seconds
    while True:
        try:
            found = done()
        except exception.CloudError:
            found = None
        if found:
            return found
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def ask() -> wire.Wire:
    return wire.Wire()


@pytest.fixture
def one(ask: wire.Wire) -> Iterator[watch.Watch]:
    with watch.Watch(ASKED, lambda _: ask) as found:
        yield found


def test_what_was_not_read_yet_is_said_and_not_waited_for() -> None:
    ask = Slow()
    with watch.Watch(SLOW, lambda _: ask) as one:
        began = time.monotonic()
        with pytest.raises(exception.CloudUnavailable, match='first time'):
            one.read()
        with pytest.raises(exception.CloudUnavailable, match=r'within 0\.2'):
            one.confirm([], 0.2)
        assert time.monotonic() - began < 5
        ask.gate.set()
        within(10, lambda: one.read().instances)


def test_a_failed_read_keeps_the_last_known_state_until_it_is_old(
    one: watch.Watch, ask: wire.Wire, caplog: pytest.LogCaptureFixture
) -> None:
    within(10, lambda: one.read().instances)
    ask.error = exception.CloudUnavailable('Nova answers 503')
    time.sleep(0.3)
    kept = one.read()
    assert len(kept.instances) == 3
    within(10, lambda: one.read().time_us == kept.time_us)
    time.sleep(2.1)
    with pytest.raises(exception.CloudUnavailable, match=r's old.* 503'):
        one.read()
    assert caplog.text.count('cannot be read') == 1
    ask.error = None
    within(10, lambda: one.read().time_us > kept.time_us)
    assert 'read again' in caplog.text


def test_a_sweep_without_keystone_keeps_the_names_of_projects(
    ask: wire.Wire, caplog: pytest.LogCaptureFixture
) -> None:
    asked = settings.Settings(poll_s=0.05, sweep_s=0)
    with watch.Watch(asked, lambda _: ask) as one:
        within(10, lambda: one.read().projects)
        before = one.read().projects
        del ask.answers['identity', '/projects']
        within(10, lambda: 'names of projects' in caplog.text)
        now_us = time.time_ns() // 1000
        within(10, lambda: one.read().time_us > now_us)
        assert one.read().projects == before


def test_what_nobody_thought_of_ends_no_watch(
    one: watch.Watch, ask: wire.Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    ask.error = RuntimeError('a password')
    with pytest.raises(exception.CloudUnavailable):
        one.read()
    within(10, lambda: 'RuntimeError, from' in caplog.text)
    assert 'in _fail' in caplog.text
    assert 'a password' not in caplog.text
    ask.error = None
    within(10, lambda: one.read().instances)


def test_a_confirmation_is_younger_than_the_question(ask: wire.Wire) -> None:
    with watch.Watch(SLOW, lambda _: ask) as one:
        within(10, lambda: one.read().instances)
        ask.changed = [{**ask.server('a1'), 'name': 'shop'}]
        ask.asked.clear()
        asked_us = time.time_ns() // 1000
        found = one.confirm(['compute2'], 10)
        assert found.time_us >= asked_us
        assert 'shop' in {x.name for x in found.instances}
        assert ask.count('/allocations') == 1


def test_a_confirmation_that_fails_says_why(ask: wire.Wire) -> None:
    with watch.Watch(SLOW, lambda _: ask) as one:
        within(10, lambda: one.read().instances)
        ask.error = exception.CloudRefused('Nova answers 403')
        with pytest.raises(exception.CloudRefused, match='403'):
            one.confirm([], 10)
        # The state is young still.
        assert one.read().instances


def test_who_is_refused_tries_more_and_more_seldom(ask: wire.Wire) -> None:
    ask.error = exception.CloudRefused('Keystone: 401')
    with watch.Watch(ASKED, lambda _: ask) as one:
        with pytest.raises(exception.CloudUnavailable):
            one.read()
        time.sleep(1.0)
        assert 1 <= one.refusals <= 6


def test_who_was_refused_once_or_twice_is_back_by_itself_in_seconds(
    ask: wire.Wire,
) -> None:
    # As in the tests with a real cloud, which refuses for a moment.
    asked = settings.Settings(poll_s=0.3)
    with watch.Watch(asked, lambda _: ask) as one:
        within(10, lambda: one.read().instances)
        ask.error = exception.CloudRefused('Nova answers 403')
        within(10, lambda: one.refusals >= 2)
        ask.error = None
        now_us = time.time_ns() // 1000
        within(10, lambda: one.read().time_us > now_us)
        within(10, lambda: one.refusals == 0)


def test_who_is_refused_does_not_confirm_out_of_turn(ask: wire.Wire) -> None:
    with watch.Watch(ASKED, lambda _: ask) as one:
        within(10, lambda: one.read().instances)
        ask.error = exception.CloudRefused('Keystone: 401')
        within(10, lambda: one.refusals)
        ask.asked.clear()
        before = one.refusals
        for _ in range(20):
            with pytest.raises(exception.CloudUnavailable, match='401'):
                one.confirm([], 1)
        assert one.refusals - before <= 2
