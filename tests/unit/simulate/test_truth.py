# SPDX-License-Identifier: Apache-2.0
"""Truth: who is guilty in games whose answer is known."""

from collections.abc import Callable, Sequence

import numpy
import pytest

from kvm_insight.simulate import game, truth

ENTITIES = 8
#: Of one window that has no other around it.
BINS = game.WINDOW_S // game.BIN_S
VICTIM = 0
Loss = Callable[[game.Subset], float]


def judged(loss: Loss, players: Sequence[int]) -> truth.Judged | None:
    """Return the victim's one window, of a loss by who has no excess."""

    def evaluate(subsets: Sequence[game.Subset]) -> game.Losses:
        lost = numpy.zeros((len(subsets), ENTITIES, BINS))
        for at, subset in enumerate(subsets):
            lost[at, VICTIM] = loss(subset)
        return game.Losses(lost, numpy.ones_like(lost))

    capacity = numpy.full((ENTITIES, 1), float(BINS))
    risen = numpy.zeros((ENTITIES, 1))
    risen[list(players)] = 1.0
    everybody = frozenset(players)
    found = truth.judge(
        evaluate,
        truth.Case(tuple(range(ENTITIES)), everybody, everybody),
        [VICTIM],
        truth.Amounts(capacity, risen),
        truth.Bounds(),
    )
    return found.judged[0] if found.judged else None


def guilty(loss: Loss, players: Sequence[int]) -> dict[int, bool | None]:
    one = judged(loss, players)
    assert one is not None
    return {blame.who: blame.guilty for blame in one.blames}


def test_one_whose_absence_spares_all_is_guilty() -> None:
    found = guilty(lambda gone: 0.01 if 3 in gone else 0.3, [2, 3])
    assert found == {3: True}


def test_two_who_hurt_only_together_are_both_guilty() -> None:
    found = guilty(lambda gone: 0.0 if {1, 2} & gone else 0.3, [1, 2, 3])
    assert found == {1: True, 2: True}


def test_two_of_whom_each_is_enough_are_both_guilty() -> None:
    found = guilty(lambda gone: 0.0 if {1, 2} <= gone else 0.3, [1, 2, 3])
    assert found == {1: True, 2: True}


def test_where_all_rose_nobody_is_guilty() -> None:
    players = range(ENTITIES)
    found = guilty(lambda gone: max(0.0, 0.4 - 0.08 * len(gone)), players)
    assert not any(found.values())


def test_where_all_rose_ones_own_part_is_not_ones_own_doing() -> None:
    # Without its own excess it is spared; beside nobody else's, too.
    def loss(gone: game.Subset) -> float:
        return 0.0 if VICTIM in gone else max(0.0, 0.4 - 0.08 * len(gone))

    found = guilty(loss, range(ENTITIES))
    assert not any(found.values())


def test_ones_own_excess_is_told_as_ones_own() -> None:
    found = guilty(lambda gone: 0.0 if VICTIM in gone else 0.3, [0, 1])
    assert found == {VICTIM: True}


@pytest.mark.parametrize(
    ('spared', 'expected'), [(0.10, False), (0.22, None), (0.35, True)]
)
def test_what_is_spared_is_judged_in_three_ways(
    spared: float, expected: bool | None
) -> None:
    def loss(gone: game.Subset) -> float:
        kept = 1 - spared * (1 in gone) - 0.6 * (2 in gone)
        return 0.4 * kept

    assert guilty(loss, [1, 2])[1] is expected


@pytest.mark.parametrize(
    ('suffering', 'expected'), [(0.02, False), (0.04, None), (0.06, True)]
)
def test_who_suffers_a_little_is_neither_victim_nor_not(
    suffering: float, expected: bool | None
) -> None:
    one = judged(lambda gone: 0.0 if gone else suffering, [1])
    assert (one.is_victim if one else False) is expected


def test_who_always_suffers_so_is_no_victim() -> None:
    assert judged(lambda gone: 0.2, [1]) is None


@pytest.mark.parametrize('begin_s', [360, 550, 580, 600, 630])
def test_a_short_incident_counts_the_same_wherever_it_falls(
    begin_s: int,
) -> None:
    bins = numpy.zeros(120)
    bins[begin_s // 10 : begin_s // 10 + 9] = 0.2
    around = game.rate(bins * game.BIN_S)
    assert around.max() == pytest.approx(0.2 * 90 / 300)
    # In the minutes in which it is, and those beside them.
    hit = numpy.flatnonzero(around >= 0.05) * 60
    assert hit.min() < begin_s + 90
    assert hit.max() + 60 > begin_s
    assert begin_s - 120 <= hit.min()
    assert hit.max() + 60 <= begin_s + 90 + 120


def test_what_is_around_a_window_is_less_at_the_ends() -> None:
    steady = numpy.full(27, float(game.BIN_S))
    assert game.by_window(steady).tolist() == [180, 240, 270, 210, 150]
    assert game.rate(steady).tolist() == [1.0] * 5
