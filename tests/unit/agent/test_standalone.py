# SPDX-License-Identifier: Apache-2.0
"""Services side by side: who ends when, and what a broken one does."""

import threading
import time

import pytest

from kvm_insight import exception, standalone


class Service:
    """Works until told to stop; remembers when it ended."""

    def __init__(self, name: str, ended: list[str], fails: str = '') -> None:
        self._name = name
        self._ended = ended
        self._fails = fails

    def run(self, stop: threading.Event) -> None:
        if self._fails:
            raise exception.BusRefused(self._fails)
        stop.wait(20)
        self._ended.append(self._name)


def test_services_end_in_the_order_in_which_they_were_added() -> None:
    ended: list[str] = []
    whole = standalone.Standalone(lambda: True)
    whole.add('agent', Service('agent', ended))
    whole.add('analyzer', Service('analyzer', ended))
    whole.began()
    whole.run(threading.Event(), 0.1)
    assert ended == ['agent', 'analyzer']


def test_the_time_counts_from_the_first_sample() -> None:
    whole = standalone.Standalone(lambda: True)
    whole.add('agent', Service('agent', []))
    threading.Timer(0.5, whole.began).start()
    start = time.monotonic()
    whole.run(threading.Event(), 0.2)
    assert time.monotonic() - start >= 0.7


def test_a_stop_ends_it_without_any_sample() -> None:
    stop = threading.Event()
    stop.set()
    whole = standalone.Standalone(lambda: True)
    whole.add('agent', Service('agent', []))
    whole.run(stop, None)


def test_a_broken_service_ends_all_and_is_told() -> None:
    ended: list[str] = []
    whole = standalone.Standalone(lambda: True)
    whole.add('agent', Service('agent', ended))
    whole.add('analyzer', Service('analyzer', ended, 'no topic'))
    with pytest.raises(exception.KvmInsightError, match='analyzer: no topic'):
        whole.run(threading.Event(), None)
    assert ended == ['agent']


def test_what_never_settles_holds_nobody_up() -> None:
    whole = standalone.Standalone(lambda: False)
    whole.add('agent', Service('agent', []))
    stop = threading.Event()
    stop.set()
    start = time.monotonic()
    whole.run(stop, None)
    assert time.monotonic() - start < 3
