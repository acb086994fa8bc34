# SPDX-License-Identifier: Apache-2.0
"""Ticks and sweeps: no drift, no alias, no making up."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.observe import schedule

SETTINGS = schedule.Settings(interval_s=10.0, tick_s=1.0, survey_s=10.0)


def play(
    plan: schedule.Schedule, until_s: float, costs: dict[str, float]
) -> list[tuple[float, str]]:
    """Make each step as soon as it is due; a step takes its cost."""
    now = 0.0
    steps: list[tuple[float, str]] = []
    while True:
        due, step = plan.next()
        now = max(now, due)
        if now > until_s:
            return steps
        steps.append((now, step))
        now += costs.get(step, 0.0)
        plan.done(step, now)


def test_sweeps_stand_on_a_grid_however_long_they_take() -> None:
    plan = schedule.Schedule(SETTINGS, 0.0, random.Random(1).random)
    steps = play(plan, 600, {'sweep': 0.7, 'tick': 0.01})
    sweeps = [at for at, step in steps if step == 'sweep']
    assert len(sweeps) == 60
    # A tick that is under way may hold one up, but not the next.
    for number, at in enumerate(sweeps, start=1):
        assert 0 <= at - 10.0 * number <= 0.01


def test_libvirt_is_asked_once_and_a_second_before_each_sweep() -> None:
    plan = schedule.Schedule(SETTINGS, 0.0, random.Random(1).random)
    steps = play(plan, 100, {})
    asks = [at for at, step in steps if step == 'ask']
    assert asks == [10.0 * number - 1 for number in range(1, 11)]


@given(seed=st.integers(0, 2**32))
def test_ticks_jitter_by_a_few_percent_and_no_more(seed: int) -> None:
    plan = schedule.Schedule(SETTINGS, 0.0, random.Random(seed).random)
    steps = play(plan, 200, {})
    ticks = [at for at, step in steps if step == 'tick']
    pauses = [b - a for a, b in itertools.pairwise(ticks)]
    assert min(pauses) > 0.949
    assert max(pauses) < 2.11
    assert len(set(pauses)) > len(pauses) / 2
    assert 170 <= len(ticks) <= 211


def test_after_the_host_slept_nothing_is_made_up_for() -> None:
    plan = schedule.Schedule(SETTINGS, 0.0, lambda: 0.5)
    assert play(plan, 5, {})
    plan.done('tick', 3605.0)
    steps: list[tuple[float, str]] = []
    now = 3605.0
    while len(steps) < 4:
        due, step = plan.next()
        now = max(now, due)
        steps.append((now, step))
        plan.done(step, now)
    sweeps = [at for at, step in steps if step == 'sweep']
    assert sweeps == [3605.0]
    due, step = plan.next()
    assert due > 3605.0


def test_a_short_interval_has_a_shorter_lead() -> None:
    plan = schedule.Schedule(
        schedule.Settings(interval_s=1.0, tick_s=0.4, survey_s=1.0),
        0.0,
        lambda: 0.5,
    )
    steps = play(plan, 3.0, {})
    assert [at for at, step in steps if step == 'ask'] == [0.75, 1.75, 2.75]


def test_what_is_slow_or_dear_is_read_at_each_third_sweep() -> None:
    settings = schedule.Settings(interval_s=10.0, tick_s=1.0, survey_s=30.0)
    plan = schedule.Schedule(settings, 0.0, lambda: 0.5)
    now, surveys, asks = 0.0, [], []
    while now < 125:
        now, step = plan.next()
        if step == 'sweep' and plan.survey:
            surveys.append(now)
        if step == 'ask':
            asks.append(now)
        plan.done(step, now)
    assert surveys == [30.0, 60.0, 90.0, 120.0]
    assert asks == [29.0, 59.0, 89.0, 119.0]


def surveys(plan: schedule.Schedule, sweeps: int) -> list[int]:
    """Return which of so many sweeps are surveys."""
    found = []
    for number in range(1, sweeps + 1):
        if plan.survey:
            found.append(number)
        due_s, step = plan.next()
        while step != 'sweep':
            plan.done(step, due_s)
            due_s, step = plan.next()
        plan.done(step, due_s)
    return found


def test_guests_at_rest_are_surveyed_half_as_often_until_one_works() -> None:
    settings = schedule.Settings(survey_s=30.0)
    plan = schedule.Schedule(settings, 0.0, random.Random(1).random)
    assert surveys(plan, 7) == [3, 6]
    plan.rest(True)
    assert surveys(plan, 10) == [5]
    plan.rest(False)
    assert surveys(plan, 4) == [1, 4]


def test_who_wants_each_sweep_a_survey_gets_it_at_rest_too() -> None:
    plan = schedule.Schedule(SETTINGS, 0.0, random.Random(1).random)
    plan.rest(True)
    assert surveys(plan, 3) == [1, 2, 3]


def test_ticks_at_which_nothing_is_measured_are_rarer() -> None:
    plan = schedule.Schedule(SETTINGS, 0.0, random.Random(1).random)
    plan.look_only(True)
    steps = play(plan, 200, {})
    looks = [at for at, step in steps if step == 'tick']
    assert 80 <= len(looks) <= 106
