# SPDX-License-Identifier: Apache-2.0
"""Who is blamed, and who never is."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.detect import confidence, settings, suspect, verdict
from kvm_insight.model import entity

RULES = settings.Settings()
VICTIM = entity.domain('v')
NOISY = entity.domain('n')
OTHER = entity.domain('o')


def one(
    who: str, cores: float, entitled: float = 0.5, **more: object
) -> suspect.Suspect:
    known: dict[str, object] = {'threads': 1, 'overlap': 1.0}
    return suspect.Suspect(
        who,
        cores=cores,
        entitled=entitled,
        **{**known, **more},  # type: ignore[arg-type]
    )


def case(
    victim: suspect.Suspect, *others: suspect.Suspect, **more: object
) -> suspect.Case:
    row = {it.entity: it.charged_us for it in others if it.charged_us}
    known: dict[str, object] = {
        'cpus': 1,
        'delay_us': 1_000_000,
        'quota_us': 0,
        'row': row or {it.entity: 1_000_000 for it in others[:1]},
        'source': 'ebpf',
        'confidence': 1.0,
        'coverage': 1.0,
        'history': False,
    }
    return suspect.Case(victim, others, **{**known, **more})  # type: ignore[arg-type]


def judge(
    victim: suspect.Suspect, *others: suspect.Suspect, **more: object
) -> verdict.Verdict:
    return verdict.judge(case(victim, *others, **more), RULES)


def names(judged: verdict.Verdict) -> set[str]:
    return {blame.entity for blame in judged.named}


def test_full_speed_over_its_entitlement_is_named() -> None:
    judged = judge(one(VICTIM, 0.5), one(NOISY, 1.0, charged_us=1_000_000))
    assert judged.verdict == 'antagonist'
    assert names(judged) == {NOISY}
    assert judged.confidence <= 0.7


def test_a_victim_slightly_over_its_own_is_still_a_victim() -> None:
    judged = judge(
        one(VICTIM, 0.6, 0.4), one(NOISY, 1.0, 0.4, charged_us=1_000_000)
    )
    assert names(judged) == {NOISY}


def test_one_within_its_entitlement_is_never_named() -> None:
    judged = judge(one(VICTIM, 1.0), one(OTHER, 0.5, charged_us=1_000_000))
    assert judged.verdict == 'self_inflicted'
    assert judged.cause == 'burst'
    assert not judged.named


@given(st.floats(0, 4), st.floats(0, 4), st.floats(0.05, 4), st.booleans())
def test_nobody_is_named_who_never_ran_while_it_waited(
    mine: float, others: float, entitled: float, rose: bool
) -> None:
    judged = judge(
        one(VICTIM, mine),
        one(NOISY, others, entitled, usual=0.0, charged_us=0),
        one(OTHER, 0.2, charged_us=1_000_000),
        rose=rose,
    )
    assert NOISY not in names(judged)


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 2), st.floats(0.01, 2))
def test_a_throttled_guests_neighbours_are_blamed_for_nothing(
    mine: float, others: float, usual: float, entitled: float
) -> None:
    judged = judge(
        one(VICTIM, mine),
        one(NOISY, others, entitled, usual=usual, charged_us=400_000),
        quota_us=600_000,
    )
    assert (judged.verdict, judged.cause) == ('self_inflicted', 'quota')
    assert not judged.named


def test_who_was_always_so_is_not_who_did_it() -> None:
    steady = one(OTHER, 0.9, usual=0.9, charged_us=500_000)
    fresh = one(NOISY, 1.0, usual=0.0, charged_us=500_000)
    judged = judge(
        one(VICTIM, 0.5, usual=0.5), steady, fresh, cpus=2, rose=True
    )
    assert names(judged) == {NOISY}


def test_history_outweighs_the_entitlement() -> None:
    steady = one(OTHER, 1.0, usual=1.0, history=True, charged_us=900_000)
    judged = judge(one(VICTIM, 0.5), steady, history=True)
    assert not judged.named


def test_with_a_history_a_rise_is_blamed_and_a_level_never() -> None:
    heavy = one(
        OTHER, 1.9, threads=2, ran=1.9, usually_ran=1.9, charged_us=700_000
    )
    fresh = one(NOISY, 0.4, ran=0.4, usually_ran=0.0, charged_us=300_000)
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        heavy,
        fresh,
        cpus=2,
        history=True,
        suffering=0.4,
        usual=0.1,
    )
    assert names(judged) == {NOISY}
    assert judged.named[0].blame == pytest.approx(0.75)


@pytest.mark.parametrize(('glimpsed', 'named'), [(1.0, set()), (0.0, {NOISY})])
def test_what_one_was_seen_to_do_is_no_excess_though_little_is_known_of_it(
    glimpsed: float, named: set[str]
) -> None:
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        one(NOISY, 1.0, ran=1.0, glimpsed=glimpsed, charged_us=1_000_000),
        history=True,
        suffering=0.4,
        usual=0.1,
    )
    assert names(judged) == named


@pytest.mark.parametrize(('usually', 'named'), [(1.9, set()), (0.9, {NOISY})])
def test_one_that_came_lately_waits_for_who_rose_and_not_for_who_was_there(
    usually: float, named: set[str]
) -> None:
    loud = one(
        NOISY, 2.5, threads=4, ran=1.9, usually_ran=usually, charged_us=10
    )
    calm = one(OTHER, 0.4, ran=0.4, usually_ran=0.4, charged_us=10)
    judged = judge(
        one(VICTIM, 0.5, ran=0.4), loud, calm, cpus=2, suffering=0.3
    )
    assert names(judged) == named


@pytest.mark.parametrize('roams', [True, False])
def test_who_takes_cpus_is_on_no_queue_of_one_that_can_go_elsewhere(
    roams: bool,
) -> None:
    taker = one(NOISY, 4.0, threads=4, ran=3.9, usually_ran=0.2)
    crowded = one(OTHER, 2.5, ran=2.3, usually_ran=1.8, charged_us=900_000)
    judged = judge(
        one(VICTIM, 0.8, ran=0.6, usually_ran=0.7),
        taker,
        crowded,
        cpus=16,
        history=True,
        suffering=0.3,
        roams=roams,
    )
    assert names(judged) == ({NOISY} if roams else {OTHER})


def test_a_host_that_was_on_no_queue_took_nothing() -> None:
    busy = one(entity.HOST, 4.0, ran=3.9, usually_ran=0.2, charged_us=9_000)
    crowded = one(OTHER, 2.5, ran=2.3, usually_ran=1.8, charged_us=900_000)
    judged = judge(
        one(VICTIM, 0.8, ran=0.6, usually_ran=0.7),
        busy,
        crowded,
        cpus=16,
        history=True,
        suffering=0.3,
        roams=True,
    )
    assert names(judged) == {OTHER}


def test_a_burst_like_those_before_is_no_news_and_shields_no_bystander() -> (
    None
):
    bursty = one(
        NOISY,
        0.9,
        ran=0.9,
        usually_ran=0.3,
        rarely_above=0.7,
        charged_us=700_000,
    )
    small = one(OTHER, 0.35, ran=0.35, usually_ran=0.1, charged_us=300_000)
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        bursty,
        small,
        history=True,
        suffering=0.4,
    )
    assert not judged.named
    assert judged.verdict == 'overcommit'


def test_who_took_next_to_nothing_is_not_named() -> None:
    small = one(NOISY, 0.2, ran=0.2, usually_ran=0.1, charged_us=900_000)
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        small,
        history=True,
        suffering=0.4,
    )
    assert not judged.named


@pytest.mark.parametrize(
    ('rise', 'usual', 'named'),
    [(0.16, 0.0, True), (0.16, 0.3, False), (0.18, 0.3, True)],
)
def test_a_small_excess_names_where_it_made_much_of_the_wait(
    rise: float, usual: float, named: bool
) -> None:
    small = one(NOISY, rise, ran=rise, usually_ran=0.0, charged_us=900_000)
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        small,
        one(OTHER, 0.3, ran=0.3, usually_ran=0.24, charged_us=900_000),
        history=True,
        suffering=0.4,
        usual=usual,
    )
    assert bool(judged.named) is named


@pytest.mark.parametrize(('rise', 'narrow'), [(0.2, True), (0.3, False)])
def test_what_a_burst_of_a_minute_makes_is_narrow(
    rise: float, narrow: bool
) -> None:
    small = one(NOISY, rise, ran=rise, usually_ran=0.0, charged_us=900_000)
    victim = one(VICTIM, 0.5, ran=0.3, usually_ran=0.5)
    judged = judge(victim, small, history=True, suffering=0.4)
    assert names(judged) == {NOISY}
    assert judged.is_narrow(RULES) is narrow
    assert not verdict.unknown(0.3).is_narrow(RULES)


@pytest.mark.parametrize(
    ('charged_us', 'excess'), [(233_000, 0.23), (60_000, None)]
)
def test_of_who_ran_elsewhere_counts_what_the_row_shows_of_it(
    charged_us: int, excess: float | None
) -> None:
    spread = one(
        NOISY,
        3.9,
        threads=4,
        ran=2.9,
        usually_ran=0.2,
        overlap=0.25,
        charged_us=charged_us,
    )
    heavy = one(
        OTHER, 0.9, ran=0.3, usually_ran=0.3, charged_us=1000_000 - charged_us
    )
    judged = judge(
        one(VICTIM, 0.2, ran=0.05, usually_ran=0.05),
        spread,
        heavy,
        history=True,
        suffering=0.5,
        usual=0.4,
    )
    assert names(judged) == ({NOISY} if excess else set())
    if excess:
        assert judged.named[0].excess == pytest.approx(excess, abs=0.02)


def test_names_that_are_wrong_more_often_than_right_are_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = 'antagonist/ebpf/history'
    monkeypatch.setitem(confidence.TABLES, kind, ((0.5, 0.4), (1.0, 0.4)))
    noisy = one(NOISY, 1.0, ran=1.0, usually_ran=0.1, charged_us=900_000)
    victim = one(VICTIM, 0.5, ran=0.3, usually_ran=0.5)
    judged = judge(victim, noisy, history=True, suffering=0.4)
    assert judged.verdict == 'unknown'
    assert not judged.named
    assert [blame.entity for blame in judged.others] == [NOISY]
    goes_on = judge(
        victim,
        noisy,
        history=True,
        suffering=0.4,
        incumbents=frozenset({NOISY}),
    )
    assert names(goes_on) == {NOISY}


def test_with_a_history_waiting_longer_is_no_excess() -> None:
    queued = one(OTHER, 1.6, ran=0.4, usually_ran=0.6, charged_us=900_000)
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.3),
        queued,
        history=True,
        suffering=0.4,
    )
    assert judged.verdict == 'overcommit'


def test_with_a_history_ones_own_rise_is_ones_own_doing() -> None:
    judged = judge(
        one(VICTIM, 2.0, ran=1.2, usually_ran=0.1),
        one(OTHER, 0.9, ran=0.7, usually_ran=0.4, charged_us=900_000),
        history=True,
        suffering=0.4,
    )
    assert (judged.verdict, judged.cause) == ('self_inflicted', 'burst')


def test_with_a_history_a_rise_of_all_is_nobodys() -> None:
    crowd = [
        one(
            entity.domain(str(n)),
            0.6,
            ran=0.6,
            usually_ran=0.4,
            charged_us=300_000,
        )
        for n in range(3)
    ]
    judged = judge(
        one(VICTIM, 0.9, ran=0.6, usually_ran=0.4),
        *crowd,
        cpus=2,
        history=True,
        suffering=0.4,
    )
    assert (judged.verdict, judged.cause) == ('overcommit', 'crowded')
    assert not judged.named


def test_with_a_history_two_may_be_named() -> None:
    pair = [
        one(who, 1.0, ran=1.0, usually_ran=0.0, charged_us=400_000)
        for who in (NOISY, OTHER)
    ]
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        *pair,
        cpus=2,
        history=True,
        suffering=0.4,
    )
    assert names(judged) == {NOISY, OTHER}


def test_threads_that_wait_for_one_another() -> None:
    judged = judge(
        one(VICTIM, 1.0, threads=2),
        one(OTHER, 0.1, charged_us=50_000),
        row={VICTIM: 900_000, OTHER: 50_000},
    )
    assert (judged.verdict, judged.cause) == ('self_inflicted', 'own_threads')


def test_the_hosts_own_service_is_named() -> None:
    backup = entity.service('backup')
    judged = judge(
        one(VICTIM, 0.5),
        one(entity.HOST, 1.0, 0.2, charged_us=900_000),
        row={backup: 800_000, entity.HOST: 100_000},
    )
    assert judged.verdict == 'host_process'
    assert names(judged) == {backup}


def test_what_was_the_hosts_stays_so_where_another_is_a_little_ahead() -> None:
    backup = entity.service('backup')
    parties = [
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        one(
            entity.HOST,
            0.6,
            0.2,
            ran=0.6,
            usually_ran=0.1,
            charged_us=400_000,
        ),
        one(NOISY, 0.8, ran=0.8, usually_ran=0.25, charged_us=500_000),
    ]
    row = {backup: 400_000, NOISY: 500_000}
    known: dict[str, Any] = {
        'cpus': 2,
        'row': row,
        'history': True,
        'suffering': 0.4,
    }
    assert names(judge(*parties, **known)) == {NOISY}
    told = judge(*parties, **known, incumbents=frozenset({backup}))
    assert told.verdict == 'host_process'
    assert names(told) == {backup}


@pytest.mark.parametrize(
    ('usual', 'told'), [(0.02, 'host_process'), (0.36, 'unknown')]
)
def test_without_a_ledger_the_host_is_told_of_where_it_made_the_wait(
    usual: float, told: str
) -> None:
    judged = judge(
        one(VICTIM, 0.5, ran=0.3, usually_ran=0.5),
        one(entity.HOST, 0.9, 0.2, ran=0.9, usually_ran=0.1),
        one(OTHER, 0.5, ran=0.4, usually_ran=0.5),
        source=None,
        row={},
        cpus=2,
        history=True,
        suffering=0.4,
        usual=usual,
    )
    assert judged.verdict == told


def test_without_a_ledger_it_is_no_crowd_where_one_alone_rose() -> None:
    crowd = [
        one(entity.domain(str(n)), 0.9, 0.3, ran=0.9, usually_ran=0.9)
        for n in range(3)
    ]
    rose = one(NOISY, 0.9, 0.3, ran=0.72, usually_ran=0.5)
    for others, told in (([], 'overcommit'), ([rose], 'unknown')):
        judged = judge(
            one(VICTIM, 0.5, 0.3, ran=0.3, usually_ran=0.5),
            *crowd,
            *others,
            source=None,
            row={},
            cpus=2,
            history=True,
            suffering=0.4,
            usual=0.1,
        )
        assert judged.verdict == told
        assert [blame.entity for blame in judged.others] == [
            it.entity for it in others
        ]


def test_a_busy_service_that_the_ledger_does_not_show_is_not_named() -> None:
    judged = judge(
        one(VICTIM, 0.5),
        one(NOISY, 1.0, charged_us=950_000),
        one(entity.HOST, 1.0, 0.1, charged_us=50_000),
        row={NOISY: 950_000, entity.HOST: 50_000},
        busiest=entity.service('backup'),
    )
    assert names(judged) == {NOISY}


def test_a_weak_sampled_row_neither_names_nor_clears() -> None:
    weak = {
        'source': 'sampled',
        'confidence': 0.2,
        'row': {OTHER: 1_000_000},
    }
    judged = judge(one(VICTIM, 0.5), one(NOISY, 1.0), one(OTHER, 0.2), **weak)
    assert names(judged) == {NOISY}
    assert judged.confidence < 0.45


def test_little_load_and_no_ledger_is_unknown() -> None:
    judged = judge(
        one(VICTIM, 0.2), one(OTHER, 0.1), source=None, row={}, cpus=2
    )
    assert (judged.verdict, judged.cause) == (
        'unknown',
        'insufficient_evidence',
    )


def test_many_small_ones_are_a_crowd() -> None:
    crowd = [
        one(entity.domain(str(n)), 0.5, 0.3, usual=0.1, charged_us=200_000)
        for n in range(5)
    ]
    judged = judge(one(VICTIM, 0.5, 0.3, usual=0.1), *crowd, cpus=2)
    assert (judged.verdict, judged.cause) == ('overcommit', 'crowded')
    assert not judged.named
    assert judged.others


def test_one_who_is_named_stays_so_on_less() -> None:
    weaker = one(NOISY, 0.85, 0.5, charged_us=1_000_000, usual=0.5)
    told = case(one(VICTIM, 0.3), weaker, cpus=1)
    before = verdict.judge(told, RULES)
    again = dataclasses.replace(told, incumbents=frozenset({NOISY}))
    assert NOISY not in names(before) or names(before) == {NOISY}
    assert names(verdict.judge(again, RULES)) == {NOISY}


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.floats(0.01, 3), st.floats(0, 1)),
        max_size=6,
    )
)
def test_blame_and_confidence_are_parts(
    others: list[tuple[float, float, float]],
) -> None:
    suspects = [
        one(entity.domain(str(n)), cores, entitled, overlap=overlap)
        for n, (cores, entitled, overlap) in enumerate(others)
    ]
    judged = judge(one(VICTIM, 0.7), *suspects, cpus=2, row={VICTIM: 1})
    assert 0 <= judged.confidence <= 1
    for blame in (*judged.named, *judged.others):
        assert 0 <= blame.blame <= 1
        assert blame.excess >= 0
