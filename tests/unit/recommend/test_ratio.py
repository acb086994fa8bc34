# SPDX-License-Identifier: Apache-2.0
"""How many vCPUs a host's CPUs can carry, from what waited."""

import dataclasses
import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import usage
from kvm_insight.recommend import ratio

RULES = ratio.Settings()
UUID = '11111111-2222-4333-8444-555555555555'


def hours(
    *,
    allocated: float,
    per_vcpu: float,
    carries: float = math.inf,
    count: int = 400,
) -> list[ratio.HostHour]:
    """Hosts of 32 CPUs; what is wanted above what they carry waits."""
    chance = numpy.random.default_rng(1)
    result = []
    for _ in range(count):
        wanted = 32 * allocated * per_vcpu * chance.uniform(0.5, 1.0)
        over = max(0.0, wanted - 32 * carries)
        result.append(
            ratio.HostHour(32, 32, 32 * allocated, wanted, over / wanted)
        )
    return result


def advised(
    measured: list[ratio.HostHour], current: float = 4.0
) -> ratio.Advice:
    return ratio.advise('general', current, measured, RULES)


def test_where_instances_wait_the_ratio_is_lowered_to_what_is_carried() -> (
    None
):
    """At 4 vCPUs per CPU one is wanted of each, 0.85 are carried."""
    found = advised(hours(allocated=4.0, per_vcpu=0.25, carries=0.85))
    assert (found.change, found.reason) == ('lower', 'waits')
    assert found.carried_ratio == pytest.approx(0.89, abs=0.02)
    assert found.advised == pytest.approx(3.5, abs=0.11)
    assert found.waited_ratio > RULES.bearable_ratio


def test_one_advice_goes_only_so_far() -> None:
    found = advised(hours(allocated=4.0, per_vcpu=0.8, carries=0.85))
    assert found.advised == 3.2


def test_no_ratio_is_below_one() -> None:
    found = advised(
        hours(allocated=1.1, per_vcpu=2.0, carries=0.5), current=1.1
    )
    assert found.advised >= 1.0


def test_where_nobody_waits_and_there_is_room_it_is_raised_by_a_step() -> None:
    found = advised(hours(allocated=4.0, per_vcpu=0.05))
    assert (found.change, found.advised, found.reason) == (
        'raise',
        5.0,
        'room',
    )


def test_where_cores_are_full_it_stays_though_nobody_waits() -> None:
    found = advised(hours(allocated=4.0, per_vcpu=0.21))
    assert (found.change, found.reason) == ('keep', 'bearable')
    assert found.advised == 4.0


def test_a_ratio_that_is_not_used_is_not_raised() -> None:
    found = advised(hours(allocated=2.0, per_vcpu=0.05))
    assert (found.change, found.reason) == ('keep', 'not_used')


def test_what_no_ratio_explains_changes_none() -> None:
    """One host waits at little demand: a neighbour, no overcommit."""
    measured = hours(allocated=4.0, per_vcpu=0.05)
    measured[:20] = [
        dataclasses.replace(one, waited_ratio=0.3) for one in measured[:20]
    ]
    assert advised(measured).change in ('keep', 'lower')
    assert advised(measured).change != 'raise'


def test_with_siblings_a_cpu_carries_less() -> None:
    plain = hours(allocated=4.0, per_vcpu=0.15)
    siblings = [
        dataclasses.replace(one, effective_cores=20.0) for one in plain
    ]
    assert advised(plain).change == 'raise'
    assert advised(siblings).change == 'keep'


@pytest.mark.parametrize('current', [math.nan, 0.0, -1.0])
def test_without_a_ratio_there_is_no_advice(current: float) -> None:
    measured = hours(allocated=4.0, per_vcpu=0.25)
    assert advised(measured, current).change == 'unknown'


def test_of_less_than_a_week_of_hours_nothing_is_said() -> None:
    few = hours(allocated=4.0, per_vcpu=0.25, count=RULES.hours - 1)
    assert advised(few).reason == 'too_little_known'
    assert advised([]).change == 'unknown'


def test_hours_that_cannot_be_do_not_count() -> None:
    good = hours(allocated=4.0, per_vcpu=0.05)
    bad = [
        dataclasses.replace(good[0], wanted_cores=math.nan),
        dataclasses.replace(good[0], cpus=0.0),
        dataclasses.replace(good[0], vcpus=-1.0),
        dataclasses.replace(good[0], waited_ratio=1.5),
        dataclasses.replace(good[0], effective_cores=math.inf),
    ]
    assert advised(good + bad) == advised(good)


@given(
    st.floats(1.0, 16.0),
    st.floats(0.001, 1.0),
    st.floats(0.1, 2.0),
    st.floats(1.0, 16.0),
)
def test_advice_stays_within_a_step(
    allocated: float, per_vcpu: float, carries: float, current: float
) -> None:
    measured = hours(allocated=allocated, per_vcpu=per_vcpu, carries=carries)
    found = advised(measured, current)
    assert found.advised <= current * RULES.step + 1e-9
    assert found.advised >= 1.0 or found.advised == current
    if found.change == 'lower':
        assert found.waited_ratio > RULES.bearable_ratio
    if found.change == 'raise':
        assert found.waited_ratio <= RULES.bearable_ratio


def record(measured_us: int = usage.HOUR_US) -> usage.HostUsage:
    cpu = usage.Cpu(
        measured_us=measured_us,
        run_us=3 * measured_us,
        polled_us=measured_us,
        delay_us=3 * measured_us,
        throttled_us=measured_us,
    )
    return usage.HostUsage(
        host='compute-1',
        start_us=0,
        agent_id='a',
        first_sequence=1,
        last_sequence=2,
        measured_us=measured_us,
        cpus=8,
        instances=[usage.Instance(uuid=UUID, vcpus=4, cpu=cpu)],
    )


def test_an_hour_of_usage_is_told_without_polling_and_quota() -> None:
    found = ratio.host_hour(record(), 2, RULES.coverage)
    assert found == ratio.HostHour(8, 5.0, 4, 4.0, 0.5)


def test_an_hour_that_was_hardly_measured_does_not_count() -> None:
    assert ratio.host_hour(record(usage.HOUR_US // 3), 1, 0.5) is None
    empty = usage.HostUsage(
        host='compute-1',
        start_us=0,
        agent_id='a',
        first_sequence=1,
        last_sequence=2,
        measured_us=usage.HOUR_US,
        cpus=8,
    )
    assert ratio.host_hour(empty, 1, 0.5) is None
