# SPDX-License-Identifier: Apache-2.0
"""Polish: a better final placement near a good one.

Not moves one after the other but where each instance is in the end: one goes
elsewhere, two change places, or one makes room for another and goes on to a
third host, as long as that gains; then a few are shaken and it begins again.
The same score and costs as everywhere; ``order`` makes moves of it again.
"""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import pairs, places, prospects

_LEAST = 1e-6
#: Movers times hosts up to which all rounds are played.
_SMALL = 10_000
#: How many a shake sends home at most, and puts elsewhere.
_HOME, _ELSEWHERE = 6, 2


class Polish:
    """Betters places."""

    def __init__(self, where: places.Places) -> None:
        """Take them as a plan has left them."""
        self.places = where
        self._prospects = prospects.Prospects(where)
        self._pairs = pairs.Pairs(where)

    def run(self, dice: np.random.Generator, rounds: int) -> dict[int, int]:
        """Return the best final places found of all that move."""
        self._descend()
        best, kept = self.places.value(), self.places.at.copy()
        for _ in range(self._affordable(rounds)):
            if best <= _LEAST:
                break
            self._shake(dice)
            self._descend()
            now = self.places.value()
            if now < best - _LEAST:
                best, kept = now, self.places.at.copy()
            else:
                self.places.put(kept)
        self.places.put(kept)
        return {
            self.places.movers[n]: int(self.places.hosts[self.places.at[n]])
            for n in np.flatnonzero(self.places.at != self.places.home)
        }

    def _affordable(self, rounds: int) -> int:
        """Return how often to shake: the fewer the larger the part is."""
        return rounds * _SMALL // max(_SMALL, self.places.open.size)

    def _descend(self) -> None:
        for _ in range(10 * len(self.places.movers)):
            if not (self._shift() or self._pair()):
                return

    def _shift(self) -> bool:
        """Let the one mover go elsewhere for whom that is best."""
        if not self.places.movers:
            return False
        less = self._prospects.reliefs()
        change = self._prospects.arrivals() - less[:, None]
        n, b = divmod(int(np.argmin(change)), change.shape[1])
        if change[n, b] > -_LEAST:
            return False
        self.places.go(n, b)
        return True

    def _pair(self) -> bool:
        """Let one take another's place, who goes to where it was or on."""
        every = np.arange(len(self.places.hosts))
        losses = self.places.lost(self.places.load, every)
        onward = None
        for a in np.argsort(-losses, kind='stable'):
            if losses[a] <= _LEAST:
                break
            if onward is None:
                onward = self._onward()
            if self._pair_at(int(a), onward):
                return True
        return False

    def _onward(self) -> tuple[boards.Floats, boards.Ints]:
        """Return for each mover the cheapest third host, and its cost."""
        more = self._prospects.arrivals()
        best = np.argmin(more, axis=1)
        return more[np.arange(len(best)), best], best

    def _pair_at(
        self, a: int, onward: tuple[boards.Floats, boards.Ints]
    ) -> bool:
        found = self._pairs.into(a)
        i, j, more = found
        chain = more + onward[0][j] - self._prospects.reliefs()[i]
        chain[onward[1][j] == a] = np.inf
        if self._take(self._pairs.swapped(found, a), None):
            return True
        return self._take((i, j, chain), onward[1])

    def _take(self, found: pairs.Rows, onward: boards.Ints | None) -> bool:
        """Let the best pair do it, if that gains: j goes where i was, or
        onward."""
        i, j, change = found
        n = int(np.argmin(change)) if len(change) else -1
        if n < 0 or change[n] > -_LEAST:
            return False
        one, other = int(i[n]), int(j[n])
        here, there = int(self.places.at[one]), int(self.places.at[other])
        self.places.go(other, here if onward is None else int(onward[other]))
        self.places.go(one, there)
        return True

    def _shake(self, dice: np.random.Generator) -> None:
        """Send a few home and put a few elsewhere, whatever it costs."""
        moved = np.flatnonzero(self.places.at != self.places.home)
        if len(moved):
            count = 1 + int(dice.integers(min(_HOME, len(moved))))
            for n in dice.choice(moved, count, replace=False):
                if self._prospects.may_return(np.array([n]))[0]:
                    self.places.go(int(n), int(self.places.home[n]))
        every = np.arange(len(self.places.hosts))
        losses = self.places.lost(self.places.load, every) + _LEAST
        chances = losses / losses.sum()
        for _ in range(int(dice.integers(_ELSEWHERE + 1))):
            a = dice.choice(every, p=chances)
            near = np.flatnonzero(self.places.at == a)
            if len(near):
                self._put_anywhere(int(dice.choice(near)), dice)

    def _put_anywhere(self, n: int, dice: np.random.Generator) -> None:
        hosts = np.flatnonzero(self._prospects.roomy(n))
        if len(hosts):
            self.places.go(n, int(dice.choice(hosts)))
