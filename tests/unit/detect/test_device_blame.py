# SPDX-License-Identifier: Apache-2.0
"""Who is blamed for a slow disk, a full memory, a full network."""

import dataclasses

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.detect import device_blame, device_settings, verdict
from kvm_insight.model import entity

VICTIM, NOISY, OTHER = (entity.domain(name) for name in 'vno')
ALL = (VICTIM, NOISY, OTHER, entity.HOST)
EACH = pytest.mark.parametrize('rules', device_settings.ALL)


def case(
    rules: device_settings.Rules,
    work: tuple[float, ...],
    usual: tuple[float, ...],
    **more: object,
) -> device_blame.Case:
    known = {
        'victim': 0,
        'entities': ALL,
        'work': numpy.array(work),
        'usual': numpy.array(usual),
        'spread': numpy.zeros(len(work)),
        'suffering': 0.6,
        'others_suffering': 0.6,
        'used': 0.0,
        'coverage': 1.0,
        'history': True,
    }
    return device_blame.Case(rules, **{**known, **more})  # type: ignore[arg-type]


def named(judged: verdict.Verdict) -> set[str]:
    return {blame.entity for blame in judged.named}


@EACH
def test_who_rose_is_named_and_who_always_did_much_is_not(
    rules: device_settings.Rules,
) -> None:
    judged = device_blame.judge(
        case(rules, (100, 900, 500, 0), (100, 50, 500, 0))
    )
    assert judged.verdict == 'antagonist'
    assert named(judged) == {NOISY}
    assert judged.confidence <= 0.95


@EACH
def test_a_small_one_that_rises_as_well_is_not_named(
    rules: device_settings.Rules,
) -> None:
    judged = device_blame.judge(
        case(rules, (100, 900, 60, 0), (100, 50, 10, 0))
    )
    assert named(judged) == {NOISY}


@EACH
def test_its_own_burst_is_nobody_elses_fault(
    rules: device_settings.Rules,
) -> None:
    judged = device_blame.judge(
        case(rules, (900, 110, 100, 0), (100, 100, 100, 0))
    )
    assert (judged.verdict, judged.cause) == ('self_inflicted', 'burst')
    assert not judged.named


@EACH
def test_all_at_once_is_nobodys_fault(rules: device_settings.Rules) -> None:
    ten = tuple(entity.domain(str(number)) for number in range(10))
    judged = device_blame.judge(
        case(rules, (300,) * 10, (100,) * 10, entities=ten)
    )
    assert (judged.verdict, judged.cause) == ('overcommit', 'crowded')


@EACH
def test_many_who_rise_a_little_are_a_crowd(
    rules: device_settings.Rules,
) -> None:
    many = tuple(entity.domain(str(number)) for number in range(200))
    judged = device_blame.judge(
        case(
            rules,
            (130,) * 199 + (3000,),
            (100,) * 199 + (1000,),
            entities=many,
        )
    )
    assert (judged.verdict, judged.cause) == ('overcommit', 'crowded')


@EACH
def test_who_rises_more_than_the_others_in_a_crowd_is_not_named(
    rules: device_settings.Rules,
) -> None:
    six = tuple(entity.domain(str(number)) for number in range(6))
    judged = device_blame.judge(
        case(rules, (200,) * 5 + (400,), (100,) * 5 + (125,), entities=six)
    )
    assert (judged.verdict, judged.cause) == ('overcommit', 'crowded')
    assert judged.others[0].entity == six[-1]


@EACH
def test_of_three_who_share_something_two_may_be_to_blame(
    rules: device_settings.Rules,
) -> None:
    judged = device_blame.judge(
        case(rules, (100, 600, 600, 0), (100, 50, 50, 0))
    )
    assert named(judged) == {NOISY, OTHER}


@EACH
def test_the_host_is_no_instance(rules: device_settings.Rules) -> None:
    judged = device_blame.judge(
        case(rules, (100, 100, 100, 900), (100, 100, 100, 50))
    )
    assert judged.verdict == 'host_process'
    assert named(judged) == {entity.HOST}


@EACH
def test_where_nobody_rose_nothing_is_known(
    rules: device_settings.Rules,
) -> None:
    judged = device_blame.judge(
        case(rules, (100, 100, 100, 0), (100, 100, 100, 0))
    )
    assert judged.verdict == 'unknown'
    assert judged.confidence <= 0.3


def test_its_own_limit_comes_before_all_others() -> None:
    judged = device_blame.judge(
        case(
            device_settings.DISK,
            (100, 900, 0, 0),
            (100, 50, 0, 0),
            used=0.95,
        )
    )
    assert (judged.verdict, judged.cause) == ('self_inflicted', 'limit')


def test_what_nobody_else_loses_is_not_what_they_share() -> None:
    full = case(
        device_settings.NETWORK,
        (100, 900, 0, 0),
        (100, 50, 0, 0),
        others_suffering=0.0,
    )
    assert device_blame.judge(full).verdict == 'unknown'
    own = dataclasses.replace(
        full,
        work=numpy.array([300.0, 900, 0, 0]),
        usual=numpy.array([10.0, 900, 0, 0]),
    )
    assert device_blame.judge(own).cause == 'burst'


@EACH
@settings(deadline=None)
@given(
    work=st.lists(
        st.one_of(st.floats(0, 1e12), st.just(float('nan'))),
        min_size=4,
        max_size=4,
    ),
    usual=st.lists(
        st.one_of(st.floats(0, 1e12), st.just(float('nan'))),
        min_size=4,
        max_size=4,
    ),
    suffering=st.floats(0.01, 1.0),
)
def test_nothing_breaks_it_and_nobody_within_the_usual_is_named(
    rules: device_settings.Rules,
    work: list[float],
    usual: list[float],
    suffering: float,
) -> None:
    judged = device_blame.judge(
        case(rules, tuple(work), tuple(usual), suffering=suffering)
    )
    assert 0 <= judged.confidence <= 0.95
    for blame in (*judged.named, *judged.others):
        assert 0 <= blame.blame <= 1
        at = ALL.index(blame.entity)
        assert work[at] > usual[at]
