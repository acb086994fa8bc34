# SPDX-License-Identifier: Apache-2.0
"""What the services say in a day: of a simulated host really, and of many
others in such numbers that something is under way whenever it is stopped."""

import dataclasses
import pathlib
import random
import threading
import time

from kvm_insight import analyzer
from kvm_insight.bus import driver, port, tail, topic
from kvm_insight.cmd import outlet
from kvm_insight.conf import analyzer as options
from kvm_insight.model import codec, control, inventory, sample, usage
from kvm_insight.simulate import scenario, simulation
from tests.unit.store import made

PARTITIONS = 2
HOSTS = 8
HOURS = 30
_MINUTE_US = 60_000_000


@dataclasses.dataclass(frozen=True)
class Word:
    """One record that somebody publishes."""

    topic: str
    key: str
    value: bytes | None
    timestamp_ms: int


def word(name: str, key: str, one: sample.Wire | None, at_us: int) -> Word:
    value = None if one is None else codec.encode(one)
    return Word(name, key, value, at_us // 1000)


def layout(prefix: str) -> list[port.Topic]:
    """Return topics that forget nothing, so that each word counts."""
    return [
        dataclasses.replace(one, compacted=False, retention_s=None)
        for one in topic.layout(prefix, partitions=PARTITIONS)
    ]


def analyzed(folder: pathlib.Path) -> list[Word]:
    """Return what a real analyzer says of a simulated host on which somebody
    suffers, while one hour ends."""
    bus = driver.open_bus('embedded', {'path': str(folder / 'bus.db')})
    bus.create_topics(layout('s.'))
    (scene,) = scenario.build('chronic', 1, cpus=4, hours=0.4)
    begin_us = made.START_US - 800_000_000
    agent = dataclasses.replace(scene.agent, begin_us=begin_us)
    scene = dataclasses.replace(scene, agent=agent)
    with outlet.to_bus(bus, 's.' + topic.SAMPLES) as out:
        for one in simulation.Simulation(scene).samples():
            out.take(one)
    stop = threading.Event()
    judge = analyzer.Analyzer(bus, options.Settings(prefix='s.'))
    thread = threading.Thread(target=judge.run, args=(stop,))
    thread.start()
    until = time.monotonic() + 60
    while not _said(bus, topic.USAGE) and time.monotonic() < until:
        time.sleep(0.2)
    stop.set()
    thread.join(20)
    names = (topic.USAGE, topic.HOSTS, topic.FINDINGS)
    found = [one for name in names for one in _said(bus, name)]
    bus.close()
    assert {one.topic for one in found} == set(names)
    return found


def _said(bus: port.Bus, name: str) -> list[Word]:
    reader = tail.Tail(bus, ['s.' + name])
    try:
        return [
            Word(name, one.key or '', one.value, one.timestamp_ms)
            for one in reader.begin(0)
        ]
    finally:
        reader.close()


def invented() -> list[Word]:
    """Return a day of some hosts, as golden records have it."""
    chance = random.Random(7)
    words: list[Word] = []
    for minute in range(HOURS):
        for number in range(HOSTS):
            # No two at the same time: which one is newer must be plain.
            at_us = made.START_US + minute * _MINUTE_US + number
            words += _of_host(f'r/{number}', minute, at_us, chance)
    words += _of_planner()
    return words


def _of_host(
    host: str, minute: int, at_us: int, chance: random.Random
) -> list[Word]:
    guests = tuple(sorted(chance.sample(range(9), 3)))
    raw = made.report(host, at_us - made.START_US, guests)
    hour = made.hour(host, minute)
    name = f'{host}-{minute // 6}'
    found = made.incident(name, minute % 6, closed=minute % 6 == 5)
    # Of each second host itself, of the others' guests.
    setup = made.setup(
        f'{host}/setup',
        host,
        int(host[-1]) if int(host[-1]) % 2 else None,
        minute,
        closed=minute % 3 == 2,
    )
    words = [
        word(topic.USAGE, host, hour, hour.start_us + usage.HOUR_US),
        Word(topic.HOSTS, host, raw, at_us // 1000),
        word(topic.FINDINGS, name, found, at_us),
        word(topic.FINDINGS, setup.id, setup, at_us),
    ]
    # Now and then one comes twice, as after an outage.
    return words + chance.sample(words, chance.randrange(2))


def _of_planner() -> list[Word]:
    at_us = made.START_US
    words = []
    for number in range(12):
        name = f'advice-{number}'
        for step, state in enumerate(('proposed', 'approved', 'executed')):
            one = made.advice(name, step, state)
            words.append(word(topic.RECOMMENDATIONS, name, one, at_us + step))
        mute = made.mute(f'r/{number}', 'ann')
        words.append(word(topic.CONTROL, control.key(mute), mute, at_us))
    for kind, of in inventory.KINDS.items():
        golden = made.golden(kind.split('.')[1].split('/')[0], of)
        key = inventory.key(golden)
        words.append(word(topic.INVENTORY, key, golden, at_us))
    # What is taken back: an advice, a word, an outlook, a host, a finding.
    mute = made.mute('r/1', 'ann')
    for name, key in (
        (topic.RECOMMENDATIONS, 'advice-3'),
        (topic.CONTROL, control.key(mute)),
        (topic.HOSTS, 'r/7'),
        (topic.FINDINGS, 'r/7-4'),
        (topic.FINDINGS, 'r/4/setup'),
    ):
        words.append(word(name, key, None, at_us + 10**10))
    return words
