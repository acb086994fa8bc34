# SPDX-License-Identifier: Apache-2.0
"""Calibration: how far peaks came from where they were expected.

Conformal: the score of a new peak is taken for one more of those that were
seen, and nothing is assumed of their shape.
"""

import bisect
import dataclasses
from collections.abc import Sequence

import numpy

#: The score of these parts of all observed peaks is kept; the last is the
#: highest that was seen.
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """Scores of peaks that came, at ``LEVELS``."""

    horizon_h: int
    scores: tuple[float, ...]

    def score(self, level: float) -> float:
        """Return what this part of all peaks did not exceed."""
        return float(numpy.interp(level, LEVELS, self.scores))

    def chance_above(self, score: float) -> float:
        """Return the part of all peaks that exceeded a score."""
        if score < self.scores[0]:
            return 1.0
        if score >= self.scores[-1]:
            return 0.0
        # As numpy.interp, which takes ten times as long for one number.
        at = bisect.bisect_right(self.scores, score) - 1
        low, high = self.scores[at : at + 2]
        slope = (LEVELS[at + 1] - LEVELS[at]) / (high - low)
        return 1.0 - (slope * (score - low) + LEVELS[at])


def calibrate(horizon_h: int, scores: Sequence[float]) -> Calibration | None:
    """Return the calibration that peaks which came make, or None of none."""
    known = numpy.asarray(scores, float)
    known = numpy.sort(known[numpy.isfinite(known)])
    if not len(known):
        return None
    # The (n + 1)-th of n scores is not known; the highest stands for it.
    ranks = numpy.ceil(numpy.array(LEVELS) * (len(known) + 1)) - 1
    picked = known[numpy.clip(ranks, 0, len(known) - 1).astype(int)]
    return Calibration(horizon_h, tuple(float(one) for one in picked))


# What ``benchmarks/peaks.py --tune`` printed, on VMs that nothing is reported
# on: hosts of 12 and of 20 instances, and instances alone.
HOST = (
    Calibration(
        1,
        (
            -2.453, -1.812, -1.198, -0.358, -0.123, -0.019, 0.121, 0.192,
            0.271, 0.488, 0.801,
        ),
    ),
    Calibration(
        6,
        (
            -2.396, -1.666, -0.873, -0.360, -0.131, -0.013, 0.124, 0.196,
            0.270, 0.379, 0.488,
        ),
    ),
    Calibration(
        24,
        (
            -2.041, -1.293, -0.659, -0.296, -0.060, 0.066, 0.184, 0.259,
            0.301, 0.407, 0.497,
        ),
    ),
)  # fmt: skip
INSTANCE = (
    Calibration(
        1,
        (
            -2.305, -0.471, -0.058, -0.005, 0.000, 0.001, 0.058, 0.189,
            0.392, 0.758, 0.758,
        ),
    ),
    Calibration(
        6,
        (
            -2.385, -0.674, -0.095, -0.006, 0.000, 0.025, 0.150, 0.392,
            0.550, 1.896, 1.896,
        ),
    ),
    Calibration(
        24,
        (
            -2.930, -0.603, -0.106, -0.003, 0.005, 0.117, 0.364, 1.140,
            1.533, 1.878, 1.878,
        ),
    ),
)  # fmt: skip
