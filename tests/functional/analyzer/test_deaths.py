# SPDX-License-Identifier: Apache-2.0
"""Analyzers that die, join and take over tell what one would have told."""

import collections
import random
import time
from collections.abc import Callable

import msgspec
import pytest

from kvm_insight.bus import topic
from kvm_insight.detect import cohorts, host, settings
from kvm_insight.model import codec, inventory, sample
from tests.functional.analyzer import conftest
from tests.scenario import fair

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


def _die_at_random_points(
    bench: conftest.Bench, chance: random.Random, times: int
) -> None:
    """Let one analyzer after another work for a while and be killed."""
    for _ in range(times):
        worker = bench.start()
        time.sleep(chance.uniform(2.0, 4.5))
        worker.kill()
        worker.wait()


@pytest.mark.timeout(240)
def test_killed_at_random_points_it_tells_the_same(
    bench: conftest.Bench,
    streams: Streams,
    expected: Expected,
    hours: Expected,
    in_background: Background,
) -> None:
    in_background(lambda: bench.publish(streams, 14))
    _die_at_random_points(bench, random.Random(4), 4)
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


def always_noisy(name: str, seed: int) -> list[sample.Sample]:
    """Return seven minutes in which a victim never rests; what is usual for
    its cohort counts from the second of them on."""
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,), flavor='small'),
        fair.Guest('noisy', ((1, 1.0),), (0,), flavor='small'),
        fair.Guest('other', ((1, 0.5),), (1,), flavor='small'),
    ]
    return [
        msgspec.structs.replace(one, host=name)
        for one in fair.Host(guests, seed=seed).samples(420)
    ]


@pytest.mark.timeout(240)
def test_killed_at_random_points_it_holds_victims_to_their_cohort(
    bench: conftest.Bench, in_background: Background
) -> None:
    small = fair.small_flavor()
    key, value = inventory.key(small), codec.encode(small)
    producer = bench.bus.producer()
    producer.publish(bench.prefix + topic.INVENTORY, key, value)
    producer.flush(30)
    producer.close()
    usual = cohorts.Cohorts()
    usual.take(key, value)
    streams = {f'r/{n}': always_noisy(f'r/{n}', n) for n in range(3)}
    expected: Expected = collections.defaultdict(list)
    for name, samples in streams.items():
        detector = host.Detector(name, settings.Settings(), usual)
        for one in samples:
            for found in detector.consume(one):
                expected[found.id].append(codec.encode(found))
    assert any(b'"chronic"' in told[-1] for told in expected.values())
    in_background(lambda: bench.publish(streams, 10))
    _die_at_random_points(bench, random.Random(5), 3)
    bench.start()
    bench.wait_for(dict(expected), 60)
