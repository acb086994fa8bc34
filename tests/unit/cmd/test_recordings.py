# SPDX-License-Identifier: Apache-2.0
"""What record wrote, replay tells again: the same bytes as live."""

import argparse
import pathlib
import threading

import pytest

from kvm_insight import analyzer, exception
from kvm_insight.bus import embedded, port, topic
from kvm_insight.cmd import record, replay
from kvm_insight.conf import analyzer as options
from kvm_insight.model import codec, finding, inventory, sample
from tests.scenario import fair

#: The samples say 2023; the bus would drop them as too old.
LAYOUT = [
    port.Topic(topic.PREFIX + name, 2)
    for name in (
        topic.SAMPLES,
        topic.FINDINGS,
        topic.HOSTS,
        topic.USAGE,
        topic.STATE,
        topic.DEAD_LETTER,
    )
]


@pytest.fixture(scope='module')
def samples() -> list[sample.Sample]:
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,)),
        fair.Guest('noisy', ((100, 0), (100, 1.0)), (0,)),
        fair.Guest('other', ((1, 0.5),), (1,)),
    ]
    return list(fair.Host(guests).samples(500))


@pytest.fixture
def bus(tmp_path: pathlib.Path) -> embedded.Bus:
    made = embedded.connect({'path': str(tmp_path / 'bus.db')})
    assert isinstance(made, embedded.Bus)
    made.create_topics(LAYOUT)
    return made


def publish(bus: embedded.Bus, values: list[bytes]) -> None:
    producer = bus.producer()
    for value in values:
        producer.publish(topic.PREFIX + topic.SAMPLES, 'lab/one', value)
    producer.flush(20)
    producer.close()


def analyze(bus: embedded.Bus) -> list[bytes]:
    """Run an analyzer until all is looked at; return what it told."""
    told: list[bytes] = []
    stop = threading.Event()

    def keep(found: finding.Finding) -> None:
        told.append(codec.encode(found))

    one = analyzer.Analyzer(bus, options.Settings(state_every=9), keep)
    threading.Timer(2.0, stop.set).start()
    one.run(stop)
    return told


def command(*words: str) -> int:
    """Run a verb as the tool does, without configuration files."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    record.add(verbs)
    replay.add(verbs)
    args = parser.parse_args([*words])
    args.config_file = []
    return int(args.func(args))


@pytest.mark.parametrize('name', ['recording', 'recording.zst'])
def test_replay_tells_the_same_as_live(
    bus: embedded.Bus,
    samples: list[sample.Sample],
    tmp_path: pathlib.Path,
    name: str,
) -> None:
    values = [codec.encode(one) for one in samples]
    publish(bus, [*values[:20], b'{"broken', b'', *values[20:]])
    live = analyze(bus)
    assert len(live) > 5
    file = str(tmp_path / name)
    state = str(tmp_path)
    words = ['record', file, '--state', state, '--for', '1']
    assert command(*words, '--from-start') == 0
    for number in range(2):
        out = tmp_path / f'findings-{number}'
        assert command('replay', file, '--findings', str(out)) == 0
        assert out.read_bytes().splitlines() == live


def test_a_recording_begins_with_what_was_known(
    bus: embedded.Bus, samples: list[sample.Sample], tmp_path: pathlib.Path
) -> None:
    values = [codec.encode(one) for one in samples]
    publish(bus, values[:25])
    before = analyze(bus)
    file = str(tmp_path / 'recording')
    publish(bus, values[25:])
    words = ['record', file, '--state', str(tmp_path), '--for', '1']
    assert command(*words) == 0
    after = analyze(bus)
    assert before
    assert after
    out = tmp_path / 'findings'
    assert command('replay', file, '--findings', str(out)) == 0
    assert out.read_bytes().splitlines() == after


def tell_of_the_cohort(bus: embedded.Bus) -> None:
    """Let a planner have told that a small one rarely waits elsewhere."""
    small = fair.small_flavor()
    producer = bus.producer()
    name = topic.PREFIX + topic.INVENTORY
    producer.publish(name, 'planner', b'of no interest here')
    producer.publish(name, 'flavor/broken', b'{"schema":"kvm')
    producer.publish(name, inventory.key(small), codec.encode(small))
    producer.flush(20)
    producer.close()


@pytest.mark.parametrize('known_before', [True, False])
def test_what_was_usual_for_cohorts_is_in_a_recording(
    bus: embedded.Bus, tmp_path: pathlib.Path, known_before: bool
) -> None:
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,), flavor='small'),
        fair.Guest('noisy', ((1, 1.0),), (0,), flavor='small'),
        fair.Guest('other', ((1, 0.5),), (1,), flavor='small'),
    ]
    values = [codec.encode(one) for one in fair.Host(guests).samples(400)]
    bus.create_topics([port.Topic(topic.PREFIX + topic.INVENTORY, 1)])
    tell_of_the_cohort(bus)
    if not known_before:
        # What comes next is judged by what the state has of the cohort.
        publish(bus, values[:20])
        analyze(bus)
        values = values[20:]
    file = str(tmp_path / 'recording')
    words = ['record', file, '--state', str(tmp_path), '--for', '1']
    publish(bus, values)
    if not known_before:
        assert command(*words) == 0
    live = analyze(bus)
    if known_before:
        assert command(*words, '--from-start') == 0
    told = [codec.decode(one, finding.Finding) for one in live]
    last = [one for one in told if one.victim.name == 'victim'][-1]
    assert (last.verdict, last.cause) == ('antagonist', 'chronic')
    assert last.evidence.baseline_source == 'cohort'
    assert [one.party.name for one in last.aggressors] == ['noisy']
    out = tmp_path / 'findings'
    assert command('replay', file, '--findings', str(out)) == 0
    assert out.read_bytes().splitlines() == live


def test_a_recording_that_was_cut_off_is_read_to_its_last_whole_line(
    bus: embedded.Bus, samples: list[sample.Sample], tmp_path: pathlib.Path
) -> None:
    publish(bus, [codec.encode(one) for one in samples])
    file = tmp_path / 'recording'
    words = ['record', str(file), '--state', str(tmp_path), '--for', '1']
    assert command(*words) == 0
    file.write_bytes(file.read_bytes()[:-100])
    assert command('replay', str(file)) == 0


def test_what_is_no_recording_is_said_so(tmp_path: pathlib.Path) -> None:
    file = tmp_path / 'file'
    file.write_text('hello\nworld\n')
    with pytest.raises(exception.RecordDamaged, match='line 1'):
        command('replay', str(file))
    with pytest.raises(exception.ConfigError, match='No such file'):
        command('replay', str(tmp_path / 'absent'))
