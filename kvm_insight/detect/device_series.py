# SPDX-License-Identifier: Apache-2.0
"""Series: the numbers of the last slots of a book, by slot and column.

A number that is zero for all takes no room: of memory and network nearly
nobody loses anything, and few have a limit that they could use.
"""

import numpy
from numpy import typing as npt

from kvm_insight.detect import device_settings

Floats = npt.NDArray[numpy.float64]
Rows = npt.NDArray[numpy.float32]

NUMBERS = 5


class Series:
    """Slot x number x column."""

    def __init__(self) -> None:
        """Begin without a column."""
        slots = device_settings.SLOTS
        self.whole = numpy.zeros((slots, NUMBERS, 0), numpy.float32)

    @property
    def whole(self) -> Rows:
        """Return a copy with all numbers."""
        slots, _, columns = self._kept.shape
        found = numpy.zeros((slots, NUMBERS, columns), numpy.float32)
        found[:, self._told] = self._kept
        return found

    @whole.setter
    def whole(self, now: Rows) -> None:
        #: Which numbers are not zero for all; the others are not kept.
        self._told = numpy.asarray(now.any(axis=(0, 2)))
        self._kept = now[:, self._told]

    def push(self, row: Rows) -> None:
        """Append a slot; the oldest falls out."""
        if row[~self._told].any():
            self.whole = numpy.concatenate([self.whole[1:], row[None]])
        else:
            self._kept[:-1] = self._kept[1:]
            self._kept[-1] = row[self._told]

    def squeeze(self) -> None:
        """Give up the room of what became zero."""
        self.whole = self.whole

    def sums(self, slots: int) -> Floats:
        """Return a row for each number: its sums over the last slots."""
        last = self._kept[max(0, len(self._kept) - slots) :]
        found = numpy.zeros((NUMBERS, last.shape[2]))
        found[self._told] = last.sum(axis=0, dtype=numpy.float64)
        return found

    def has(self, number: int) -> bool:
        """Say whether a number is not zero for all."""
        at = int(self._told[:number].sum())
        return bool(self._told[number] and self._kept[:, at].any())
