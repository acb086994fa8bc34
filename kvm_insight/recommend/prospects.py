# SPDX-License-Identifier: Apache-2.0
"""Prospects: where each mover could go by itself, and what that costs.

A move changes two hosts; what was told of all others stays told.
"""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, places


class Prospects:
    """All single moves from one state of the places to the next."""

    def __init__(self, where: places.Places) -> None:
        """Take the places; nothing is worked out yet."""
        self._where = where
        self._all = np.arange(len(where.movers))
        self._more = np.full(where.open.shape, np.inf)
        self._less = np.zeros(len(where.movers))
        self._seen = np.full(len(where.hosts), -1, dtype=np.int64)

    def arrivals(self) -> boards.Floats:
        """Return what each host would lose more with each of the movers,
        and what moving them there costs; infinite where there is no room."""
        self._refresh()
        return self._more

    def reliefs(self) -> boards.Floats:
        """Return what is lost less where movers are, without them."""
        self._refresh()
        return self._less

    def roomy(self, n: int) -> boards.Bools:
        """Return which hosts can take a mover besides all others."""
        every = np.arange(len(self._where.hosts))
        found: boards.Bools = self._roomy(np.array([n]), every)[0]
        return found

    def may_return(self, n: boards.Ints) -> boards.Bools:
        """Return whether movers can be left where they are after all."""
        where, home = self._where, self._where.home[n]
        after = where.used[home] + where.need[n]
        fits: boards.Bools = (after <= where.room[home]).all(-1)
        load = where.load[home] + where.weight[n, home]
        fits &= load[:, demand.HIGH] <= where.most[home, 0]
        group = where.group[n]
        fits &= where.members[group, home] < where.bound[group, 0]
        return fits

    def _refresh(self) -> None:
        where = self._where
        changed = self._seen != where.turned
        stale = np.flatnonzero(changed)
        if not len(stale):
            return
        self._seen[stale] = where.turned[stale]
        self._more[:, stale] = self._arrivals(stale)
        near = np.flatnonzero(changed[where.at])
        self._less[near] = self._reliefs(near)

    def _arrivals(self, b: boards.Ints) -> boards.Floats:
        where, load = self._where, self._where.load[b]
        more = where.lost(load + where.weight[:, b], b) - where.lost(load, b)
        more += where.paid[:, b]
        more += where.regret_in(self._all[:, None], b)
        return np.where(self._roomy(self._all, b), more, np.inf)

    def _reliefs(self, n: boards.Ints) -> boards.Floats:
        where, at = self._where, self._where.at[n]
        less = where.lost(where.load[at], at)
        less -= where.lost(where.load[at] - where.weight[n, at], at)
        less += where.paid[n, at]
        return less + where.regret_out(n)

    def _roomy(self, n: boards.Ints, b: boards.Ints) -> boards.Bools:
        """Return which of the hosts b can take movers n."""
        where, at = self._where, np.ix_(n, b)
        load = where.load[b] + where.weight[at]
        fits: boards.Bools = where.open[at]
        fits &= load[..., demand.HIGH] <= where.most[b, 0]
        fits &= load[..., demand.MEMORY] <= where.most[b, 1]
        need = where.need[n][:, None]
        after = where.used[b] + need
        fits &= ((after <= where.room[b]) | (need == 0)).all(-1)
        group = where.group[n]
        fits &= where.members[np.ix_(group, b)] < where.bound[group]
        fits &= (where.seats[b] == 0) | (where.seated[n] == 0)[:, None]
        rows, columns = np.nonzero(where.home[n][:, None] == b)
        fits[rows, columns] |= self.may_return(n[rows])
        fits &= where.at[n][:, None] != b
        return fits
