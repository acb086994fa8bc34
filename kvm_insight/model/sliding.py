# SPDX-License-Identifier: Apache-2.0
"""Sums over the last slots of a series: what comes is added, what leaves is
taken off, so that a long window costs no more than a short one."""

from collections.abc import Callable
from typing import NamedTuple

import numpy
from numpy import typing as npt

Numbers = npt.NDArray[numpy.int64]
#: Sums over the slots from one number up to another.
Totals = Callable[[int, int], Numbers]


class _Sum(NamedTuple):
    """A sum, and the slots in it, by their number since ever."""

    begin: int
    end: int
    totals: Numbers


class Sliding:
    """Keeps a sum for each length that was asked for."""

    def __init__(self) -> None:
        self._sums: dict[int, _Sum] = {}
        #: What came last: the same to all lengths.
        self._came: _Sum | None = None
        self._dropped = 0

    def over(
        self, seconds: int, begin: int, end: int, totals: Totals
    ) -> Numbers:
        """Return the sums over the slots that this window has now; ``totals``
        is asked for those that came and left."""
        begin, end = begin + self._dropped, end + self._dropped
        known = self._sums.get(seconds)
        if known is None or not known.begin <= begin <= known.end <= end:
            found = _Sum(begin, end, self._of(begin, end, totals))
        else:
            found = self._moved(known, begin, end, totals)
        self._sums[seconds] = found
        return found.totals

    def drop(self, count: int, totals: Totals) -> None:
        """Let the first slots leave all sums, before they leave the series."""
        edge = self._dropped + count
        for seconds, known in list(self._sums.items()):
            if known.end <= edge:
                del self._sums[seconds]
            elif known.begin < edge:
                self._sums[seconds] = self._moved(
                    known, edge, known.end, totals
                )
        self._dropped = edge

    def forget(self) -> None:
        """Begin anew: what was added is not what would be taken off."""
        self._sums.clear()
        self._came = None

    def _moved(self, known: _Sum, begin: int, end: int, of: Totals) -> _Sum:
        totals = known.totals
        if known.end < end:
            totals = totals + self._coming(known.end, end, of)
        if known.begin < begin:
            totals = totals - self._of(known.begin, begin, of)
        return _Sum(begin, end, totals)

    def _coming(self, begin: int, end: int, of: Totals) -> Numbers:
        came = self._came
        if came is None or (came.begin, came.end) != (begin, end):
            came = self._came = _Sum(begin, end, self._of(begin, end, of))
        return came.totals

    def _of(self, begin: int, end: int, totals: Totals) -> Numbers:
        return totals(begin - self._dropped, end - self._dropped)
