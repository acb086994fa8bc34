# SPDX-License-Identifier: Apache-2.0
"""Six schedules, pinned and floating: the aggressor, nobody else, in time."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

import pytest

from tests.functional.main_job import conftest, script, stage, truth

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

Enter = Callable[..., contextlib.AbstractContextManager[truth.Consoles]]
Guest = script.Guest
Spans = dict[str, list[tuple[float, float]]]


def steady(cpu: str) -> script.Schedule:
    return script.Schedule(
        'steady',
        Guest('steady-agg', cpu, '40:3,90:100,600:3'),
        (Guest('steady-vic', cpu, '60:40'),),
        (Guest('steady-by', cpu, '60:5'),),
    )


def two_victims(cpu: str) -> script.Schedule:
    return script.Schedule(
        'two victims',
        Guest('two-agg', cpu, '50:3,90:100,600:3'),
        (Guest('two-vic1', cpu, '60:25'), Guest('two-vic2', cpu, '60:25')),
    )


def odd_periods(cpu: str) -> script.Schedule:
    return script.Schedule(
        'odd periods',
        Guest('odd-agg', cpu, '43:2,90:95,600:2', period=37),
        (Guest('odd-vic', cpu, '60:40', period=130),),
        (Guest('odd-by', cpu, '60:6', period=71),),
    )


def from_the_start(cpu: str) -> script.Schedule:
    return script.Schedule(
        'from the start',
        Guest('first-agg', cpu, '100:100,600:3'),
        (Guest('first-vic', cpu, '60:35'),),
        (Guest('first-by', cpu, '60:5'),),
    )


def floating(both: str) -> script.Schedule:
    return script.Schedule(
        'floating',
        Guest('float-agg', both, '40:3,90:100,600:3', vcpus=2, loops=2),
        (
            Guest('float-vic1', both, '60:45'),
            Guest('float-vic2', both, '60:45'),
        ),
        (Guest('float-by', both, '60:5'),),
    )


def mixed(one: str, both: str) -> script.Schedule:
    return script.Schedule(
        'floating aggressor, pinned victim',
        Guest('mix-agg', both, '40:3,90:100,600:3', vcpus=2, loops=2),
        (Guest('mix-vic', one, '60:40'),),
        (Guest('mix-by', both, '60:6'),),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """What was seen of schedules that were played at the same time."""

    schedules: list[script.Schedule]
    at: stage.Stage
    spans: Spans


@pytest.fixture(
    scope='module',
    params=['steady, two victims', 'floating', 'odd, at once', 'mixed'],
)
def act(
    request: pytest.FixtureRequest,
    play: conftest.Play,
    enter: Enter,
    cpus: tuple[int, int],
) -> Iterator[Act]:
    """Play one act; two schedules at once where each has a CPU alone."""
    one, other = map(str, cpus)
    both = f'{one},{other}'
    schedules = {
        'steady, two victims': [steady(one), two_victims(other)],
        'floating': [floating(both)],
        'odd, at once': [odd_periods(one), from_the_start(other)],
        'mixed': [mixed(other, both)],
    }[request.param]
    everybody = [one for each in schedules for one in each.guests]
    with play('act') as at, enter(*everybody) as consoles:
        spans = _wait_for_the_end(at, schedules, consoles)
        at.end()
        yield Act(schedules, at, spans)


def _wait_for_the_end(
    at: stage.Stage,
    schedules: list[script.Schedule],
    consoles: truth.Consoles,
) -> Spans:
    """Return when all aggressors were busy, some time after that."""
    names = [each.aggressor.name for each in schedules]
    end = time.monotonic() + 240
    while not all(map(consoles.was_busy, names)):
        assert time.monotonic() < end, 'the guests do not do their work'
        time.sleep(0.5)
    spans = {name: consoles.busy(name) for name in names}
    for each in schedules:
        _, last = spans[each.aggressor.name][0]
        at.reader.wait(each.is_over, last + 125)
    return spans


def test_each_aggressor_is_named_within_60_s(act: Act) -> None:
    for each in act.schedules:
        start, _ = act.spans[each.aggressor.name][0]
        times = [
            seen.at_s - start
            for seen in act.at.reader.seen
            if each.names_aggressor(seen.record)
        ]
        assert times, f'{each.name}: never named'
        assert times[0] <= 60, f'{each.name}: {times[0]:.0f} s'


def test_each_finding_closes_within_120_s(act: Act) -> None:
    closed = {
        seen.record.id: seen.at_s
        for seen in act.at.reader.seen
        if seen.record.state == 'closed'
    }
    for each in act.schedules:
        _, end = act.spans[each.aggressor.name][0]
        for seen in act.at.reader.seen:
            if each.names_aggressor(seen.record):
                assert seen.record.id in closed, each.name
                assert closed[seen.record.id] - end <= 120, each.name


def test_nobody_but_the_aggressors_is_ever_named(act: Act) -> None:
    guilty = {each.aggressor.uuid for each in act.schedules}
    wrong = [
        seen.record.summary
        for seen in act.at.reader.seen
        if script.named(seen.record) - guilty
    ]
    assert wrong == []


def test_a_replay_gives_the_same_bytes_as_live(act: Act) -> None:
    replayed = act.at.replay()
    assert stage.by_finding(replayed.splitlines()) == act.at.live()
