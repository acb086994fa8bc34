# SPDX-License-Identifier: Apache-2.0
"""A report is the sum of its parts, and no gap is health."""

import math

import msgspec
import pytest
from hypothesis import given, settings

from kvm_insight.model import codec, tenant_report
from kvm_insight.report import tenant, value
from tests.unit.report import material

BEGIN_US, END_US = material.BEGIN_US, material.END_US
HOUR_US = material.HOUR_US


def report(
    made_of: value.Material, made_us: int = END_US
) -> tenant_report.TenantReport:
    return tenant.report(made_of, material.NOVEMBER, made_us)


@settings(max_examples=30)
@given(material.any_material())
def test_totals_are_the_sums_of_the_parts(made_of: value.Material) -> None:
    one = report(made_of)
    cpus = [each.cpu for each in one.instances]
    for name in ('measured_s', 'run_core_s', 'wanted_core_s', 'waited_core_s'):
        whole = math.fsum(getattr(cpu, name) for cpu in cpus)
        assert getattr(one.totals.cpu, name) == pytest.approx(whole, abs=5e-4)
    slots = math.fsum(slot.run_core_s for slot in one.timeline)
    runs = math.fsum(each.sums.run_us / 1e6 for each in made_of.stretches)
    assert slots == pytest.approx(runs, abs=0.01)
    known = math.fsum(slot.known_s for slot in one.timeline)
    assert known == pytest.approx(one.totals.known_s, abs=0.1)


@settings(max_examples=30)
@given(material.any_material())
def test_causes_add_up_to_the_wait(made_of: value.Material) -> None:
    one = report(made_of)
    for cpu in (one.totals.cpu, *(each.cpu for each in one.instances)):
        parts = msgspec.structs.astuple(cpu.causes)
        assert math.fsum(parts) == pytest.approx(cpu.waited_core_s, abs=0.05)


@settings(max_examples=30)
@given(material.any_material())
def test_a_report_comes_back_as_it_was(made_of: value.Material) -> None:
    one = report(made_of)
    again = codec.decode(codec.encode(one), tenant_report.TenantReport)
    assert again == one


def test_time_without_data_is_never_covered() -> None:
    silent = material.use(cpu=value.Sums())
    half = material.use(
        material.TWO, material.sums(measured_us=(END_US - BEGIN_US) // 2)
    )
    one = report(material.of(silent, half))
    assert [each.coverage for each in one.instances] == [0.0, 0.5]
    assert one.totals.coverage == 0.25
    assert one.instances[0].cpu.waited_ratio is None
    assert any('75 % of the time since your' in n for n in one.notes)


def test_measured_twice_does_not_cover_what_another_one_misses() -> None:
    doubled = material.sums(measured_us=2 * (END_US - BEGIN_US))
    one = report(
        material.of(
            material.use(cpu=doubled),
            material.use(material.TWO, cpu=value.Sums()),
        )
    )
    assert one.totals.coverage == 0.5


def test_who_is_not_known_to_be_gone_is_there_until_now() -> None:
    heard = BEGIN_US + HOUR_US
    use = material.use(last_seen_us=heard, cpu=material.sums())
    now = BEGIN_US + 4 * HOUR_US
    (one,) = report(material.of(use), now).instances
    assert (one.known_s, one.coverage) == (4 * 3600.0, 0.25)
    left = material.use(last_seen_us=heard, gone=True, cpu=material.sums())
    (one,) = report(material.of(left), now).instances
    assert (one.known_s, one.coverage) == (3600.0, 1.0)


def test_who_was_not_there_in_the_period_has_no_coverage() -> None:
    left = material.use(
        first_seen_us=BEGIN_US - 2 * HOUR_US,
        last_seen_us=BEGIN_US - HOUR_US,
        gone=True,
        cpu=value.Sums(),
    )
    one = report(material.of(left))
    assert one.instances[0].coverage is None
    assert one.totals.coverage is None


def test_the_longest_waits_come_first_and_say_for_whom() -> None:
    waits = tuple(
        value.Stretch(
            BEGIN_US + number * HOUR_US,
            HOUR_US,
            material.sums(run_us=10**9, delay_us=number * 10**9),
            material.ONE,
        )
        for number in range(20)
    )
    told = report(material.of(material.use(), worst=waits)).worst
    assert len(told) == tenant.WORST
    assert told[0].waited_core_s == 19_000.0
    assert told[0].waited_ratio == 0.95
    assert {one.cause for one in told} == {'other_projects'}


def test_a_stretch_belongs_to_where_it_begins() -> None:
    last = value.Stretch(END_US - HOUR_US, HOUR_US, material.sums(run_us=1))
    after = value.Stretch(END_US, HOUR_US, material.sums(run_us=10**9))
    one = report(material.of(stretches=(last, after)))
    assert len(one.timeline) == 30
    assert sum(slot.measured_s for slot in one.timeline) == 3600.0


def test_a_period_that_is_not_over_says_so() -> None:
    one = report(material.of(material.use()), END_US - 1)
    assert any('not over' in note for note in one.notes)
    assert any('Nothing was checked' in n for n in one.notes)


def test_before_the_first_hour_is_over_it_says_when_to_look_again() -> None:
    silent = material.of(material.use(cpu=value.Sums()))
    now_us = BEGIN_US + HOUR_US // 2
    assert any(
        'after the full hour' in n for n in report(silent, now_us).notes
    )
    assert not any('full hour' in n for n in report(silent).notes)
    measured = material.of(material.use())
    notes = report(measured, now_us).notes
    assert any('An hour is written when it is over' in n for n in notes)
