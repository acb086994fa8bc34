# SPDX-License-Identifier: Apache-2.0
"""Periods: what people there call a month, and its days."""

import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.report import period

BERLIN = zoneinfo.ZoneInfo('Europe/Berlin')
KOLKATA = zoneinfo.ZoneInfo('Asia/Kolkata')
HOUR_US = 3_600_000_000


def test_a_month_is_that_of_the_time_zone() -> None:
    one = period.month('2026-11', BERLIN, 'Europe/Berlin')
    assert period.local(one.since_us, datetime.UTC).isoformat() == (
        '2026-10-31T23:00:00+00:00'
    )
    assert one.until_us - one.since_us == 30 * 24 * HOUR_US


def test_a_month_in_which_clocks_change_is_an_hour_longer() -> None:
    one = period.month('2026-10', BERLIN, 'Europe/Berlin')
    assert one.until_us - one.since_us == (31 * 24 + 1) * HOUR_US
    edges = period.steps(one.since_us, one.until_us, BERLIN)
    lengths = [b - a for a, b in itertools.pairwise(edges)]
    assert len(lengths) == 31
    assert sorted(set(lengths)) == [24 * HOUR_US, 25 * HOUR_US]


def test_december_ends_with_the_year() -> None:
    one = period.month('2026-12', datetime.UTC, 'UTC')
    assert period.local(one.until_us, datetime.UTC).year == 2027


@pytest.mark.parametrize(
    'text', ['', '2026', '2026-13', '2026-00', '26-11', '2026-11-01', 'x']
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='month'):
        period.month(text, datetime.UTC, 'UTC')


def test_times_without_an_offset_are_of_the_zone() -> None:
    assert period.moment('2026-11-01', KOLKATA) == period.moment(
        '2026-10-31T18:30:00+00:00', BERLIN
    )
    with pytest.raises(ValueError, match='no time'):
        period.moment('yesterday', KOLKATA)
    with pytest.raises(ValueError, match='not after'):
        period.between('2026-11-02', '2026-11-02', KOLKATA, 'Asia/Kolkata')


def test_a_short_period_is_told_by_hours() -> None:
    one = period.between('2026-11-01', '2026-11-02', KOLKATA, 'Asia/Kolkata')
    edges = period.steps(one.since_us, one.until_us, KOLKATA)
    # Hours of UTC, of which halves are at both ends there.
    assert len(edges) - 1 == 25


@given(
    st.integers(0, 4 * 10**15),
    st.integers(1, 400 * 24 * HOUR_US),
    st.sampled_from([BERLIN, KOLKATA, datetime.UTC]),
)
def test_steps_fill_the_period(
    since_us: int, length_us: int, zone: datetime.tzinfo
) -> None:
    edges = period.steps(since_us, since_us + length_us, zone)
    assert (edges[0], edges[-1]) == (since_us, since_us + length_us)
    for one, other in itertools.pairwise(edges):
        assert 0 < other - one <= 25 * HOUR_US


def test_months_are_those_from_the_first_to_the_last() -> None:
    first = period.moment('2026-11-30T23:30', datetime.UTC)
    last = period.moment('2027-02-01', datetime.UTC)
    assert period.months(first, last, datetime.UTC) == [
        '2026-11',
        '2026-12',
        '2027-01',
        '2027-02',
    ]
    assert period.months(first, last, BERLIN)[0] == '2026-12'
