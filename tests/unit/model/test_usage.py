# SPDX-License-Identifier: Apache-2.0
"""Sums of an hour, and what is read from them."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import usage

VICTIM = '00000000-0000-4000-8000-000000000001'
NOISY = '00000000-0000-4000-8000-000000000002'

HOUR = usage.HostUsage(
    host='r/1',
    start_us=7 * usage.HOUR_US,
    agent_id='a',
    first_sequence=3,
    last_sequence=9,
    measured_us=usage.HOUR_US // 4,
    entities=[f'domain:{VICTIM}', 'host', f'domain:{NOISY}'],
    charges=[(0, 1, 5), (0, 2, 70), (2, 0, 3), (0, 9, 1)],
)


@given(st.floats(0, 10_000))
def test_a_bin_holds_what_lies_below_its_upper_edge(cores: float) -> None:
    number = usage.bin_of(cores)
    assert 0 <= number < usage.BINS
    if number < usage.BINS - 1:
        assert cores < usage.upper_edge(number)
    if number:
        assert cores >= usage.upper_edge(number - 1)


def test_bins_are_narrow_and_reach_the_largest_guests() -> None:
    assert usage.EDGES[-1] > 500
    for low, high in itertools.pairwise(usage.EDGES):
        assert high / low < 1.051


def test_a_quantile_is_enough_for_its_part_of_the_time() -> None:
    quiet, busy = usage.bin_of(0.1), usage.bin_of(4.0)
    histogram = [(quiet, 980), (busy, 20)]
    assert usage.quantile(histogram, 0.98) == usage.upper_edge(quiet)
    assert usage.quantile(histogram, 0.99) == usage.upper_edge(busy)
    assert usage.quantile([], 0.5) is None
    assert usage.quantile([(quiet, 0)], 0.5) is None


def test_histograms_add_up_whatever_their_order() -> None:
    one, other = [(3, 10), (5, 1)], [(5, 2), (1, 4)]
    assert usage.merged([one, other]) == [(1, 4), (3, 10), (5, 3)]
    assert usage.merged([other, one]) == usage.merged([one, other])


def test_row_and_column_are_two_sides_of_one_account() -> None:
    noisy = f'domain:{NOISY}'
    assert usage.row(HOUR, VICTIM) == {'host': 5, noisy: 70}
    assert usage.column(HOUR, NOISY) == {f'domain:{VICTIM}': 70}
    assert usage.row(HOUR, NOISY) == {f'domain:{VICTIM}': 3}


def test_coverage_is_what_was_measured_of_the_hour() -> None:
    assert usage.coverage(HOUR) == 0.25
