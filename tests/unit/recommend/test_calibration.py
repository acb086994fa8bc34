# SPDX-License-Identifier: Apache-2.0
"""How far peaks came from where they were expected."""

import numpy
import pytest

from kvm_insight.recommend import calibration


def test_a_calibration_covers_what_it_was_made_of() -> None:
    scores = numpy.random.default_rng(1).normal(size=999)
    made = calibration.calibrate(24, list(scores))
    assert made is not None
    for level in (0.5, 0.9, 0.95, 0.99):
        assert (scores <= made.score(level)).mean() >= level
    assert made.score(1.0) == scores.max()


def test_few_scores_calibrate_with_the_highest() -> None:
    made = calibration.calibrate(24, [0.1, numpy.nan, 0.7])
    assert made is not None
    assert made.score(0.95) == 0.7
    assert calibration.calibrate(24, []) is None
    assert calibration.calibrate(24, [numpy.nan]) is None


@pytest.mark.parametrize('made', [*calibration.HOST, *calibration.INSTANCE])
def test_published_calibrations_are_whole(
    made: calibration.Calibration,
) -> None:
    assert len(made.scores) == len(calibration.LEVELS)
    assert list(made.scores) == sorted(made.scores)
