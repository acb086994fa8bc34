# SPDX-License-Identifier: Apache-2.0
"""Rows: an array that grows at its end and shrinks at its beginning.

In one place: an array made anew with every row leaves holes in the memory of
an analyzer of thousands of hosts, as many as it has arrays.
"""

from typing import Any

import numpy
from numpy import typing as npt

Array = npt.NDArray[Any]

#: Rows by which it grows, and from which on it is worth moving them.
_ROOM = 4
_MOVE = 2


class Rows:
    """Rows of one shape and type."""

    __slots__ = ('_begin', '_buffer', '_end')

    _begin: int
    _end: int
    _buffer: Array

    def __init__(self, first: Array) -> None:
        """Begin with a copy of these."""
        self._copy(first)

    @property
    def live(self) -> Array:
        """Return the rows that are there; good until one is appended."""
        return self._buffer[self._begin : self._end]

    def append(self, row: Array) -> None:
        """Add a row at the end."""
        if self._end == len(self._buffer):
            self._make_room()
        self._buffer[self._end] = row
        self._end += 1

    def drop(self, count: int) -> None:
        """Take rows off the beginning."""
        self._begin += count

    def _make_room(self) -> None:
        live = self.live
        if self._begin < _MOVE:
            self._copy(live)
        else:
            self._buffer[: len(live)] = live
            self._begin, self._end = 0, len(live)

    def _copy(self, live: Array) -> None:
        shape = (len(live) + _ROOM, *live.shape[1:])
        self._buffer = numpy.empty(shape, live.dtype)
        self._buffer[: len(live)] = live
        self._begin, self._end = 0, len(live)
