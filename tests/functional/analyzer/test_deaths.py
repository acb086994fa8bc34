# SPDX-License-Identifier: Apache-2.0
"""Analyzers that die, join and take over tell what one would have told."""

import random
import time
from collections.abc import Callable

import pytest

from kvm_insight.bus import topic
from kvm_insight.model import sample
from tests.functional.analyzer import conftest

Streams = dict[str, list[sample.Sample]]
Expected = dict[str, list[bytes]]
Background = Callable[[Callable[[], None]], None]


def test_one_analyzer_tells_all(
    bench: conftest.Bench,
    streams: Streams,
    expected: Expected,
    hours: Expected,
) -> None:
    bench.publish(streams, 0)
    bench.start()
    bench.wait_for(expected, 40)
    for told in bench.findings().values():
        assert told == conftest.unique(told)
        assert conftest.states(told)[0] == 'open'
    assert bench.told(topic.USAGE) == hours
    reports = bench.reports()
    assert reports.keys() == streams.keys()
    for name, told_of in reports.items():
        assert {one.host for one in told_of} == {name}
        assert any(one.hurts for one in told_of)
        times = [one.time_us for one in told_of]
        assert times == sorted(times)


@pytest.mark.timeout(240)
def test_killed_at_random_points_it_tells_the_same(
    bench: conftest.Bench,
    streams: Streams,
    expected: Expected,
    hours: Expected,
    in_background: Background,
) -> None:
    chance = random.Random(4)
    in_background(lambda: bench.publish(streams, 14))
    for _ in range(4):
        worker = bench.start()
        time.sleep(chance.uniform(2.0, 4.5))
        worker.kill()
        worker.wait()
    bench.start()
    bench.wait_for(expected, 60)
    assert bench.hours() == hours


@pytest.mark.timeout(240)
def test_two_share_the_hosts_while_one_joins_and_one_dies(
    bench: conftest.Bench,
    streams: Streams,
    expected: Expected,
    in_background: Background,
) -> None:
    in_background(lambda: bench.publish(streams, 14))
    first = bench.start()
    time.sleep(4)
    bench.start()
    time.sleep(5)
    first.kill()
    first.wait()
    bench.wait_for(expected, 60)
