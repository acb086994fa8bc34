# SPDX-License-Identifier: Apache-2.0
"""Baseline: what is usual for one entity, by the minute over two hours.

Minutes come in late, so that the beginning of an incident, which is seen as
one only after some evaluations, does not teach that it is usual.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.detect import settings, suffering
from kvm_insight.model import window

MINUTE_US = 60_000_000
#: Minutes that wait before they count.
LAG = 2
_PPM = 1_000_000
_HIGH = 0.95
#: Of a minute, what must have been measured.
_LEAST_US = MINUTE_US * 7 // 10

_SUMMED = (window.RUN, window.DELAY, window.THROTTLED, window.POLL)

Ring = npt.NDArray[numpy.int32]


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """A robust level: median and median absolute deviation."""

    median: float = 0.0
    deviation: float = 0.0
    #: Only one minute in twenty was above this.
    high: float = 0.0
    minutes: int = 0
    #: Whether that is enough to know what is usual, and to be a history.
    known: bool = False
    history: bool = False
    #: Whether it is that of others elsewhere, who are like it.
    cohort: bool = False


class Baseline:
    """Trailing minutes of suffering and of offered load."""

    __slots__ = (
        '_levels',
        'minute',
        'pending',
        'pending_ran',
        'ran',
        'rules',
        'running',
        'suffering',
        'used',
        'vcpus',
    )

    def __init__(self, rules: settings.Settings, vcpus: int = 1) -> None:
        self.rules = rules
        self.vcpus = vcpus
        self.suffering: Ring = numpy.empty(0, numpy.int32)
        self.used: Ring = numpy.empty(0, numpy.int32)
        self.ran: Ring = numpy.empty(0, numpy.int32)
        #: Minutes that are over, not counted yet: suffering (ppm, -1 while
        #: idle) and cores (ppm).
        self.pending: list[tuple[int, int]] = []
        #: Of the same minutes the cores on which it ran (ppm).
        self.pending_ran: list[int] = []
        self.minute = -1
        #: Of the minute that runs: run, delay, throttled, poll, time.
        self.running = [0, 0, 0, 0, 0]
        self._levels: tuple[Level, Level, Level] | None = None

    def add(self, slot: window.Slot, values: Sequence[int]) -> None:
        """Take what an entity did between two samples (``window.Values``)."""
        minute = (slot.uptime_us - 1) // MINUTE_US
        if minute != self.minute:
            self._turn()
            self.minute = minute
        if values[window.RUN] >= 0 and values[window.DELAY] >= 0:
            running = self.running
            for at in _SUMMED:
                if values[at] > 0:
                    running[at] += values[at]
            running[-1] += slot.interval_us

    def forget_recent(self) -> None:
        """Unlearn the minutes that do not count yet."""
        self.pending.clear()
        self.pending_ran.clear()
        self.running = [0, 0, 0, 0, 0]

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
                self._level(self.suffering),
                self._level(self.used),
                self._level(self.ran),
            )
        return self._levels

    def _turn(self) -> None:
        run_us, delay_us, throttled_us, poll_us, time_us = self.running
        self.running = [0, 0, 0, 0, 0]
        if time_us < _LEAST_US:
            return
        wanted_us = suffering.offered(run_us, delay_us, poll_us)
        share = -1
        if suffering.active(
            wanted_us, time_us, self.vcpus, self.rules.activity
        ):
            share = int(suffering.share(run_us, delay_us, poll_us) * _PPM)
        useful_us = max(0, wanted_us - throttled_us)
        cores = min(useful_us * _PPM // time_us, 2**31 - 1)
        self.pending.append((share, cores))
        ran_us = max(0, run_us - poll_us)
        self.pending_ran.append(min(ran_us * _PPM // time_us, 2**31 - 1))
        if len(self.pending) > LAG:
            self._learn(*self.pending.pop(0))
        if len(self.pending_ran) > LAG:
            self.ran = self._with(self.ran, self.pending_ran.pop(0))

    def _learn(self, share: int, cores: int) -> None:
        if share >= 0:
            self.suffering = self._with(self.suffering, share)
        self.used = self._with(self.used, cores)
        self._levels = None

    def _level(self, ring: Ring) -> Level:
        if len(ring) < self.rules.glimpse_minutes:
            return Level(minutes=len(ring))
        ordered = numpy.sort(ring)
        middle = _middle(ordered)
        deviation = median(numpy.abs(ring - middle))
        return Level(
            middle / _PPM,
            deviation / _PPM,
            float(ordered[math.ceil(_HIGH * len(ring)) - 1]) / _PPM,
            len(ring),
            True,
            len(ring) >= self.rules.history_minutes,
        )

    def _with(self, ring: Ring, value: int) -> Ring:
        kept = ring[max(0, len(ring) - self.rules.baseline_minutes + 1) :]
        longer = numpy.empty(len(kept) + 1, numpy.int32)
        longer[:-1] = kept
        longer[-1] = value
        return longer


def limit(level: Level, floor: float, deviations: float) -> float:
    """Return the suffering above which a domain is a victim."""
    spread = max(level.deviation, floor / 6)
    return max(floor, level.median + deviations * spread)


def median(values: npt.NDArray[Any]) -> float:
    """Return the median of at least one value; numpy's own loads a lot."""
    return _middle(numpy.sort(values))


def _middle(ordered: npt.NDArray[Any]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (float(ordered[middle - 1]) + float(ordered[middle])) / 2
