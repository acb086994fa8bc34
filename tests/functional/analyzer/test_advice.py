# SPDX-License-Identifier: Apache-2.0
"""Advisers that die and take over say what one would have said."""

import random
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from kvm_insight import adviser
from kvm_insight.advise import hosts
from kvm_insight.bus import topic
from kvm_insight.conf import analyzer as options
from kvm_insight.model import (
    codec,
    configuration,
    dead_letter,
    host_config,
)
from tests.functional.analyzer import conftest, test_crash_points
from tests.unit.advise import told

Configs = Sequence[host_config.HostConfig]
Said = dict[str, list[configuration.Finding]]
HOUR_US = 3600 * 1_000_000
NAMES = tuple(f'rack/{number}' for number in range(6))


def streams(seed: int, looks: int = 40) -> Configs:
    """Return what six hosts tell over days: each is set up well and badly in
    turns, and its domain comes and goes."""
    chance = random.Random(seed)
    return [
        told.config(
            told.BEGIN_US + number * HOUR_US,
            host,
            chance.choice([1, 60, 100]),
            chance.choice(['virtio', 'ide', None]),
        )
        for number in range(looks)
        for host in NAMES
    ]


def judged(configs: Configs) -> Said:
    """Return what one undisturbed adviser says: id -> its records."""
    judge, found = hosts.Hosts(), Said()
    for offset, one in enumerate(configs):
        judge.consume(offset, one.host, codec.encode(one))
        for _, words in judge.due():
            for each in words:
                found.setdefault(each.id, []).append(each)
    return found


def publish(bench: conftest.Bench, configs: Configs, over_s: float) -> None:
    """Publish these in so much time."""
    producer = bench.bus.producer()
    for one in configs:
        name = bench.prefix + topic.HOST_CONFIG
        producer.publish(name, one.host, codec.encode(one))
        time.sleep(over_s / len(configs))
    producer.flush(30)
    producer.close()


def said(bench: conftest.Bench) -> Said:
    """Return what is on the topic: id -> its records."""
    return {
        key: [codec.decode(one, configuration.Finding) for one in records]
        for key, records in bench.findings().items()
    }


def wait_for(
    bench: conftest.Bench,
    expected: Said,
    within_s: float,
) -> Said:
    """Return all that is there, when the last word of each is."""
    until = time.monotonic() + within_s
    want = {key: all_[-1] for key, all_ in expected.items()}
    while True:
        found = said(bench)
        have = {key: all_[-1] for key, all_ in found.items()}
        if have == want or time.monotonic() > until:
            assert have == want
            return found
        time.sleep(0.5)


def test_one_adviser_says_all_once(bench: conftest.Bench) -> None:
    configs = streams(1)
    expected = judged(configs)
    assert len(expected) >= 2 * len(NAMES)
    assert max(map(len, expected.values())) > 5
    publish(bench, configs, 0.5)
    bench.start(conftest.ADVISED)
    assert wait_for(bench, expected, 60) == expected


@pytest.mark.timeout(240)
def test_killed_at_random_points_it_opens_nothing_twice(
    bench: conftest.Bench,
    in_background: Callable[[Callable[[], None]], None],
) -> None:
    configs = streams(2)
    expected = judged(configs)
    chance = random.Random(7)
    in_background(lambda: publish(bench, configs, 16))
    for _ in range(4):
        worker = bench.start(conftest.ADVISED)
        time.sleep(chance.uniform(2.5, 4.5))
        worker.kill()
        worker.wait()
    bench.start(conftest.ADVISED)
    found = wait_for(bench, expected, 60)
    # What was said twice was said in the very same words; of what was read
    # at once and not said before a death, there is the last word alone.
    for key, records in found.items():
        once = conftest.unique([codec.encode(one) for one in records])
        words = [codec.encode(one) for one in expected[key]]
        assert once == [one for one in words if one in once]


@pytest.mark.timeout(240)
def test_what_was_mended_while_nobody_looked_closes(
    bench: conftest.Bench,
) -> None:
    bad = [told.config(told.BEGIN_US, x, 100, 'ide') for x in NAMES]
    publish(bench, bad, 0.1)
    worker = bench.start(conftest.ADVISED)
    opened = wait_for(bench, judged(bad), 60)
    worker.kill()
    worker.wait()
    later_us = told.BEGIN_US + HOUR_US
    good = [told.config(later_us, x, 1, None) for x in NAMES]
    publish(bench, good, 0.1)
    bench.start(conftest.ADVISED)
    closed = wait_for(bench, judged([*bad, *good]), 60)
    assert closed.keys() == opened.keys()
    ended = {x.check: x for all_ in closed.values() for x in all_[-1:]}
    assert ended[told.SWAPPINESS].closed_reason == 'mended'
    assert ended[told.EMULATED].closed_reason == 'gone'
    assert ended[told.EMULATED].opened_us == told.BEGIN_US


@pytest.mark.timeout(240)
def test_two_share_the_hosts_while_one_dies(
    bench: conftest.Bench,
    in_background: Callable[[Callable[[], None]], None],
) -> None:
    configs = streams(3)
    expected = judged(configs)
    in_background(lambda: publish(bench, configs, 12))
    first = bench.start(conftest.ADVISED)
    time.sleep(3)
    bench.start(conftest.ADVISED)
    time.sleep(4)
    first.kill()
    first.wait()
    wait_for(bench, expected, 60)


def run(bench: conftest.Bench, calls: int) -> bool:
    """Run an adviser for so many calls; say whether it was at its end."""
    stop = threading.Event()
    fuse = test_crash_points.Fuse(calls)
    one = adviser.Adviser(
        test_crash_points.Fused(bench.bus, fuse),  # type: ignore[arg-type]
        options.Settings(prefix=bench.prefix),
    )
    watch = threading.Timer(3, stop.set)
    watch.start()
    try:
        one.run(stop)
    except test_crash_points.Crash:
        return False
    finally:
        watch.cancel()
    return True


@pytest.mark.parametrize('bench', ['embedded'], indirect=True)
@pytest.mark.timeout(240)
def test_it_says_the_same_wherever_it_ended(bench: conftest.Bench) -> None:
    configs = streams(4, looks=12)
    expected = judged(configs)
    publish(bench, configs, 0.0)
    for calls in [*range(1, 60, 3), 77, 121, 180]:
        run(bench, calls)
    assert run(bench, 10**9)
    found = wait_for(bench, expected, 5)
    for key, records in found.items():
        assert {one.opened_us for one in records} <= {
            one.opened_us for one in expected[key]
        }


@pytest.mark.parametrize('bench', ['embedded'], indirect=True)
def test_what_cannot_be_used_is_a_dead_letter(bench: conftest.Bench) -> None:
    name = bench.prefix + topic.HOST_CONFIG
    stranger = codec.encode(told.config(told.BEGIN_US, 'rack/9'))
    bad = (b'', b'{"schema":"kvm_insight.host_config/2"}', b'\xff', stranger)
    producer = bench.bus.producer()
    for value in bad:
        producer.publish(name, 'rack/0', value).result(5)
    producer.close()
    configs = [told.config(told.BEGIN_US, x, 100, 'ide') for x in NAMES]
    publish(bench, configs, 0.0)
    assert run(bench, 10**9)
    wait_for(bench, judged(configs), 5)
    letters = [
        codec.decode(one, dead_letter.DeadLetter)
        for one in bench.read(topic.DEAD_LETTER)
    ]
    assert [one.head for one in letters] == list(bad)
    assert {(one.topic, one.key) for one in letters} == {(name, 'rack/0')}
