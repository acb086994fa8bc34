# SPDX-License-Identifier: Apache-2.0
"""What advice about sizes saves, and that it never raises."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from kvm_insight.advise import check, registry
from kvm_insight.model import history, sizing, usage

from . import past
from .instance import week

HOURS = 28 * 24


def found(row: past.InstanceRow) -> dict[str, check.Outcome]:
    told = registry.of_instance(past.instance_case(row))
    return {one.asked.id: one.outcome for one in told}


def saving(outcome: check.Outcome) -> check.Saving:
    assert isinstance(outcome, check.Bad)
    assert outcome.saving is not None
    return outcome.saving


def test_who_is_too_large_saves_what_a_smaller_one_would_not_have() -> None:
    row = past.InstanceRow('', check.Bad, ((0.5, 100),))
    told = saving(found(row)['sizing.oversized'])
    assert (told.vcpus, told.memory_bytes) == (3, 0)
    assert told.core_s == 3 * HOURS * 3600


def test_who_is_idle_saves_all_and_is_told_of_once() -> None:
    row = past.InstanceRow('', check.Bad, ((0.01, 100),))
    told = found(row)
    assert saving(told['sizing.idle']) == check.Saving(
        4, 8 * past.GIB, 4.0 * HOURS * 3600
    )
    for other in ('sizing.oversized', 'sizing.left-running'):
        assert isinstance(told[other], check.NotConcerned)


def test_who_is_left_running_saves_nights_and_weekends() -> None:
    row = past.InstanceRow(
        '', check.Bad, sized={'week': past.week(week.office)}
    )
    told = saving(found(row)['sizing.left-running'])
    assert (told.vcpus, told.memory_bytes) == (0, 0)
    assert told.core_s == pytest.approx(4 * HOURS * 3600 * 108 / 168)


def test_who_is_too_small_saves_nothing() -> None:
    row = past.InstanceRow('', check.Bad, ((3.9, 100),))
    told = found(row)['sizing.undersized']
    assert isinstance(told, check.Bad)
    assert told.saving is None


def test_an_instance_without_a_history_cannot_be_told_of() -> None:
    one = history.Instance(uuid=past.UUID)
    told = registry.of_instance(check.InstanceCase(one))
    assert {type(each.outcome) for each in told} == {check.CannotTell}


_instances = st.builds(
    history.Instance,
    uuid=st.just(past.UUID),
    memory_bytes=st.none() | st.integers(0, 2**45),
    known_us=st.integers(0, 2**45),
    coverage=st.none() | st.floats(0, 1),
    sized=st.none()
    | st.builds(
        sizing.Sized,
        vcpus=st.integers(0, 64),
        since_us=st.just(0),
        measured_us=st.integers(0, 2**45),
        wanted_us=st.integers(0, 2**45),
        throttled_us=st.integers(0, 2**45),
        histogram=st.lists(
            st.tuples(st.integers(0, 300), st.integers(0, 10**6)), max_size=4
        ),
        week=st.sampled_from(
            [[], [(0, 0)] * 168, past.week(week.office), past.week(week.holey)]
        ),
    ),
    network=st.none()
    | st.builds(usage.Network, measured_us=st.integers(0, 9)),
    memory=st.none()
    | st.builds(
        usage.Memory,
        measured_us=st.integers(0, 2**45),
        peak_rss_bytes=st.none() | st.integers(0, 2**45),
    ),
)


@hypothesis.given(_instances)
def test_no_history_makes_a_check_raise_or_save_too_much(
    one: history.Instance,
) -> None:
    for each in registry.of_instance(check.InstanceCase(one)):
        bad: Any = each.outcome
        if isinstance(bad, check.Bad) and bad.saving is not None:
            assert one.sized is None or bad.saving.vcpus <= one.sized.vcpus
            assert bad.saving.memory_bytes <= (one.memory_bytes or 0)
            assert bad.saving.core_s >= 0


_guests = st.lists(
    st.builds(
        past.guest,
        st.sampled_from(['a', 'b', 'c']),
        st.floats(0, 8),
        st.integers(1, 40),
    ),
    max_size=4,
)


@hypothesis.given(st.lists(_guests, min_size=2, max_size=5))
def test_whoever_takes_guests_stays_within_its_limits(
    guests: list[list[history.Guest]],
) -> None:
    hosts = tuple(past.host(f'h{n}', *each) for n, each in enumerate(guests))
    [told] = registry.of_fleet(check.FleetCase(hosts))
    if not isinstance(told.outcome, check.Bad):
        return
    emptied = {name for name, _ in told.outcome.evidence}
    assert len(emptied) < len(hosts)
    moves = [
        (to, float(words.split()[0]), int(words.split()[2]))
        for _, text in told.outcome.evidence
        for part in text.split('MiB)')[:-1]
        for to, words in [part.lstrip(', ').split(' to ')[1].split(' (')]
    ]
    for one in hosts:
        cores = sum(each for to, each, _ in moves if to == one.name)
        mib = sum(each for to, _, each in moves if to == one.name)
        if not mib:
            continue
        assert one.name not in emptied
        cores += sum(each.p95_cores or 0 for each in one.guests)
        mib += sum((each.memory_bytes or 0) >> 20 for each in one.guests)
        assert cores <= 0.7 * one.cpus + 0.05
        assert mib <= 0.9 * 64 * 1024 - 2048
