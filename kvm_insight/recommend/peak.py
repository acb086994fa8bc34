# SPDX-License-Identifier: Apache-2.0
"""Peak: the most that a host's instances will want within the next hours.

A host is the sum of the instances that are on it now, so that history follows
an instance when it moves. Two questions are put to the history: what the most
was when all days lay as they did, and what it seldom exceeds if they do not
line up. The higher answer is the centre. The spread is how much the sum
varies, and what instances could want that never did yet. How many spreads a
peak is off the centre was observed (conformal calibration): no shape is
assumed.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy
from numpy import typing as npt

#: Parts of an hour, five minutes each, as in the records of usage.
PARTS = 12
DAY_H = 24
#: An instance that was measured for less is judged by its limit.
WARM_UP_H = DAY_H
#: Realignments of the instances' days that are tried.
TRIALS = 300
#: Of them, the part that stays below the centre.
MOST = 0.9
#: Of what an instance never used yet, the deviation that is expected.
UNSEEN = 0.3
#: The score of these parts of all observed peaks is kept; the last is the
#: highest that was seen.
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)

Array = npt.NDArray[numpy.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """What one instance wanted, wherever it was."""

    #: Cores per five minutes, the last part ending now; NaN where it was not
    #: measured.
    parts: Array
    #: The most it can have: its vCPUs or its quota.
    limit_cores: float
    #: Of its limit, what an instance like it wants at the 99th percentile.
    cohort_ratio: float = 1.0


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
        return 1.0 - float(numpy.interp(score, self.scores, LEVELS))


@dataclasses.dataclass(frozen=True, slots=True)
class Peak:
    """A forecast, and how far it may be off."""

    centre_cores: float
    spread_cores: float
    limit_cores: float
    calibration: Calibration
    #: Instances that were too young to have a history.
    young: int

    @property
    def horizon_h(self) -> int:
        """Return how many hours it looks ahead."""
        return self.calibration.horizon_h

    def upper_cores(self, level: float) -> float:
        """Return what the peak does not exceed with this probability."""
        score = self.calibration.score(level)
        cores = self.centre_cores + score * self.spread_cores
        return min(max(cores, 0.0), self.limit_cores)

    def chance_above(self, cores: float) -> float:
        """Return the probability that more than this will be wanted."""
        if cores >= self.limit_cores:
            return 0.0
        over = cores - self.centre_cores
        if self.spread_cores <= 0.0:
            return float(over < 0.0)
        return self.calibration.chance_above(over / self.spread_cores)

    def score(self, cores: float) -> float | None:
        """Return the score of a peak that came, to calibrate with."""
        if self.spread_cores <= 0.0:
            return None
        return (cores - self.centre_cores) / self.spread_cores


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


def forecast(
    histories: Sequence[History],
    calibration: Calibration,
    chance: numpy.random.Generator,
) -> Peak | None:
    """Return the peak of a host's instances, or None if nothing is known.

    A generator with the same seed each time keeps the answer from flickering.
    """
    limits = numpy.array([one.limit_cores for one in histories], float)
    if not len(limits) or not (numpy.isfinite(limits) & (limits > 0)).all():
        return None
    parts = _aligned([one.parts for one in histories])
    old = numpy.isfinite(parts).sum(axis=1) >= WARM_UP_H * PARTS
    assumed = _assumed(
        [one for one, o in zip(histories, old, strict=True) if not o]
    )
    limit = float(limits.sum())
    young = int((~old).sum())
    if not old.any():
        return Peak(assumed, 0.0, limit, calibration, young)
    centre, deviation = _of_history(parts[old], calibration.horizon_h, chance)
    unused = numpy.maximum(limits[old] - numpy.nanmax(parts[old], axis=1), 0.0)
    spread = math.hypot(deviation, UNSEEN * float(numpy.linalg.norm(unused)))
    return Peak(
        min(centre + assumed, limit), spread, limit, calibration, young
    )


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


def cohort_ratio(histories: Sequence[History]) -> float | None:
    """Return which part of their limit instances want at the most, by the
    99th percentile of all that is known of them; None if nothing is."""
    shares = [
        _clean(one.parts) / one.limit_cores
        for one in histories
        if one.limit_cores > 0
    ]
    known = numpy.concatenate(shares) if shares else numpy.empty(0)
    known = known[numpy.isfinite(known)]
    if not len(known):
        return None
    return float(min(1.0, numpy.quantile(known, 0.99)))


def _assumed(young: Sequence[History]) -> float:
    """Return what instances without history are taken to want."""
    return sum(
        one.limit_cores * min(max(one.cohort_ratio, 0.0), 1.0)
        if numpy.isfinite(one.cohort_ratio)
        else one.limit_cores
        for one in young
    )


def _clean(parts: Array) -> Array:
    """Return parts with NaN for all that cannot be."""
    values = numpy.asarray(parts, float)
    return numpy.where(
        numpy.isfinite(values) & (values >= 0.0), values, numpy.nan
    )


def _aligned(series: Sequence[Array]) -> Array:
    """Return instances by parts, in whole days that end now."""
    day = DAY_H * PARTS
    longest = max(len(one) for one in series)
    columns = max(day, longest // day * day)
    table = numpy.full((len(series), columns), numpy.nan)
    for row, one in zip(table, series, strict=True):
        own = _clean(one)[-columns:]
        if len(own):
            row[-len(own) :] = own
    return table


def _of_history(
    parts: Array, horizon_h: int, chance: numpy.random.Generator
) -> tuple[float, float]:
    """Return where the sum's peak may be, and how the sum deviates."""
    means = numpy.nanmean(parts, axis=1, keepdims=True)
    total = numpy.where(numpy.isnan(parts), means, parts).sum(axis=0)
    hours = total.reshape(-1, PARTS).max(axis=1)
    ahead = hours.reshape(-1, DAY_H)[:, :horizon_h]
    apart = _realigned(_hourly(parts), horizon_h, chance)
    centre = max(apart, float(ahead.max()), float(hours[-1]))
    return centre, float(total.std())


def _hourly(parts: Array) -> Array:
    """Return each hour's most; an hour that was not measured has the most
    of that time of day, or of the instance at all."""
    gaps = numpy.isnan(parts)
    hours: Array = numpy.where(gaps, -1.0, parts)
    hours = hours.reshape(len(parts), -1, DAY_H, PARTS).max(axis=3)
    usual = hours.max(axis=1, keepdims=True)
    most = usual.max(axis=2, keepdims=True)
    usual = numpy.where(usual < 0.0, most, usual)
    return numpy.where(hours < 0.0, usual, hours).reshape(len(parts), -1)


def _realigned(
    hours: Array, horizon_h: int, chance: numpy.random.Generator
) -> float:
    """Return the peak that the sum seldom exceeds if each instance lives any
    of its days, some hours earlier or later."""
    count, columns = hours.shape
    jitter = max(2, horizon_h // 4)
    size = (TRIALS, count)
    days = chance.integers(0, columns // DAY_H, size)
    shifts = DAY_H * days + chance.integers(-jitter, jitter + 1, size)
    peaks = numpy.zeros(TRIALS)
    for hour in range(horizon_h):
        at = (shifts + hour) % columns
        peaks = numpy.maximum(peaks, hours[numpy.arange(count), at].sum(1))
    return float(numpy.quantile(peaks, MOST))
