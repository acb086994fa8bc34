# SPDX-License-Identifier: Apache-2.0
"""Peak: the most that a host's instances will want within the next hours.

A host is the sum of the instances that are on it now, so that history follows
an instance when it moves. Two questions are put to the history: what the most
was when all days lay as they did, and what it seldom exceeds if they do not
line up. The higher answer is the centre. The spread is how much the sum
varies, and what instances could want that never did yet. How many spreads a
peak is off the centre was observed (conformal calibration): no shape is
assumed. Below the centre the host's own past days have half the say.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.recommend import calibration

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
#: A thousandth of the whole, and far below.
_HALVINGS = 20

Array = npt.NDArray[numpy.float64]
Series = npt.NDArray[numpy.floating[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """What one instance wanted, wherever it was."""

    #: Cores per five minutes, the last part ending now; NaN where it was not
    #: measured.
    parts: Series
    #: The most it can have: its vCPUs or its quota.
    limit_cores: float
    #: Of its limit, what an instance like it wants at the 99th percentile.
    cohort_ratio: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Peak:
    """A forecast, and how far it may be off."""

    centre_cores: float
    spread_cores: float
    limit_cores: float
    scores: calibration.Calibration
    #: The peak within the same hours of each past day.
    days: tuple[float, ...]
    #: Instances that were too young to have a history.
    young: int

    @property
    def horizon_h(self) -> int:
        """Return how many hours it looks ahead."""
        return self.scores.horizon_h

    def upper_cores(self, level: float) -> float:
        """Return what the peak does not exceed with this probability."""
        cores = (
            self.centre_cores + self.scores.score(level) * self.spread_cores
        )
        if cores < self.centre_cores:
            cores = self._below_centre(1.0 - level)
        return min(cores, self.limit_cores)

    def chance_above(self, cores: float) -> float:
        """Return the probability that more than this will be wanted."""
        if cores >= self.limit_cores:
            return 0.0
        known = self._scored(cores)
        if cores >= self.centre_cores or not self.days:
            return known
        over = sum(day > cores for day in self.days)
        usual = (over + 0.5) / (len(self.days) + 1)
        return max(self._scored(self.centre_cores), (usual + known) / 2)

    def _scored(self, cores: float) -> float:
        over = cores - self.centre_cores
        if self.spread_cores <= 0.0:
            return float(over < 0.0)
        return self.scores.chance_above(over / self.spread_cores)

    def _below_centre(self, chance: float) -> float:
        """Return the least that is exceeded with no greater probability."""
        low, high = 0.0, self.centre_cores
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self.chance_above(middle) > chance:
                low = middle
            else:
                high = middle
        return high

    def score(self, cores: float) -> float | None:
        """Return the score of a peak that came, to calibrate with."""
        if self.spread_cores <= 0.0:
            return None
        return (cores - self.centre_cores) / self.spread_cores


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known of a host's instances, whatever hours are asked for."""

    limit_cores: float
    #: What those without history are taken to want, and how many they are.
    assumed_cores: float
    young: int
    #: Each hour's most of those with history, and of all of them together.
    hours: Array
    together: Array
    spread_cores: float


def known(histories: Sequence[History]) -> Known | None:
    """Return what is known of instances; None if nothing is."""
    limits = numpy.array([one.limit_cores for one in histories], float)
    if not len(limits) or not (numpy.isfinite(limits) & (limits > 0)).all():
        return None
    parts = _aligned([one.parts for one in histories])
    old = numpy.isfinite(parts).sum(axis=1) >= WARM_UP_H * PARTS
    assumed = _assumed(
        [one for one, o in zip(histories, old, strict=True) if not o]
    )
    parts, limit, young = parts[old], float(limits.sum()), int((~old).sum())
    if not len(parts):
        nothing = numpy.empty(0)
        return Known(limit, assumed, young, nothing, nothing, 0.0)
    means = numpy.nanmean(parts, axis=1, keepdims=True)
    total = numpy.where(numpy.isnan(parts), means, parts).sum(axis=0)
    unused = numpy.maximum(limits[old] - numpy.nanmax(parts, axis=1), 0.0)
    return Known(
        limit,
        assumed,
        young,
        hours=_hourly(parts),
        together=total.reshape(-1, PARTS).max(axis=1),
        spread_cores=math.hypot(
            float(total.std()), UNSEEN * float(numpy.linalg.norm(unused))
        ),
    )


def ahead(
    past: Known,
    scores: calibration.Calibration,
    chance: numpy.random.Generator,
) -> Peak:
    """Return the peak within the hours that the scores are of.

    A generator with the same seed each time keeps the answer from flickering.
    """
    limit, assumed, hours = past.limit_cores, past.assumed_cores, past.together
    if not len(hours):
        return Peak(assumed, 0.0, limit, scores, (), past.young)
    days = hours.reshape(-1, DAY_H)[:, : scores.horizon_h].max(axis=1)
    apart = _realigned(past.hours, scores.horizon_h, chance)
    most = max(apart, float(days.max()), float(hours[-1]))
    return Peak(
        centre_cores=min(most + assumed, limit),
        spread_cores=past.spread_cores,
        limit_cores=limit,
        scores=scores,
        days=tuple(day + assumed for day in days.tolist()),
        young=past.young,
    )


def forecast(
    histories: Sequence[History],
    scores: calibration.Calibration,
    chance: numpy.random.Generator,
) -> Peak | None:
    """Return the peak of a host's instances, or None if nothing is known."""
    past = known(histories)
    return None if past is None else ahead(past, scores, chance)


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


def _clean(parts: Series) -> Array:
    """Return parts with NaN for all that cannot be."""
    values = numpy.asarray(parts, float)
    return numpy.where(
        numpy.isfinite(values) & (values >= 0.0), values, numpy.nan
    )


def _aligned(series: Sequence[Series]) -> Array:
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
    at = (shifts + numpy.arange(horizon_h)[:, None, None]) % columns
    sums = hours[numpy.arange(count), at].sum(axis=2)
    return float(numpy.quantile(sums.max(axis=0, initial=0.0), MOST))
