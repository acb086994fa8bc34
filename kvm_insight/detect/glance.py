# SPDX-License-Identifier: Apache-2.0
"""Glance: which domains one window may show as waiting, all together."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.detect import memory, settings, track
from kvm_insight.model import window

#: A first look must not lose whom an exact one would find.
_NEARLY = 0.99


class _Did(NamedTuple):
    """What domains did in a window."""

    #: A row each, as ``window.Window.sums`` has it.
    rows: window.Numbers
    wanted_us: window.Numbers
    #: Whether enough of the window was measured.
    covered: npt.NDArray[numpy.bool_]


class Glance:
    """Looks at all domains that may be judged, at one sample."""

    def __init__(self, known: memory.Memory, rules: settings.Settings) -> None:
        self._known = known
        self._rules = rules
        #: Seconds -> what all did: windows are looked at twice.
        self._windows: dict[int, _Did] = {}

    def waiting(
        self, scale: settings.Scale, at: int
    ) -> Iterator[tuple[track.Track, list[int]]]:
        """Yield who may be above, or was lately (``at``), and their sums."""
        tracks, _ = self._followed
        rows, wanted_us, covered = self._did(scale.seconds)
        waits = rows[:, window.DELAY] >= _NEARLY * scale.floor * wanted_us
        chosen = covered & (waits | self._recent[:, at])
        for place in numpy.flatnonzero(chosen).tolist():
            yield tracks[place], rows[place].tolist()

    @functools.cached_property
    def _followed(self) -> tuple[list[track.Track], window.Numbers]:
        """Return the domains that may be judged, and their columns."""
        column = self._known.series.column
        here = [
            (one, at)
            for one in self._known.tracks.values()
            if not one.absent and (at := column(one.entity)) is not None
        ]
        columns = numpy.array([at for _, at in here], numpy.int64)
        return [one for one, _ in here], columns

    @functools.cached_property
    def _recent(self) -> npt.NDArray[numpy.bool_]:
        """Return by domain and window whether it was above before this
        sample: each window is asked of once."""
        flags = [one.flags for one in self._followed[0]]
        windows = 2 * len(self._rules.scales) - 1
        return numpy.array(flags, bool).reshape(-1, windows)

    def _did(self, seconds: int) -> _Did:
        """Return what the followed domains did in a window."""
        found = self._windows.get(seconds)
        if found is None:
            rows = self._known.series.sums(seconds)[self._followed[1]]
            run_us, delay_us, _, poll_us, measured_us = rows.T
            covered = measured_us >= self._rules.coverage * seconds * 1e6
            found = _Did(rows, run_us - poll_us + delay_us, covered)
            self._windows[seconds] = found
        return found
