# SPDX-License-Identifier: Apache-2.0
"""Sums over the last slots of a series: what comes is added, what leaves is
taken off, so that a long window costs no more than a short one; and what all
windows have to add and to take off is looked at in one go."""

from collections.abc import Callable, Sequence

import numpy
from numpy import typing as npt

Numbers = npt.NDArray[numpy.int64]
#: What is in each of these slots, to be added up.
Slots = Callable[[list[int]], Numbers]


class Sliding:
    """Keeps the sums of some windows that end together."""

    def __init__(self) -> None:
        #: The first slot of each window, and the one after the last of all,
        #: by their number since ever; and the sums, a window each.
        self._begins: list[int] = []
        self._end = 0
        self._sums: Numbers | None = None
        self._dropped = 0

    def over(self, begins: Sequence[int], end: int, slots: Slots) -> Numbers:
        """Return the sums over the slots that these windows have now;
        ``slots`` is asked for those that came and left."""
        now = [begin + self._dropped for begin in begins]
        end += self._dropped
        if not self._leads_to(now, end):
            self._begins, self._end, self._sums = now, min(now), None
        return self._move(now, end, slots)

    def drop(self, count: int, slots: Slots) -> None:
        """Let the first slots leave all sums, before they leave the series."""
        edge = self._dropped + count
        if self._end <= edge:
            self.forget()
        for at, begin in enumerate(self._begins):
            if self._sums is not None and begin < edge:
                gone = [*range(begin - self._dropped, count)]
                self._sums[at] -= slots(gone).sum(axis=0)
                self._begins[at] = edge
        self._dropped = edge

    def forget(self) -> None:
        """Begin anew: what was added is not what would be taken off."""
        self._sums = None

    def _leads_to(self, begins: list[int], end: int) -> bool:
        """Say whether windows moved on, each a part of its length."""
        return (
            self._sums is not None
            and len(begins) == len(self._begins)
            and self._end <= end
            and all(
                was <= now <= self._end
                for was, now in zip(self._begins, begins, strict=True)
            )
        )

    def _move(self, begins: list[int], end: int, slots: Slots) -> Numbers:
        """Add who came, take off who left."""
        changed = {*range(self._end, end)}
        for was, now in zip(self._begins, begins, strict=True):
            changed.update(range(was, now))
        if changed or self._sums is None:
            at = sorted(changed)
            pairs = [*zip(begins, self._begins, strict=True)]
            weights = numpy.array(
                [
                    [(new <= o < end) - (old <= o < self._end) for o in at]
                    for new, old in pairs
                ],
                numpy.int64,
            )
            found = slots([one - self._dropped for one in at])
            _, columns, numbers = found.shape
            flat = weights @ found.reshape(len(at), columns * numbers)
            more = flat.reshape(len(begins), columns, numbers)
            self._sums = more if self._sums is None else self._sums + more
        self._begins, self._end = begins, end
        return self._sums
