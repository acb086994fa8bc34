# SPDX-License-Identifier: Apache-2.0
"""An analyzer that ends between any two of its steps on the bus."""

import pathlib
import threading
from collections.abc import Iterable, Iterator

import pytest

from kvm_insight import analyzer
from kvm_insight.bus import driver, topic
from kvm_insight.conf import analyzer as options
from kvm_insight.model import codec, dead_letter, sample
from tests.functional.analyzer import conftest

Streams = dict[str, list[sample.Sample]]
Expected = dict[str, list[bytes]]


class Crash(BaseException):
    """Nothing catches this."""


class Fuse:
    """Lets some calls through, then none."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def burn(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crash


class Fused:
    """Anything whose calls go through a fuse, before and after."""

    def __init__(self, inner: object, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> object:
        inner = getattr(self._inner, name)
        if name == 'close':
            return inner

        def call(*args: object, **more: object) -> object:
            self._fuse.burn()
            result = inner(*args, **more)
            self._fuse.burn()
            if name in ('producer', 'consumer'):
                return Fused(result, self._fuse)
            return result

        return call


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[conftest.Bench]:
    """A bench on the embedded bus: here a step takes milliseconds."""
    settings: dict[str, object] = {'path': str(tmp_path / 'bus.db')}
    bus = driver.open_bus('embedded', settings)
    bus.create_topics(
        [
            conftest.kept_whole(one)
            for one in topic.layout('t.', partitions=conftest.PARTITIONS)
        ]
    )
    yield conftest.Bench('embedded', settings, bus, 't.')
    bus.close()


def run(bench: conftest.Bench, calls: int) -> bool:
    """Run an analyzer for so many calls; say whether it was at its end."""
    stop = threading.Event()
    one = analyzer.Analyzer(
        Fused(bench.bus, Fuse(calls)),  # type: ignore[arg-type]
        options.Settings(prefix='t.', state_every=5, batch=40),
    )
    watch = threading.Timer(3, stop.set)
    watch.start()
    try:
        one.run(stop)
    except Crash:
        return False
    finally:
        watch.cancel()
    return True


def crash_at(
    bench: conftest.Bench,
    points: Iterable[int],
    streams: Streams,
    expected: Expected,
    hours: Expected,
) -> None:
    """Crash at each point, one after the other, and then be well."""
    bench.publish(streams, 0)
    for calls in points:
        run(bench, calls)
    assert run(bench, 10**9)
    bench.wait_for(expected, 1)
    assert bench.hours() == hours


def test_it_tells_the_same_wherever_it_ended(
    bench: conftest.Bench,
    streams: Streams,
    expected: Expected,
    hours: Expected,
) -> None:
    points = [*range(1, 50, 4), 77, 121, 180]
    crash_at(bench, points, streams, expected, hours)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_it_tells_the_same_wherever_it_ended_at_length(
    bench: conftest.Bench,
    streams: Streams,
    expected: Expected,
    hours: Expected,
) -> None:
    points = [*range(80), *range(80, 400, 3)]
    crash_at(bench, points, streams, expected, hours)


def test_what_cannot_be_used_is_a_dead_letter_with_its_place(
    bench: conftest.Bench, streams: Streams, expected: dict[str, list[bytes]]
) -> None:
    producer = bench.bus.producer()
    bad = {
        b'': 'empty',
        b'{"schema":"kvm_insight.sample/2","host":"x"}': 'the future',
        b'{"schema":"kvm_insight.sample/1"}': 'too little',
        b'\xff\xfe': 'no text',
    }
    name = 't.' + topic.SAMPLES
    offsets = [
        (producer.publish(name, 'rack/0', value).result(5), value)
        for value in bad
    ]
    stranger = codec.encode(streams['rack/1'][0])
    offsets.append(
        (producer.publish(name, 'rack/0', stranger).result(5), stranger)
    )
    producer.close()
    bench.publish(streams, 0)
    assert run(bench, 10**9)
    bench.wait_for(expected, 1)
    letters = [
        codec.decode(one, dead_letter.DeadLetter)
        for one in bench.read(topic.DEAD_LETTER)
    ]
    assert [(one.offset, one.head) for one in letters] == [
        (offset, value[: dead_letter.HEAD]) for offset, value in offsets
    ]
    assert {one.topic for one in letters} == {name}
    assert all(one.reason for one in letters)
