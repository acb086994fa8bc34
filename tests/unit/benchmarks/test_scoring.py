# SPDX-License-Identifier: Apache-2.0
"""What counts as right when findings are held to the truth."""

import pytest

from benchmarks import scoring
from kvm_insight.simulate import label

MINUTE = 60 * scoring.MICRO
VICTIM = '11111111-1111-1111-1111-111111111111'
NOISY = 'domain:22222222-2222-2222-2222-222222222222'
OTHER = 'domain:33333333-3333-3333-3333-333333333333'
OPEN = 'domain:44444444-4444-4444-4444-444444444444'


@pytest.fixture
def truth() -> scoring.Truth:
    windows = [
        label.Window(
            start_us=begin * MINUTE,
            end_us=(begin + 5) * MINUTE,
            suffering=0.4,
            is_victim=True,
            verdict='antagonist',
            causes=[
                label.Cause(entity=NOISY, spared=0.9, share=0.8, guilty=True),
                label.Cause(entity=OPEN, spared=0.2, share=0.2),
            ],
        )
        for begin in (30, 35)
    ]
    episode = label.Episode(
        victim=VICTIM,
        resource='cpu',
        start_us=30 * MINUTE,
        end_us=40 * MINUTE,
        verdict='antagonist',
        guilty={NOISY: (30 * MINUTE, 40 * MINUTE)},
    )
    track = label.Track(victim=VICTIM, resource='cpu', windows=windows)
    return scoring.Truth(
        label.Labels(
            host='h',
            kind='antagonist',
            seed=1,
            family='slices',
            start_us=0,
            end_us=60 * MINUTE,
            window_us=5 * MINUTE,
            warm_us=25 * MINUTE,
            tracks=[track],
            episodes=[episode],
        )
    )


def said(
    *named: str, since: float = 30, told: float = 31, until: float = 40
) -> scoring.Statement:
    return scoring.Statement(
        VICTIM,
        'cpu',
        'antagonist' if named else 'overcommit',
        None if named else 'crowded',
        frozenset(named),
        0.9,
        'kind',
        None,
        round(since * MINUTE),
        round(told * MINUTE),
        round(until * MINUTE),
    )


def test_the_guilty_one_named_in_time_is_right(truth: scoring.Truth) -> None:
    tally = scoring.score(truth, [said(NOISY)])
    assert (tally.right, tally.wrong, tally.found, tally.missed) == (
        1,
        0,
        1,
        0,
    )
    assert tally.times_s == [60]
    assert tally.sure == [(0.9, True, 'kind')]


def test_another_one_named_is_wrong_and_the_guilty_one_missed(
    truth: scoring.Truth,
) -> None:
    tally = scoring.score(truth, [said(OTHER)])
    assert (tally.right, tally.wrong, tally.found, tally.missed) == (
        0,
        1,
        0,
        1,
    )
    assert tally.sure == [(0.9, False, 'kind')]


def test_one_who_is_left_open_counts_neither_way(truth: scoring.Truth) -> None:
    tally = scoring.score(truth, [said(NOISY, OPEN)])
    assert (tally.right, tally.wrong, tally.open) == (1, 0, 1)


def test_nobody_named_is_a_miss(truth: scoring.Truth) -> None:
    tally = scoring.score(truth, [said()])
    assert (tally.found, tally.missed) == (0, 1)
    assert tally.classes == {('antagonist', 'overcommit'): 1}


def test_a_name_after_the_end_is_wrong(truth: scoring.Truth) -> None:
    late = said(NOISY, since=41, told=42, until=44)
    tally = scoring.score(truth, [late])
    assert (tally.right, tally.wrong, tally.missed) == (0, 1, 1)
    assert tally.victims_wrong == 1


def test_what_was_over_before_there_was_a_history_is_left_out(
    truth: scoring.Truth,
) -> None:
    early = said(OTHER, since=2, told=3, until=10)
    assert scoring.score(truth, [early]).wrong == 0
    assert scoring.score(truth, [early], history=False).wrong == 1


def test_one_naming_after_the_other_is_one() -> None:
    turns = [said(NOISY, until=33), said(NOISY, OTHER, told=33.5)]
    named = scoring.namings(turns)
    assert sorted((one.entity, one.told_us // MINUTE) for one in named) == [
        (NOISY, 31),
        (OTHER, 33),
    ]


def test_one_who_is_named_again_after_a_break_is_named_twice() -> None:
    turns = [
        said(NOISY, told=31, until=33),
        said(OTHER, told=31.5, until=50),
        said(NOISY, told=40, until=42),
        said(NOISY, told=42.5, until=44),
    ]
    named = scoring.namings(turns)
    assert [
        (one.entity, one.told_us // MINUTE, one.until_us // MINUTE)
        for one in named
    ] == [(NOISY, 31, 33), (OTHER, 31, 50), (NOISY, 40, 44)]


def test_the_error_of_calibration_is_that_of_the_bins() -> None:
    sure = [(0.95, True, '')] * 9 + [(0.95, False, '')]
    assert scoring.calibration_error(sure) == pytest.approx(0.05)
    assert scoring.calibration_error([(1.0, False, '')]) == 1
