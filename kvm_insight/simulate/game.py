# SPDX-License-Identifier: Apache-2.0
"""The game of who is to blame: what is lost without the excess of some.

Players are entities; a subset is evaluated by taking the excess of all its
members away. Where no one alone matters but all together do, the blame of
the few largest is their Shapley value, with all others as one more player.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Collection, Sequence

import numpy
from numpy import typing as npt

Floats = npt.NDArray[numpy.float64]
Subset = frozenset[int]

#: A bin of the losses. Windows begin each minute, and each is judged by
#: the minutes around it, too: a grid of five minutes would cut a short
#: incident in two halves that are nothing.
BIN_S = 10
WINDOW_S = 60
AROUND = 2
_WINDOW_BINS = WINDOW_S // BIN_S
NOBODY: Subset = frozenset()
#: All players of the joint game beyond the few.
REST = -1
_FEW = 3
#: Part of the excess that the few must have.
_MOST = 0.6


@dataclasses.dataclass(frozen=True, slots=True)
class Losses:
    """Variant x entity x bin: what was lost, and of how much."""

    lost: Floats
    total: Floats

    def windows(self) -> 'Losses':
        """Return the sums around each window."""
        return Losses(by_window(self.lost), by_window(self.total))

    def suffering(self) -> Floats:
        """Return the part lost; 0 of nothing."""
        some = numpy.where(self.total > 0, self.total, 1.0)
        return numpy.asarray(self.lost / some)


#: Takes subsets of entities without their excess.
Evaluate = Callable[[Sequence[Subset]], Losses]


class Game:
    """Keeps what was evaluated; asks for more when it must."""

    def __init__(
        self,
        evaluate: Evaluate,
        everybody: Subset,
        suspects: Subset,
        excess: Floats,
    ) -> None:
        #: Cores, entity x window.
        self.excess = excess
        self._evaluate = evaluate
        self.everybody = everybody
        self.suspects = sorted(suspects)
        self.rest = everybody - suspects
        single = (frozenset([who]) for who in self.suspects)
        subsets = dict.fromkeys([NOBODY, everybody, self.rest, *single])
        losses = evaluate(list(subsets))
        first = Losses(losses.lost[:1], losses.total[:1])
        self.by_bin = first.suffering()[0]
        sums = losses.windows()
        self.total = sums.total[0]
        self._known = dict(zip(subsets, sums.suffering(), strict=True))

    def suffering(self, subset: Subset) -> Floats:
        """Return entity x window without the excess of these."""
        if subset not in self._known:
            losses = self._evaluate([subset]).windows()
            self._known[subset] = losses.suffering()[0]
        found: Floats = self._known[subset]
        return found

    def ask(self, subsets: Collection[Subset]) -> None:
        """Evaluate several at once, which is cheaper."""
        new = [one for one in subsets if one not in self._known]
        if new:
            found = self._evaluate(new).windows().suffering()
            self._known.update(zip(new, found, strict=True))


def shapley(
    game: Game,
    window: int,
    parts: dict[int, float],
    spared: Callable[[Subset], float],
) -> dict[int, float]:
    """Return the value of the three with the most excess in the window, and
    of the rest as of one; the parts as they are, if those three have too
    little of it for any of them to be guilty."""
    excess = game.excess[:, window]
    few = sorted(game.suspects, key=lambda who: -excess[who])[:_FEW]
    whole = float(excess[sorted(game.everybody)].sum())
    if float(excess[few].sum()) < _MOST * whole:
        return parts
    players = {who: frozenset([who]) for who in few}
    if others := game.everybody - frozenset(few):
        players[REST] = others
    subsets = {
        some: NOBODY.union(*(players[who] for who in some))
        for size in range(len(players) + 1)
        for some in itertools.combinations(sorted(players), size)
    }
    game.ask(subsets.values())
    value = {frozenset(some): spared(one) for some, one in subsets.items()}
    return {who: _value(who, list(players), value) for who in players}


def _value(
    who: int, players: Sequence[int], value: dict[Subset, float]
) -> float:
    others = [one for one in players if one != who]
    total = 0.0
    for size in range(len(others) + 1):
        weight = 1 / (len(players) * math.comb(len(others), size))
        for some in itertools.combinations(others, size):
            before = frozenset(some)
            total += weight * (value[before | {who}] - value[before])
    return total


def bins(rates: Floats, step_s: float) -> Floats:
    """Return amounts by the bin from rates by the step, in the last axis."""
    edges = numpy.arange(0, rates.shape[-1], round(BIN_S / step_s))
    return numpy.asarray(numpy.add.reduceat(rates, edges, axis=-1) * step_s)


def by_window(bins: Floats) -> Floats:
    """Return, of amounts by the bin in the last axis, the sum around each
    window: two less at the ends, and a last one that is cut counts."""
    edges = numpy.arange(0, bins.shape[-1], _WINDOW_BINS)
    windows = numpy.add.reduceat(bins, edges, axis=-1)
    found = windows.copy()
    for away in range(1, AROUND + 1):
        found[..., away:] += windows[..., :-away]
        found[..., :-away] += windows[..., away:]
    return numpy.asarray(found)


def rate(bins: Floats) -> Floats:
    """Return the amount per second around each window."""
    seconds = numpy.full(bins.shape[-1], float(BIN_S))
    return numpy.asarray(by_window(bins) / by_window(seconds))
