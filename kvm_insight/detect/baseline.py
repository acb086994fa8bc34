# SPDX-License-Identifier: Apache-2.0
"""Baseline: what is usual for one entity: robust levels of its minutes."""

import dataclasses
import math
from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.detect import minutes, settings

_PPM = 1_000_000
_HIGH = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """A robust level: median and median absolute deviation."""

    median: float = 0.0
    deviation: float = 0.0
    #: Only one minute in twenty was above this; of cores it ran alone.
    high: float = 0.0
    minutes: int = 0
    #: Whether that is enough to know what is usual, and to be a history.
    known: bool = False
    history: bool = False
    #: Whether it is that of others elsewhere, who are like it.
    cohort: bool = False


class Baseline:
    """What is usual for one entity: the levels of its minutes."""

    __slots__ = ('_levels', '_rules', 'minutes', 'row')

    def __init__(
        self, rules: settings.Settings, known: minutes.Minutes, row: int
    ) -> None:
        self._rules = rules
        #: What it is the baseline of, and in which row.
        self.minutes = known
        self.row = row
        self._levels: tuple[Level, Level, Level] | None = None

    @property
    def vcpus(self) -> int:
        """Return how many vCPUs it has."""
        return self.minutes.vcpus(self.row)

    def learned(self) -> None:
        """Work the levels out anew: another minute counts."""
        self._levels = None

    def forget_recent(self) -> None:
        """Unlearn the minutes that do not count yet."""
        self.minutes.forget_recent(self.row)

    def level_of_suffering(self) -> Level:
        """Return what share of wait is usual while it is active."""
        return self._all()[0]

    def level_of_use(self) -> Level:
        """Return how many cores it usually wants."""
        return self._all()[1]

    def level_of_run(self) -> Level:
        """Return on how many cores it usually runs."""
        return self._all()[2]

    def _all(self) -> tuple[Level, Level, Level]:
        if self._levels is None:
            self._levels = (
                self._level(minutes.SUFFERING),
                self._level(minutes.USED),
                self._level(minutes.RAN),
            )
        return self._levels

    def _level(self, kind: int) -> Level:
        """Return the level of some minutes. It is a history once one was
        seen for long, however few of the minutes tell of it: how one waits
        is known only of those in which it is active."""
        ring = self.minutes.of(self.row, kind)
        if len(ring) < self._rules.glimpse_minutes:
            return Level(minutes=len(ring))
        ordered = numpy.sort(ring)
        middle = _middle(ordered)
        deviation = median(numpy.abs(ring - middle))
        return Level(
            middle / _PPM,
            deviation / _PPM,
            self._high(ring, middle, deviation) if kind == minutes.RAN else 0,
            len(ring),
            True,
            self.minutes.seen(self.row) >= self._rules.history_minutes,
        )

    def _high(
        self, ring: minutes.Ring, middle: float, deviation: float
    ) -> float:
        """Return the cores that one minute in twenty ran above, of those
        before it rose and stayed so: that is none of the bursts that it has
        anyway."""
        usual = middle / _PPM
        least = self._rules.least_beyond(usual, deviation / _PPM)
        waiting = self.minutes.waiting(self.row, minutes.RAN)
        whole = numpy.concatenate([ring, waiting])
        calm = numpy.flatnonzero(whole < (usual + least) * _PPM)
        before = numpy.sort(ring[: calm[-1] + 1] if len(calm) else ring)
        return float(before[math.ceil(_HIGH * len(before)) - 1]) / _PPM


def limit(
    level: Level, floor: float, deviations: float, seconds: int = 60
) -> float:
    """Return the suffering above which a domain is a victim.

    Longer windows deviate less than the minutes of which a level is made, but
    not by the square root: one minute is like the next.
    """
    spread = max(level.deviation * math.pow(60 / seconds, 0.25), floor / 6)
    return max(floor, level.median + deviations * spread)


def median(values: npt.NDArray[Any]) -> float:
    """Return the median of at least one value; numpy's own loads a lot."""
    return _middle(numpy.sort(values))


def _middle(ordered: npt.NDArray[Any]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (float(ordered[middle - 1]) + float(ordered[middle])) / 2
