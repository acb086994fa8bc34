# SPDX-License-Identifier: Apache-2.0
"""How much a host's instances will want at the most."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.recommend import calibration, peak

DAY = peak.DAY_H * peak.PARTS
A_DAY_AHEAD = calibration.HOST[-1]


def chance() -> numpy.random.Generator:
    return numpy.random.default_rng(0)


def history(
    parts: list[float] | peak.Series, limit: float = 4
) -> peak.History:
    return peak.History(numpy.asarray(parts, float), limit)


def busy_at(hour: int, cores: float, days: int = 7) -> peak.History:
    """An instance that works one hour a day and idles otherwise."""
    parts = numpy.full((days, peak.DAY_H, peak.PARTS), 0.1)
    parts[:, hour] = cores
    return history(parts.ravel())


def told(
    histories: list[peak.History],
    scores: calibration.Calibration = A_DAY_AHEAD,
) -> peak.Peak:
    found = peak.forecast(histories, scores, chance())
    assert found is not None
    return found


def test_instances_busy_at_other_hours_need_less_than_their_peaks() -> None:
    apart = told([busy_at(hour, 3.0) for hour in range(0, 24, 3)])
    together = told([busy_at(9, 3.0) for _ in range(8)])
    assert apart.upper_cores(1.0) < together.upper_cores(1.0) * 0.7


def test_a_common_peak_is_within_the_band() -> None:
    """Where all are busy at the same hour, that hour comes again."""
    found = told([busy_at(9, 3.0) for _ in range(8)])
    assert found.upper_cores(0.95) >= 24.0


def test_the_next_hour_is_told_by_its_time_of_day() -> None:
    """Busy from one hour after now on; only then is the peak near."""
    hour = calibration.HOST[0]
    soon = told([busy_at(0, 3.0) for _ in range(8)], hour)
    later = told([busy_at(12, 3.0) for _ in range(8)], hour)
    assert soon.upper_cores(0.5) > 2 * later.upper_cores(0.5)


def test_work_that_began_an_hour_ago_goes_on() -> None:
    begun = busy_at(23, 3.0)
    begun.parts[: -peak.PARTS] = 0.1
    found = told([begun], calibration.HOST[0])
    assert found.centre_cores >= 3.0


def test_history_follows_the_instance() -> None:
    """A host that took over an instance has its history at once."""
    quiet = [history(numpy.full(7 * DAY, 0.1)) for _ in range(4)]
    before = told(quiet).upper_cores(0.95)
    after = told([*quiet, busy_at(9, 4.0)]).upper_cores(0.95)
    assert after - before > 2.0


def test_an_instance_that_never_used_its_limit_widens_the_band() -> None:
    small = told([history(numpy.full(7 * DAY, 0.5), 1.0)])
    large = told([history(numpy.full(7 * DAY, 0.5), 32.0)])
    assert large.spread_cores > 10 * small.spread_cores


def test_a_young_instance_is_taken_for_its_cohorts_share_of_its_limit() -> (
    None
):
    young = peak.History(numpy.full(DAY - 1, 0.1), 8.0, 0.25)
    found = told([young])
    assert found.young == 1
    assert found.upper_cores(0.5) == pytest.approx(2.0)
    assert found.chance_above(1.9) == 1.0
    assert found.chance_above(2.1) == 0.0


def test_without_a_cohort_a_young_instance_is_taken_for_its_limit() -> None:
    found = told([history([], 8.0), busy_at(9, 3.0)])
    assert found.young == 1
    assert found.upper_cores(0.05) >= 8.0


def test_the_ratio_of_a_cohort_is_its_99th_percentile() -> None:
    cohort = [history(numpy.arange(100) / 100 * 4, 4.0)]
    assert peak.cohort_ratio(cohort) == pytest.approx(0.98, abs=0.005)
    assert peak.cohort_ratio([]) is None
    assert peak.cohort_ratio([history([numpy.nan, -1.0])]) is None


@pytest.mark.parametrize(
    'histories',
    [
        [],
        [history([1.0], numpy.nan)],
        [history([1.0], 0.0)],
        [history([1.0], -2.0), busy_at(3, 1.0)],
        [history([1.0], numpy.inf)],
    ],
)
def test_without_instances_or_limits_there_is_no_forecast(
    histories: list[peak.History],
) -> None:
    assert peak.forecast(histories, A_DAY_AHEAD, chance()) is None


def test_gaps_and_absurd_values_are_as_if_never_measured() -> None:
    whole = busy_at(9, 3.0)
    holed = history(whole.parts.copy())
    holed.parts[DAY : DAY + 20] = numpy.nan
    holed.parts[3 * DAY + 50] = -7.0
    holed.parts[4 * DAY + 60] = numpy.inf
    expected = told([whole]).upper_cores(0.95)
    assert told([holed]).upper_cores(0.95) == pytest.approx(expected, rel=0.02)


def test_histories_of_different_lengths_end_now() -> None:
    """Two days and seven; the shorter lived its days lately."""
    found = told([busy_at(9, 3.0, days=2), busy_at(9, 3.0, days=7)])
    assert found.young == 0
    assert found.upper_cores(0.95) >= 6.0


def test_the_same_seed_tells_the_same() -> None:
    hosts = [busy_at(hour, 3.0) for hour in (1, 5, 9)]
    assert told(hosts) == told(hosts)


@given(
    st.lists(
        st.lists(
            st.floats(allow_nan=True, allow_infinity=True, width=32),
            max_size=DAY + 5,
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(calibration.HOST),
)
def test_any_history_gives_an_ordered_band_within_the_limits(
    series: list[list[float]], scores: calibration.Calibration
) -> None:
    found = told([history(one) for one in series], scores)
    band = [found.upper_cores(level) for level in calibration.LEVELS]
    assert band == sorted(band)
    assert band[0] >= 0.0
    assert band[-1] <= 4.0 * len(series)
    assert found.chance_above(4.0 * len(series)) == 0.0


def test_chances_and_bounds_say_the_same() -> None:
    found = told([busy_at(hour, 3.0) for hour in range(0, 24, 3)])
    for level in (0.95, 0.99):
        cores = found.upper_cores(level)
        assert found.chance_above(cores) == pytest.approx(1 - level, abs=1e-6)
    # Below the centre chances go by whole days.
    for level in (0.1, 0.25, 0.5, 0.75):
        cores = found.upper_cores(level)
        assert found.chance_above(cores) <= 1 - level
        assert found.chance_above(cores - 0.01) > 1 - level - 0.01
    assert found.chance_above(-1.0) > 0.9


def test_a_score_is_the_distance_in_spreads() -> None:
    found = told([busy_at(9, 3.0)])
    score = found.score(found.centre_cores + 2 * found.spread_cores)
    assert score == pytest.approx(2.0)
    assert told([history([], 8.0)]).score(3.0) is None
