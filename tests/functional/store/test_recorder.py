# SPDX-License-Identifier: Apache-2.0
"""Recorders and databases that die, hang and come back: nothing is lost,
nothing is there twice, and nobody need help."""

import random
import signal
import time
from typing import Any

import msgspec
import pytest

from kvm_insight.bus import topic
from kvm_insight.model import codec, dead_letter
from kvm_insight.store import schema
from tests import hearing, kept
from tests.functional.store import conftest, stream
from tests.unit.store import made

Clean = dict[str, Any]
Words = list[stream.Word]


def test_a_real_server_has_the_same_as_a_file(
    bench: conftest.Bench, url: str, words: Words, clean: Clean
) -> None:
    bench.publish(words)
    with conftest.filled(url) as database:
        assert schema.difference(database) == []
        bench.start(url)
        bench.wait(database)
        assert kept.differences(kept.settled(database), clean) == []


def test_a_server_that_is_killed_under_load_loses_nothing(
    bench: conftest.Bench,
    server: conftest.Server,
    url: str,
    words: Words,
    clean: Clean,
) -> None:
    third = len(words) // 3
    with conftest.filled(url) as database:
        bench.start(url, batch=3)
        for begin in range(0, len(words), third):
            before = conftest.reached(database)
            bench.publish(words[begin : begin + third])
            until = time.monotonic() + 30
            # It is at work: some of these are written, and not all.
            while conftest.reached(database) == before:
                assert time.monotonic() < until
                time.sleep(0.02)
            server.kill()
            time.sleep(0.5)
            server.up()
            assert bench.workers[0].poll() is None
        bench.wait(database)
        assert kept.differences(kept.settled(database), clean) == []


def test_a_recorder_that_is_killed_anywhere_doubles_nothing(
    bench: conftest.Bench, url: str, words: Words, clean: Clean
) -> None:
    chance = random.Random(3)
    bench.publish(words)
    with conftest.filled(url) as database:
        for _ in range(4):
            before = conftest.reached(database)
            number = bench.start(url, batch=3)
            until = time.monotonic() + 30
            while conftest.reached(database) == before:
                assert time.monotonic() < until
                time.sleep(0.02)
            time.sleep(chance.uniform(0, 0.3))
            bench.kill(number)
        bench.start(url)
        bench.wait(database)
        assert kept.differences(kept.settled(database), clean) == []


def test_two_recorders_share_and_one_that_hangs_does_no_harm(
    bench: conftest.Bench, url: str, words: Words, clean: Clean
) -> None:
    half = len(words) // 2
    with conftest.filled(url) as database:
        first, _ = bench.start(url, batch=5), bench.start(url, batch=5)
        bench.publish(words[:half])
        bench.wait(database)
        bench.publish(words[half : half + half // 2])
        bench.signal(first, signal.SIGSTOP)
        bench.publish(words[half + half // 2 :])
        time.sleep(conftest.SESSION_S + 1)
        bench.signal(first, signal.SIGCONT)
        bench.wait(database)
        assert kept.differences(kept.settled(database), clean) == []


def test_two_recorders_on_kafka(
    kafka: conftest.Bench,
    servers: Any,
    words: Words,
    clean: Clean,
) -> None:
    with (
        conftest.on(servers('postgresql')) as url,
        conftest.filled(url) as database,
    ):
        first = kafka.start(url, batch=20)
        kafka.start(url, batch=20)
        kafka.publish(words)
        time.sleep(2)
        kafka.kill(first)
        kafka.start(url)
        kafka.wait(database, 90)
        assert kept.differences(kept.settled(database), clean) == []


def test_what_cannot_be_written_is_a_dead_letter_and_stops_nothing(
    bench: conftest.Bench, url: str, words: Words, clean: Clean
) -> None:
    bad = msgspec.structs.replace(made.hour('r/0', 99), cpus=2**40)
    poison = [
        stream.word(topic.USAGE, 'r/0', bad, made.START_US),
        stream.Word(topic.HOSTS, 'r/1', b'\xff', 0),
        stream.Word(topic.INVENTORY, 'x', b'{"schema":"k.inventory_x/1"}', 0),
    ]
    half = len(words) // 2
    bench.publish([*words[:half], *poison, *words[half:]])
    with conftest.filled(url) as database:
        bench.start(url)
        bench.wait(database)
        assert kept.differences(kept.settled(database), clean) == []
    letters = [
        codec.decode(one, dead_letter.DeadLetter)
        for one in hearing.values(bench.bus, bench.prefix + topic.DEAD_LETTER)
    ]
    found = {one.topic.removeprefix(bench.prefix) for one in letters}
    assert found == {topic.USAGE, topic.HOSTS, topic.INVENTORY}
    assert len(letters) == 3
    assert 'out of range' in next(
        one.reason.lower() for one in letters if one.topic.endswith('usage')
    )


@pytest.mark.parametrize('kind', conftest.KINDS)
def test_a_recorder_that_begins_without_a_database_waits_for_it(
    bench: conftest.Bench,
    servers: Any,
    words: Words,
    clean: Clean,
    kind: str,
) -> None:
    server = servers(kind)
    with conftest.on(server) as url, conftest.filled(url) as database:
        server.down()
        bench.publish(words)
        number = bench.start(url)
        time.sleep(3)
        assert bench.workers[number].poll() is None
        server.up()
        bench.wait(database)
        assert kept.differences(kept.settled(database), clean) == []
