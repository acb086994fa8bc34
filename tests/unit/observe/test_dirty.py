# SPDX-License-Identifier: Apache-2.0
"""Dirty rates are measured one after the other, and never block anybody."""

import threading
import time
from collections.abc import Callable

import pytest

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import dirty

MEMORY = sample.Memory()


class Link:
    """A libvirt that measures what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def measure(self, uuid: str) -> int | None:
        self.asked.append(uuid)
        self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return None if uuid == 'gone' else 1000 + len(self.asked)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def rates(link: Link) -> dirty.DirtyRates:
    return dirty.DirtyRates(lambda: link, rest_s=0.01)  # type: ignore[arg-type,return-value]


def until(done: Callable[[], object]) -> None:
    end_s = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_an_answer_comes_with_its_age(
    rates: dirty.DirtyRates, link: Link
) -> None:
    assert rates.laid(MEMORY, 'a') == {}
    rates.ask('a')
    until(lambda: rates.laid(MEMORY, 'a'))
    found = rates.laid(MEMORY, 'a')
    assert found['dirty_rate_bytes_s'] == 1001
    assert found['dirty_rate_age_us'] < 10_000_000
    assert rates.laid(None, 'a') == {}
    assert rates.laid(MEMORY, 'b') == {}
    rates.close()


def test_who_was_measured_just_now_is_not_measured_again(
    rates: dirty.DirtyRates, link: Link
) -> None:
    for _ in range(3):
        rates.ask('a')
        until(lambda: rates.laid(MEMORY, 'a'))
    rates.ask('b')
    until(lambda: rates.laid(MEMORY, 'b'))
    assert link.asked == ['a', 'b']
    rates.close()


def test_asking_never_waits_and_the_queue_is_bounded(
    rates: dirty.DirtyRates, link: Link
) -> None:
    link.gate.clear()
    began_s = time.monotonic()
    for number in range(200):
        rates.ask(f'd{number}')
    assert time.monotonic() - began_s < 5
    until(lambda: link.asked)
    rates.close()
    link.gate.set()
    until(lambda: link.closed)
    assert len(link.asked) == 1


def test_who_is_gone_has_no_rate(rates: dirty.DirtyRates, link: Link) -> None:
    rates.ask('gone')
    rates.ask('b')
    until(lambda: rates.laid(MEMORY, 'b'))
    assert rates.laid(MEMORY, 'gone') == {}
    rates.close()


def test_a_libvirt_that_refuses_is_told_of_once_and_asked_anew(
    rates: dirty.DirtyRates, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    link.error = exception.HypervisorError('read only access prevents it')
    for name in ('a', 'b'):
        rates.ask(name)
    until(lambda: link.closed == 2)
    assert caplog.text.count('read only access prevents it') == 1
    link.error = None
    rates.ask('c')
    until(lambda: rates.laid(MEMORY, 'c'))
    assert 'measured again' in caplog.text
    rates.close()


def test_a_mistake_of_ours_does_not_end_the_thread(
    rates: dirty.DirtyRates, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    link.error = ValueError('nobody thought of that')
    rates.ask('a')
    until(lambda: 'nobody thought of that' in caplog.text)
    link.error = None
    rates.ask('b')
    until(lambda: rates.laid(MEMORY, 'b'))
    rates.close()
