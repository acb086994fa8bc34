# SPDX-License-Identifier: Apache-2.0
"""Which hosts will have too little within the next hours."""

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.recommend import calibration, hotspot, peak

RULES = hotspot.Settings()


def history(hour: int, cores: float, days: int = 7) -> peak.History:
    """Busy in one hour of each day, counted from now."""
    parts = numpy.full((days, peak.DAY_H, peak.PARTS), 0.1)
    parts[:, hour] = cores
    return peak.History(parts.ravel(), 4.0)


def peaks(hour: int) -> list[peak.Peak]:
    """Eight instances that are all busy at the same hour."""
    return hotspot.forecasts(
        [history(hour, 3.0) for _ in range(8)], calibration.HOST, seed=1
    )


def judged(
    forecasts: list[peak.Peak],
    capacity_cores: float,
    *,
    was_hot: bool = False,
    own_cores: float = 0.0,
) -> hotspot.Hotspot:
    return hotspot.expected(
        'compute-1', forecasts, capacity_cores, own_cores, was_hot, RULES
    )


def test_a_sibling_thread_is_a_quarter_of_a_core() -> None:
    assert hotspot.effective_cores(64, 1) == 64
    assert hotspot.effective_cores(64, 2) == 40
    assert hotspot.effective_cores(0, 2) == 0
    assert hotspot.effective_cores(64, 0) == 0


def test_a_peak_within_the_hour_is_hot_at_once() -> None:
    found = judged(peaks(0), 16.0)
    assert (found.state, found.within_h) == ('hot', 1)
    assert found.not_before_h == 0
    assert found.probability >= RULES.opens


def test_a_peak_that_comes_later_has_a_lead() -> None:
    found = judged(peaks(12), 16.0)
    assert (found.state, found.within_h) == ('hot', 24)
    assert found.not_before_h == 6


def test_a_host_with_room_is_cool() -> None:
    found = judged(peaks(0), 100.0)
    assert found.state == 'cool'
    assert found.probability < RULES.closes
    assert found.within_h == 24


def test_the_hosts_own_use_is_not_there_for_instances() -> None:
    assert judged(peaks(0), 36.0).state == 'cool'
    assert judged(peaks(0), 36.0, own_cores=16.0).state == 'hot'


def test_a_host_stays_hot_until_it_is_clearly_not() -> None:
    """Between the watermarks what was decides."""
    parts = numpy.full((7, peak.DAY_H, peak.PARTS), 0.1)
    parts[:, 0] = numpy.linspace(1.0, 3.5, 7)[:, None]
    forecasts = hotspot.forecasts(
        [peak.History(parts.ravel(), 4.0) for _ in range(8)],
        calibration.HOST,
        seed=1,
    )
    between = next(
        capacity
        for capacity in numpy.arange(1.0, 60.0, 0.1)
        if judged(forecasts, capacity).probability < RULES.opens
    )
    assert judged(forecasts, between).state == 'cool'
    assert judged(forecasts, between, was_hot=True).state == 'hot'


@pytest.mark.parametrize('capacity', [math.nan, math.inf, 0.0, -8.0])
def test_without_a_capacity_nothing_is_said(capacity: float) -> None:
    assert judged(peaks(0), capacity).state == 'unknown'


def test_without_a_forecast_nothing_is_said() -> None:
    assert hotspot.forecasts([], calibration.HOST, seed=1) == []
    assert judged([], 16.0).state == 'unknown'


def test_a_host_has_the_peaks_of_those_who_are_on_it_now() -> None:
    known = {'a': history(0, 3.0), 'b': history(0, 4.0)}
    before = hotspot.of_hosts({'x': ['a'], 'y': ['b']}, known, seed=1)
    after = hotspot.of_hosts({'x': ['a', 'b'], 'y': []}, known, seed=1)
    assert before['y'][0].centre_cores >= 4.0
    assert after['x'][0].centre_cores >= 7.0
    assert after['y'] == []


def test_a_host_with_a_stranger_on_it_has_no_forecast() -> None:
    known = {'a': history(0, 3.0)}
    assert hotspot.of_hosts({'x': ['a', 'stranger']}, known, 1) == {'x': []}


def test_published_peaks_are_ordered() -> None:
    told = hotspot.published(peaks(0))
    assert [one.horizon_s for one in told] == [3600, 21_600, 86_400]
    assert all(one.p50_cores <= one.p95_cores for one in told)


@given(st.floats(0.1, 200.0), st.integers(0, 23), st.booleans())
def test_a_larger_host_is_never_hotter(
    capacity: float, hour: int, was_hot: bool
) -> None:
    forecasts = peaks(hour)
    small = judged(forecasts, capacity, was_hot=was_hot)
    large = judged(forecasts, capacity * 1.5, was_hot=was_hot)
    assert (large.state, small.state) != ('hot', 'cool')
