# SPDX-License-Identifier: Apache-2.0
"""Pairs: one mover takes another's place, and what that costs.

Most pairs cannot be, whatever is on their hosts; only the others are worked
out, so all here are rows of pairs that are left.
"""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, places

#: Who takes a place, who leaves it, and what that costs on its host.
Rows = tuple[boards.Ints, boards.Ints, boards.Floats]


class Pairs:
    """All pairs of movers of which one is on a given host."""

    def __init__(self, where: places.Places) -> None:
        """Take the places."""
        self._where = where

    def into(self, a: int) -> Rows:
        """Return who of host a can take whose place elsewhere, and what it
        costs there, what moving costs among it."""
        where = self._where
        mine, theirs = np.flatnonzero(where.at == a), where.at != a
        theirs = np.flatnonzero(theirs)
        b = where.at[theirs]
        rows, columns = np.nonzero(where.open[np.ix_(mine, b)])
        i, j, b = mine[rows], theirs[columns], b[columns]
        return self._replaced(i, j, b)

    def swapped(self, pairs: Rows, a: int) -> Rows:
        """Return which of them can change places, and what it costs on both
        hosts; one of the two has to find room beside the other."""
        where, (i, j, more) = self._where, pairs
        able = where.open[j, a] & self._either_first(i, j, a)
        i, j, more = i[able], j[able], more[able]
        i, j, more = self._replaced(j, i, np.full(len(i), a), more)
        return j, i, more

    def _either_first(
        self, i: boards.Ints, j: boards.Ints, a: int
    ) -> boards.Bools:
        """Return which pairs can begin: one finds room beside the other."""
        where, b = self._where, self._where.at[j]
        there = where.used[b] + where.need[i]
        here = where.used[a] + where.need[j]
        ready: boards.Bools = (there <= where.room[b]).all(-1)
        ready |= (here <= where.room[a]).all(-1)
        return ready

    def _replaced(
        self,
        new: boards.Ints,
        old: boards.Ints,
        h: boards.Ints,
        before: boards.Floats | float = 0.0,
    ) -> Rows:
        """Return those of whom the new fits where the old is, and what that
        costs there, besides what it costs elsewhere."""
        where = self._where
        load = where.load[h] - where.weight[old, h] + where.weight[new, h]
        fits: boards.Bools = load[:, demand.HIGH] <= where.most[h, 0]
        fits &= load[:, demand.MEMORY] <= where.most[h, 1]
        after = where.used[h] - where.need[old] + where.need[new]
        fits &= (after <= where.room[h]).all(-1)
        group = where.group[new]
        fits &= where.members[group, h] < where.bound[group, 0]
        fits &= (where.seats[h] == 0) | (where.seated[new] == 0)
        before = np.broadcast_to(before, fits.shape)[fits]
        new, old, h, load = new[fits], old[fits], h[fits], load[fits]
        now = where.lost(where.load, np.arange(len(where.hosts)))
        more = where.lost(load, h) - now[h]
        more += where.paid[new, h]
        more -= where.paid[old, h]
        # Of one group, one is there before and after.
        apart = where.soft[new] != where.soft[old]
        more += apart * (where.regret_in(new, h) - where.regret_out(old))
        return new, old, before + more
