# SPDX-License-Identifier: Apache-2.0
"""How fast real guests dirty their memory, measured when somebody asks."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab import guest

from kvm_insight.bus import topic
from kvm_insight.model import codec, control, host_report, sample
from tests import hearing

MIB = 1 << 20
#: What one guest writes anew in each second.
WRITTEN = 24
IDLE = '600:2'


def memory(one: sample.Sample, uuid: str) -> sample.Memory:
    (found,) = [x for x in one.domains if x.uuid == uuid]
    return found.memory or sample.Memory()


def ask(watched: Any, *uuids: str, since_us: int = 0) -> None:
    """Say it on the bus, as a planner does."""
    now_us = time.time_ns() // 1000 - since_us
    producer = watched._bus.producer()
    for uuid in uuids:
        one = control.Order(
            kind='dirty_rate',
            about='instance',
            subject=uuid,
            by='planner',
            made_us=now_us,
            ends_us=now_us + 60_000_000,
        )
        name = topic.PREFIX + topic.CONTROL
        producer.publish(name, control.key(one), codec.encode(one))
    producer.flush(10)
    producer.close()


def answered(uuid: str) -> Callable[[sample.Sample], bool]:
    return lambda one: memory(one, uuid).dirty_rate_age_us is not None


@contextlib.contextmanager
def analyzer(watched: Any) -> Iterator[None]:
    """An analyzer beside the agent, by the same file."""
    code = 'import sys; from kvm_insight.cmd import analyzer; '
    code += 'sys.exit(analyzer.main())'
    words = [sys.executable, '-c', code, '--config-file', str(watched.config)]
    with (watched.folder / 'analyzer.log').open('a') as log:
        child = subprocess.Popen(words, stderr=log)
    try:
        yield
    finally:
        child.terminate()
        child.wait(20)


def rates_in_reports(watched: Any) -> dict[str, int]:
    """What an analyzer told of dirty rates."""
    told = hearing.values(watched._bus, topic.PREFIX + topic.HOSTS)
    return {
        each.uuid: each.dirty_rate_bytes_s
        for value in told
        for each in codec.decode(value, host_report.HostReport).instances
        if each.dirty_rate_bytes_s is not None
    }


@pytest.fixture
def pair(guests: Any) -> list[guest.Guest]:
    """One that writes, one that rests."""
    made = [
        guests.start('writes', '0-1', IDLE, dirty=WRITTEN, memory_mib=192),
        guests.start('rests', '0-1', IDLE, memory_mib=192),
    ]
    guests.wait_booted()
    until = time.monotonic() + 60
    while guests.lab.console('writes').count('dirtied') < 3:
        assert time.monotonic() < until, guests.lab.console('writes')
        time.sleep(0.3)
    return made


def test_what_is_asked_for_is_measured_and_told_and_nothing_else(
    pair: list[guest.Guest], watch: Any, guests: Any
) -> None:
    writes, rests = (one.uuid for one in pair)
    agent = watch(
        guests.lab, agent__dirty_rates='true', analyzer__report_every_s='1'
    )
    first = agent.more(2)[-1]
    assert memory(first, writes).dirty_rate_age_us is None
    nobody = '00000000-0000-4000-8000-000000000000'
    ask(agent, nobody, writes)
    found = memory(agent.wait(answered(writes), 40), writes)
    rate = (found.dirty_rate_bytes_s or 0) / MIB
    console = guests.lab.console('writes')
    assert WRITTEN * 0.4 <= rate <= WRITTEN * 2.5, (rate, console[-400:])
    assert memory(agent.samples[-1], rests).dirty_rate_age_us is None
    ask(agent, rests)
    found = memory(agent.wait(answered(rests), 40), rests)
    assert (found.dirty_rate_bytes_s or 0) / MIB < WRITTEN * 0.3
    older, newer = agent.more(2)
    age_us = memory(older, rests).dirty_rate_age_us
    assert age_us is not None
    assert age_us < (memory(newer, rests).dirty_rate_age_us or 0)
    with analyzer(agent):
        until = time.monotonic() + 30
        while not {writes, rests} <= rates_in_reports(agent).keys():
            assert time.monotonic() < until, rates_in_reports(agent)
            time.sleep(0.3)
    assert rates_in_reports(agent)[writes] / MIB == rate


def test_an_order_that_is_over_and_an_agent_that_may_not_measure_nothing(
    pair: list[guest.Guest], watch: Any, guests: Any
) -> None:
    uuid = pair[0].uuid
    silent = watch(guests.lab)
    eager = watch(guests.lab, agent__dirty_rates='true')
    silent.more(1)
    eager.more(1)
    ask(silent, uuid)
    ask(eager, uuid, since_us=120_000_000)
    for one in (silent, eager):
        assert memory(one.more(6)[-1], uuid).dirty_rate_age_us is None
