# SPDX-License-Identifier: Apache-2.0
"""Tally: sums by number, kept only for those numbers that came."""

import numpy
from numpy import typing as npt

Keys = npt.NDArray[numpy.uint32]
Numbers = npt.NDArray[numpy.int64]


class Tally:
    """Adds up; no sum grows beyond the most that its type is asked for."""

    def __init__(self, kind: str, most: int) -> None:
        """Begin with nothing; ``kind`` is numpy's name of the sums' type."""
        self._most = most
        #: Ascending.
        self.keys: Keys = numpy.empty(0, numpy.uint32)
        self.sums: npt.NDArray[numpy.integer] = numpy.empty(0, kind)

    def add(self, keys: Numbers, amounts: Numbers) -> None:
        """Add to some sums; the keys ascend, each is there once."""
        at = numpy.searchsorted(self.keys, keys.astype(numpy.uint32))
        known = numpy.zeros(len(keys), bool)
        inside = at < len(self.keys)
        known[inside] = self.keys[at[inside]] == keys[inside]
        total = self.sums[at[known]] + amounts[known]
        self.sums[at[known]] = numpy.minimum(total, self._most)
        if not known.all():
            self._insert(at[~known], keys[~known], amounts[~known])

    def _insert(self, at: Numbers, keys: Numbers, amounts: Numbers) -> None:
        """Put new ones before where those are that were there."""
        places = at + numpy.arange(len(at))
        olds = numpy.ones(len(self.keys) + len(at), bool)
        olds[places] = False
        before = self.keys, self.sums
        self.keys = numpy.empty(len(olds), before[0].dtype)
        self.keys[olds], self.keys[places] = before[0], keys
        self.sums = numpy.empty(len(olds), before[1].dtype)
        self.sums[olds] = before[1]
        self.sums[places] = numpy.minimum(amounts, self._most)

    def between(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return key and sum of the keys from the first to before the
        last."""
        begin, end = numpy.searchsorted(self.keys, (first, last)).tolist()
        keys = self.keys[begin:end].tolist()
        return list(zip(keys, self.sums[begin:end].tolist(), strict=True))
