# SPDX-License-Identifier: Apache-2.0
"""Watcher is told once of what is new, and nobody waits for it."""

import threading
import time
from collections.abc import Callable

import pytest

from kvm_insight import exception
from kvm_insight.feed import recommendation_file, trigger


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_asks_again_until_it_is_taken_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers: list[Exception | None] = [
        exception.CloudDeclined('the audit runs'),
        exception.CloudDeclined('the audit runs'),
        ValueError('a password'),
        None,
    ]
    asked = 0

    def post() -> None:
        nonlocal asked
        asked += 1
        why = answers.pop(0)
        if why is not None:
            raise why

    one = trigger.Trigger(post, again_s=0.01)
    one.tell(frozenset({'a'}))
    until(lambda: not answers)
    one.tell(frozenset({'a'}))
    time.sleep(0.1)
    one.close()
    assert asked == 4
    said = [x.getMessage() for x in caplog.records]
    assert sum('the audit runs;' in line for line in said) == 1
    assert 'a password' not in caplog.text
    assert 'ValueError, from' in caplog.text
    assert 'in post' in caplog.text


def test_what_is_not_to_be_done_any_more_is_not_asked_for_again() -> None:
    asked: list[float] = []

    def post() -> None:
        asked.append(time.monotonic())
        raise exception.CloudUnavailable('Watcher: away')

    one = trigger.Trigger(post, again_s=0.05)
    one.tell(frozenset({'a'}))
    until(lambda: asked)
    one.tell(frozenset())
    time.sleep(0.2)
    count = len(asked)
    time.sleep(0.3)
    one.close()
    assert len(asked) == count <= 4


def test_a_watcher_that_hangs_holds_nobody_up() -> None:
    gate = threading.Event()
    closed: list[str] = []
    one = trigger.Trigger(lambda: gate.wait(20), lambda: closed.append('way'))
    begin = time.monotonic()
    for number in range(100):
        one.tell(frozenset({str(number)}))
    assert time.monotonic() - begin < 2
    gate.set()
    assert closed == []
    one.close()
    assert closed == ['way']


def test_an_audit_needs_a_cloud() -> None:
    with pytest.raises(exception.ConfigError, match='watcher_audit'):
        recommendation_file.RecommendationFile(
            {'recommendations_path': '/x', 'watcher_audit': 'ours'},
            lambda name, key, value: None,
        )
