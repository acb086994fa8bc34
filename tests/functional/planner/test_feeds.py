# SPDX-License-Identifier: Apache-2.0
"""From findings on the bus to marks and files, with a planner and a feeder."""

import contextlib
import json
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kvm_insight import feeder, planner
from kvm_insight.bus import topic
from kvm_insight.cmd import cluster_file, insight
from kvm_insight.conf import feed as feed_options
from kvm_insight.conf import planner as options
from kvm_insight.feed import crew, port, recommendation_file, snapshot
from kvm_insight.model import codec, control, inventory, mark
from kvm_insight.recommend import limits, watermarks
from tests.functional.planner import conftest
from tests.scenario import small_cloud as cloud

AT_ONCE = watermarks.Watermarks(sustain_s=0, calm_s=0)


class Recorder:
    """A feed in the planner that keeps what it was told."""

    newest_only = False
    runs_in = 'planner'

    def __init__(self) -> None:
        self.told: list[port.Told] = []
        self.cleared = 0

    def would(self, told: port.Told) -> Iterator[str]:
        yield ''

    def write(self, told: port.Told, may: port.May) -> None:
        if told.marks is not None and may():
            self.told.append(told)

    def clear(self, may: port.May) -> list[str]:
        self.cleared += 1
        return []

    def close(self) -> None:
        """Nothing is held."""

    @property
    def marked(self) -> list[str]:
        """Return the hosts that were marked last."""
        marks = self.told[-1].marks if self.told else None
        return [one.host for one in marks.hosts] if marks else []


@contextlib.contextmanager
def running(work: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def planning(
    bench: conftest.Bench, feed: Recorder, **more: port.Feed
) -> contextlib.AbstractContextManager[None]:
    """Let a planner run that marks at once."""

    def work(stop: threading.Event) -> None:
        feeds = crew.Crew({'recorder': feed, **more})
        settings = options.Settings(
            prefix=bench.prefix,
            cycle_s=0.3,
            limits=limits.Limits(marks=AT_ONCE),
        )
        read = cluster_file.ClusterFile(bench.cluster_file).read
        planner.Planner(bench.bus, settings, read, None, feeds).run(stop)
        feeds.close()

    return running(work)


def feeding(
    bench: conftest.Bench, folder: pathlib.Path
) -> contextlib.AbstractContextManager[None]:
    """Let a feeder run that writes all the time."""

    def publish(name: str, key: str, value: bytes) -> None:
        raise AssertionError(name)

    settings = {
        'snapshot_path': str(folder / 'nova.json'),
        'recommendations_path': str(folder / 'recommendations.json'),
        'region': 'r',
    }
    made = feeder.Feeder(
        bench.bus,
        feed_options.Settings(prefix=bench.prefix, write_every_s=0.2),
        {
            'nova': snapshot.Snapshot(settings, publish),
            'watcher': recommendation_file.RecommendationFile(
                settings, publish
            ),
        },
    )
    return running(made.run)


def hot_in(folder: pathlib.Path) -> dict[str, bool] | None:
    """Return hot hosts -> whether they are marked, as Nova would read it."""
    try:
        hosts = json.loads((folder / 'nova.json').read_text())['hosts']
    except FileNotFoundError:
        return None
    return {name: one['marked'] for name, one in hosts.items()}


def moves_in(folder: pathlib.Path) -> dict[str, Any]:
    """Return what Watcher would read."""
    return dict(json.loads((folder / 'recommendations.json').read_text()))


def cool(bench: conftest.Bench) -> None:
    """Let all hosts tell that nobody waits any more."""
    now_us = time.time_ns() // 1000
    told = cloud.reports(bench.guests, [], conftest.HOSTS, now_us)
    bench.publish(topic.HOSTS, {one.host: one for one in told})


def test_a_hot_host_gets_into_the_snapshot_and_out_when_it_cooled(
    bench: conftest.Bench,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = Recorder()
    over = 'alarm: over'
    with planning(bench, feed), feeding(bench, tmp_path):
        # Three are hot; of the six with and the six without an aggregate
        # one each may be marked.
        expected = {'0': True, '1': True, '2': False}
        bench.wait_for(lambda: hot_in(tmp_path) == expected)
        assert feed.marked == ['r/0', 'r/1']
        marks = feed.told[-1].marks
        assert marks is not None
        (alarm,) = marks.alarms
        assert (alarm.group, alarm.hosts, alarm.held) == ('', 6, ['r/2'])
        # Of another topic than the marks, and so maybe not yet read.
        bench.wait_for(lambda: moves_in(tmp_path)['recommendations'])
        assert moves_in(tmp_path)['generation'] == marks.generation
        # Of all cycles until now the log says it once.
        bench.wait_for(lambda: len(feed.told) > 2)
        assert caplog.text.count('hot and not marked: r/2') == 1
        assert over not in caplog.text
        cool(bench)
        bench.wait_for(lambda: hot_in(tmp_path) == {})
        bench.wait_for(lambda: feed.marked == [])
        bench.wait_for(lambda: caplog.text.count(over) == 1)


def test_the_next_planner_keeps_the_marks_of_the_one_before(
    bench: conftest.Bench,
) -> None:
    first, second = Recorder(), Recorder()
    with planning(bench, first):
        bench.wait_for(lambda: first.marked == ['r/0', 'r/1'])
    before = first.told[-1].marks
    with planning(bench, second):
        bench.wait_for(lambda: second.told)
    after = second.told[0].marks
    assert before is not None
    assert after is not None
    since = {one.host: one.since_us for one in before.hosts}
    assert {one.host: one.since_us for one in after.hosts} == since
    assert after.generation > before.generation


def test_marks_of_a_planner_that_was_succeeded_do_not_count(
    bench: conftest.Bench, tmp_path: pathlib.Path
) -> None:
    now_us = time.time_ns() // 1000
    status = inventory.PlannerStatus(
        generation=7, time_us=now_us, state='planning'
    )
    late = mark.Marks(
        generation=6,
        time_us=now_us,
        hosts=[mark.Mark(host='r/5', heat=1.0, since_us=1)],
    )
    bench.publish(topic.INVENTORY, {'planner': status})
    bench.publish(topic.INVENTORY, {'marks': late})
    with feeding(bench, tmp_path):
        bench.wait_for(lambda: hot_in(tmp_path) is not None)
    assert hot_in(tmp_path) == {'0': False, '1': False, '2': False}


def test_what_is_old_is_left_out(bench: conftest.Bench) -> None:
    now_us = time.time_ns() // 1000
    marks = mark.Marks(
        generation=1,
        time_us=now_us,
        hosts=[mark.Mark(host='r/0', heat=1.0, since_us=1)],
    )
    bench.publish(topic.INVENTORY, {'marks': marks})
    one = feeder.Feeder(
        bench.bus, feed_options.Settings(prefix=bench.prefix), {}
    )
    assert one.now().marks == marks
    later = one.told(now_us + 901 * 1_000_000)
    assert (later.marks, dict(later.heats), later.standing) == (None, {}, [])


def test_clear_holds_for_planners_and_schedulers_until_it_is_taken_back(
    bench: conftest.Bench, tmp_path: pathlib.Path
) -> None:
    feed = Recorder()

    def say(name: str) -> control.Order:
        return control.Order(
            kind='feed_off', about='feed', subject=name, made_us=1
        )

    with planning(bench, feed), feeding(bench, tmp_path):
        bench.wait_for(lambda: feed.told and hot_in(tmp_path))
        bench.say(say('nova'))
        bench.say(say('recorder'))
        bench.wait_for(lambda: hot_in(tmp_path) is None)
        bench.wait_for(lambda: feed.cleared)
        bench.wait_for(
            lambda: bench.statuses()[-1].feeds == {'recorder': 'off'}
        )
        told = len(feed.told)
        producer = bench.bus.producer()
        producer.publish(
            bench.prefix + topic.CONTROL, control.key(say('nova')), None
        )
        producer.flush(20)
        producer.close()
        bench.wait_for(lambda: hot_in(tmp_path))
        assert len(feed.told) == told


def test_garbage_on_the_topics_is_passed_over(
    bench: conftest.Bench, tmp_path: pathlib.Path
) -> None:
    producer = bench.bus.producer()
    for name in (topic.HOSTS, topic.INVENTORY, topic.CONTROL):
        for value in (b'', b'{"schema":"other/1"}', b'\xff'):
            producer.publish(bench.prefix + name, 'x', value)
    producer.flush(20)
    producer.close()
    with feeding(bench, tmp_path):
        bench.wait_for(lambda: hot_in(tmp_path))


@pytest.fixture
def told_bus(tmp_path: pathlib.Path) -> conftest.Bench:
    """A standalone's bus on which a planner has marked a host."""
    made = conftest.on_embedded(tmp_path)
    made.bus.create_topics(topic.layout(topic.PREFIX, partitions=1))
    made.prefix = topic.PREFIX
    made.describe()
    now_us = time.time_ns() // 1000
    marks = mark.Marks(
        generation=1,
        time_us=now_us,
        hosts=[mark.Mark(host='r/0', heat=0.55, since_us=1)],
        alarms=[mark.Alarm(group='ssd', hosts=5, allowed=1, held=['r/2'])],
    )
    status = inventory.PlannerStatus(
        generation=1,
        time_us=now_us,
        state='planning',
        feeds={'placement': 'Placement answers 503'},
    )
    made.publish(topic.INVENTORY, {'marks': marks, 'planner': status})
    return made


def test_the_tool_shows_clears_and_lets_write_again(
    told_bus: conftest.Bench,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / 'kvm-insight.conf'
    config.write_text(
        f'[feed]\nactive = nova\nregion = r\n'
        f'snapshot_path = {tmp_path}/nova.json\n'
    )

    def tool(*words: str) -> tuple[int, str]:
        files = ['--state', str(tmp_path), '--config-file', str(config)]
        code = insight.main(['feed', *words, *files])
        return code, capsys.readouterr().out

    code, said = tool('show')
    assert code == 3
    assert 'r/0   0.55  yes     0.60 cores lost' in said
    assert 'ALARM: aggregate ssd: 1 of 5 hosts' in said
    assert 'feed placement: Placement answers 503' in said
    assert json.loads(tool('show', '--json')[1])['generation'] == 1
    code, said = tool('dry-run')
    assert (code, '0: heat 0.55, marked' in said) == (0, True)
    assert not (tmp_path / 'nova.json').exists()
    (tmp_path / 'nova.json').write_text('{}')
    code, said = tool('clear')
    assert code == 0
    assert f'nova: deleted {tmp_path}/nova.json' in said
    assert 'told to be silent' in tool('show')[1]
    words = [
        codec.decode(one, control.Order).subject
        for one in told_bus.records(topic.CONTROL)
    ]
    assert {'nova', 'watcher', 'placement'} <= set(words)
    assert 'nova: may write again' in tool('on', 'nova')[1]
    assert '"kvm-insight feed on nova"' not in tool('show')[1]
    assert insight.main(['feed', 'clear', 'nobody', '--state', str(tmp_path)])


@pytest.mark.parametrize('names', [[], ['placement']])
def test_clear_says_what_cannot_be_taken_back_from_here(
    names: list[str],
    told_bus: conftest.Bench,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / 'kvm-insight.conf'
    words = ['feed', 'clear', *names, '--state', str(tmp_path)]
    words += ['--config-file', str(config)]
    why = 'placement: nothing is taken back from here: '
    # Where it is not on, it may never have been.
    config.write_text('[feed]\nactive = nova\nregion = r\n')
    assert insight.main(words) == 0
    assert (
        f'{why}[feed] active = placement: [cloud] is not'
        in capsys.readouterr().out
    )
    config.write_text('[feed]\nactive = nova, placement\nregion = r\n')
    assert insight.main(words) == 1
    told = capsys.readouterr()
    assert f'{why}[feed] active = placement: [cloud] is not' in told.err
    assert 'silent until' in told.out
    assert why not in told.out
