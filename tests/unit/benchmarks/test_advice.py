# SPDX-License-Identifier: Apache-2.0
"""When an effect of advice is said to show."""

import pytest

from benchmarks import advice
from benchmarks.advice_guest import Load, Measure

MORE = advice.Promise('reads', Load('r', 8), 'requests_per_s', more=True)
LESS = advice.Promise('reads', Load('r', 8), 'cpu_us', more=False)
CACHED = advice.Promise('reads', Load('r', 8), 'cached_mib', more=False)


def pairs(*ratios: float) -> list[advice.Pair]:
    """Pairs in which requests, and all that they cost, grow like that."""
    return [
        (Measure(100, 50, 10, 4), Measure(100 * x, 50 * x, 10 * x, 4 * x))
        for x in ratios
    ]


SAME = pairs(0.9, 1.1, 0.95, 1.05, 0.9, 1.1, 0.95, 1.05)


@pytest.mark.parametrize(
    ('promise', 'ratios', 'shows'),
    [
        (MORE, [1.5] * 8, True),
        (LESS, [0.5] * 8, True),
        # The wrong way.
        (MORE, [0.5] * 8, False),
        (LESS, [1.5] * 8, False),
        # All the same way, and no more than equal guests differ.
        (MORE, [1.01] * 8, False),
        (LESS, [0.99] * 8, False),
        # Much, and only mostly so: one may stray, two may not.
        (MORE, [1.5] * 7 + [0.8], True),
        (MORE, [1.5] * 6 + [0.8] * 2, False),
    ],
)
def test_an_effect_shows_beyond_what_equal_guests_differ(
    promise: advice.Promise, ratios: list[float], shows: bool
) -> None:
    row = advice.judge(promise, pairs(*ratios), SAME)
    assert row['effect'] == ('shows' if shows else 'does not show')


def test_a_row_has_the_medians_before_and_after_and_the_quartiles() -> None:
    row = advice.judge(MORE, pairs(1, 2, 3, 4, 5, 6, 7, 8), SAME)
    assert (row['requests_per_s_before'], row['requests_per_s_after']) == (
        100,
        450,
    )
    assert (row['ratio_q1'], row['ratio'], row['ratio_q3']) == (
        2.75,
        4.5,
        6.25,
    )
    assert row['agree'] == '7/8'


def test_none_before_and_after_is_no_change() -> None:
    none = [(Measure(1, 1, 1, 0), Measure(1, 1, 1, 0))] * 8
    assert advice.judge(CACHED, none, none)['effect'] == 'does not show'
    gone = [(Measure(1, 1, 1, 9), Measure(1, 1, 1, 0))] * 8
    row = advice.judge(CACHED, gone, none)
    assert (row['ratio'], row['effect']) == (0, 'shows')
