# SPDX-License-Identifier: Apache-2.0
"""The score: one table of name, weight and statistic, in cores.

A cluster's score is what it loses each second by the forecasts and by what
was measured, and what else is not as it should be, in the same unit. Smaller
is better. Each line is convex in what a host has to bear, so that a solver
can find the true optimum of the same score (``oracle``).
"""

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from kvm_insight.model import recommendation
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, groups, settings

Statistic = Literal['sum', 'deviation', 'count']


#: One host or many, by index.
Where = int | boards.Ints


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    weight: float
    statistic: Statistic
    unit: str


def table(
    rules: settings.Settings, mode: recommendation.Mode, cores: float
) -> tuple[Line, ...]:
    """Return the score table of a mode; ``cores`` is what a host has."""
    spread = rules.weight_spread if mode == 'balance' else 0.0
    empty = rules.weight_empty * cores if mode == 'consolidate' else 0.0
    waiting = 1.0 if mode == 'evacuate' else 0.0
    lines = (
        Line('lost_expected', rules.weight_expected, 'sum', 'cores'),
        Line('lost_high', rules.weight_high, 'sum', 'cores'),
        Line('lost_measured', rules.weight_measured, 'sum', 'cores'),
        Line('memory_short', rules.weight_memory, 'sum', 'GiB'),
        Line('soft_groups', rules.weight_soft_group, 'count', 'instances'),
        Line('spread', spread, 'deviation', 'cores'),
        Line('hosts_in_use', empty, 'count', 'hosts'),
        Line('to_evacuate', waiting, 'count', 'instances'),
    )
    return tuple(line for line in lines if line.weight > 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Appraisal:
    """What moves would gain, over the horizon, in core-seconds."""

    #: By both forecasts together, by the expected, by the high one.
    gain: boards.Floats
    expected: boards.Floats
    high: boards.Floats


class Score:
    """The score of one board, and how a move would change it."""

    def __init__(
        self,
        board: boards.Board,
        mode: recommendation.Mode,
        evacuate: Collection[str] = (),
    ) -> None:
        """Take the board and the table of the mode."""
        rules = board.rules
        self.board, self.rules = board, rules
        self._evacuate = [
            board.index[name] for name in evacuate if name in board.index
        ]
        cores = board.capacity[:, demand.EXPECTED]
        mean = float(cores[cores > 0].mean()) if (cores > 0).any() else 0.0
        self.lines = table(rules, mode, mean)
        self.weights = {line.name: line.weight for line in self.lines}
        knees = (
            rules.cpu_knees,
            rules.cpu_knees,
            (settings.Knee(0.0, 1.0),),
            rules.memory_knees,
        )
        #: Of each quantity: slopes, and on each host where they begin.
        self._bends = [
            [
                (knee.slope, _scaled(knee.ratio, board.capacity[:, k]))
                for knee in knees[k]
            ]
            for k in range(len(knees))
        ]
        #: The same of all quantities at once: the first of each, and so on.
        self._layers = _layered(self._bends, len(board.hosts))
        both = rules.weight_expected + rules.weight_high
        rest = (rules.weight_measured, rules.weight_memory)
        #: Weights of the four quantities: by both forecasts, by each alone.
        self.blends = np.array(
            [
                [rules.weight_expected, rules.weight_high, *rest],
                [both, 0.0, *rest],
                [0.0, both, *rest],
            ]
        )

    def blended(self, expected: float, high: float) -> float:
        """Return what is gained by both forecasts together."""
        one, other = self.rules.weight_expected, self.rules.weight_high
        return (one * expected + other * high) / (one + other)

    def losses(self, load: boards.Floats, h: Where) -> boards.Floats:
        """Return what is lost of each quantity under a load on hosts h."""
        return _bent(self._layers, load, h)

    def lost(self, k: int, load: boards.Floats, h: Where) -> boards.Floats:
        """Return what is lost of one quantity under a load on hosts h."""
        return _bent(self._bends[k], load, h)

    def bends(self, k: int, h: int) -> list[tuple[float, float]]:
        """Return slopes and where they begin, of one quantity and host."""
        return [(slope, float(begin[h])) for slope, begin in self._bends[k]]

    def appraise(self, movers: boards.Ints, hosts: boards.Ints) -> Appraisal:
        """Return what moving each of the movers, which share one host, to
        each of the hosts would gain: arrays of movers by hosts."""
        board = self.board
        source = board.at[int(movers[0])]
        before = self.losses(board.load[source], source)
        after = self.losses(board.load[source] - board.leave[movers], source)
        relief = (before - after) @ self.blends.T
        burden = np.zeros((3, len(movers), len(hosts)))
        for k in (demand.EXPECTED, demand.HIGH, demand.MEMORY):
            there = board.load[hosts, k]
            arriving = there[None, :] + board.arrive[movers, k][:, None]
            more = self.lost(k, arriving, hosts) - self.lost(k, there, hosts)
            burden += self.blends[:, k, None, None] * more
        gains = relief.T[:, :, None] - burden
        gains -= self._regrets(movers, hosts)
        gains -= self._spreads(source, movers, hosts)
        gains *= self.rules.horizon_s
        return Appraisal(gains[0], gains[1], gains[2])

    def _regrets(
        self, movers: boards.Ints, hosts: boards.Ints
    ) -> boards.Floats:
        weight = self.weights.get('soft_groups', 0.0)
        found = np.zeros((len(movers), len(hosts)))
        for row, i in enumerate(movers):
            if weight and groups.is_soft(self.board, int(i)):
                found[row] = weight * groups.regret(self.board, int(i), hosts)
        return found

    def _spreads(
        self, source: int, movers: boards.Ints, hosts: boards.Ints
    ) -> boards.Floats | float:
        """Return by how much the spread grows."""
        weight = self.weights.get('spread', 0.0)
        if not weight:
            return 0.0
        board = self.board
        ratios, cores = self._ratios()
        count = int(np.isfinite(ratios).sum())
        total, squares = np.nansum(ratios), np.nansum(ratios**2)
        k = demand.EXPECTED
        left = ratios[source] - board.leave[movers, k] / cores[source]
        there = ratios[hosts][None, :]
        came = there + board.arrive[movers, k][:, None] / cores[hosts]
        step = left - ratios[source]
        total_after = total + step[:, None] + came - there
        squares_after = (
            squares
            + (left**2 - ratios[source] ** 2)[:, None]
            + came**2
            - there**2
        )
        after = _deviation(count, total_after, squares_after)
        before = _deviation(count, total, squares)
        grown: boards.Floats = (after - before) * np.nansum(cores) * weight
        return np.nan_to_num(grown, nan=np.inf)

    def _ratios(self) -> tuple[boards.Floats, boards.Floats]:
        """Return what part of its cores each host expects to need."""
        cores = self.board.capacity[:, demand.EXPECTED].copy()
        cores[cores <= 0] = np.nan
        return self.board.load[:, demand.EXPECTED] / cores, cores

    def values(self) -> dict[str, float]:
        """Return the value of each line, without its weight."""
        board = self.board
        whole = self.losses(board.load, np.arange(len(board.hosts)))
        sums = whole.sum(axis=0)
        found = {
            'lost_expected': float(sums[demand.EXPECTED]),
            'lost_high': float(sums[demand.HIGH]),
            'lost_measured': float(sums[demand.MEASURED]),
            'memory_short': float(sums[demand.MEMORY]),
            'soft_groups': float(board.missed),
            'hosts_in_use': float(sum(1 for one in board.residents if one)),
            'to_evacuate': float(
                sum(len(board.residents[h]) for h in self._evacuate)
            ),
        }
        if 'spread' in self.weights:
            ratios, cores = self._ratios()
            count = int(np.isfinite(ratios).sum())
            deviation = _deviation(
                count, np.nansum(ratios), np.nansum(ratios**2)
            )
            found['spread'] = float(deviation * np.nansum(cores))
        return {line.name: found[line.name] for line in self.lines}

    def total(self) -> float:
        """Return the score, in cores."""
        return sum(self.weights[k] * v for k, v in self.values().items())


def _layered(
    bends: list[list[tuple[float, boards.Floats]]], hosts: int
) -> list[tuple[boards.Floats, boards.Floats]]:
    """Return the bends of all quantities layer by layer; who has fewer of
    them loses nothing more on the last."""
    straight = (0.0, np.full(hosts, np.inf))
    return [
        (
            np.array([slope for slope, _ in layer]),
            np.stack([begin for _, begin in layer], axis=1),
        )
        for layer in itertools.zip_longest(*bends, fillvalue=straight)
    ]


def _bent(
    bends: Sequence[tuple[boards.Floats | float, boards.Floats]],
    load: boards.Floats,
    h: Where,
) -> boards.Floats:
    """Return what is lost under a load on hosts h, of what bends so."""
    (slope, begin), *more = bends
    found: boards.Floats = slope * np.maximum(0.0, load - begin[h])
    for slope, begin in more:
        found += slope * np.maximum(0.0, load - begin[h])
    return found


def _scaled(ratio: float, capacity: boards.Floats) -> boards.Floats:
    """Return where a knee is on each host; nowhere without a capacity."""
    finite = np.isfinite(capacity)
    return np.where(finite, ratio * np.where(finite, capacity, 0.0), np.inf)


def _deviation(
    count: int, total: npt.ArrayLike, squares: npt.ArrayLike
) -> boards.Floats:
    count = max(1, count)
    mean = np.asarray(total) / count
    variance = np.asarray(squares) / count - mean**2
    found: boards.Floats = np.sqrt(np.maximum(0.0, variance))
    return found
