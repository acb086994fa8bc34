# SPDX-License-Identifier: Apache-2.0
"""Field: where each instance could go now, and what that would bring.

Board, filters, guards and score together, and which hosts the plan touches
already.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import (
    cost,
    demand,
    guards,
    orders,
    sanity,
    score,
    settings,
    sieve,
)

#: Below this two moves gain the same: the cooler host decides, and before
#: that the one that no other part of the plan touches (core-seconds).
_COOLER = 0.1
_APART = 30.0
#: What gains less gains nothing (core-seconds).
NOTHING = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Rival:
    """The next best that was there instead."""

    i: int
    destination: int
    gain: float
    cost: float


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One move, with what it brings as the board stands."""

    i: int
    source: int
    destination: int
    #: By both forecasts together, by the expected, by the high one.
    gain: float
    expected: float
    high: float
    cost: float
    rival: Rival | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What is done together or not at all: one move, or an exchange."""

    choices: tuple[Choice, ...]

    @property
    def sources(self) -> set[int]:
        """Return the hosts that something leaves."""
        return {one.source for one in self.choices}

    def chain(self, chains: boards.Ints) -> int:
        """Return which chain of hosts it belongs to."""
        return int(chains[self.choices[0].source])

    @property
    def hosts(self) -> set[int]:
        """Return the hosts that the step touches."""
        return self.sources | {one.destination for one in self.choices}


class Field:
    """What a search needs to know of one cluster."""

    def __init__(
        self,
        whole: cluster.Cluster,
        sound: sanity.Sound,
        rules: settings.Settings,
        said: orders.Orders,
        mode: recommendation.Mode,
    ) -> None:
        """Set all of it up."""
        self.rules, self.mode = rules, mode
        self.board = boards.Board(whole, sound, rules)
        self.sieve = sieve.Sieve(self.board)
        self.guards = guards.Guards(
            self.board, whole, sound.fixed, rules, said, mode
        )
        self.score = score.Score(self.board, mode, said.evacuate)
        self.senders = self.guards.senders()
        self.receivers = self.guards.receivers()
        #: Part of a host's cores that the high forecast may come to.
        self.limit = rules.hot_ratio
        self.worth = rules.worth if rules.guarded else 0.0
        self.moved: set[int] = set()
        #: Which chain of hosts in the plan a host belongs to; itself first.
        self.chain = np.arange(len(self.board.hosts))
        self._costs: dict[int, cost.Cost] = {}

    def cost(self, i: int) -> cost.Cost:
        """Return what moving an instance costs."""
        found = self._costs.get(i)
        if found is None:
            found = cost.of(self.board.instances[i], self.rules)
            self._costs[i] = found
        return found

    def movers(self, h: int) -> list[int]:
        """Return which instances may leave a host now."""
        if not self.senders[h]:
            return []
        return [
            i
            for i in self.board.residents[h]
            if i not in self.moved and self.guards.stays(i) is None
        ]

    def open_to(self, movers: boards.Ints) -> boards.Bools:
        """Return to which hosts each of these instances may go now."""
        ready = self.receivers & self.cool(movers)
        mask = self.sieve.allowed(movers, ready)
        for row, i in enumerate(movers):
            mask[row, self.guards.returns(int(i))] = False
        return mask

    def opens(self, i: int, h: int) -> bool:
        """Say the same of one host."""
        board = self.board
        after = board.load[h] + board.arrive[i]
        limit, memory = self.limit, self.rules.memory_ratio
        return bool(
            after[demand.HIGH] <= limit * board.capacity[h, demand.HIGH]
            and after[demand.MEMORY]
            <= memory * board.capacity[h, demand.MEMORY]
            and self.may(i, h)
        )

    def may(self, i: int, h: int) -> bool:
        """Say whether Nova and the guards would let i go to h now, however
        warm h may be between two moves."""
        return bool(
            self.receivers[h]
            and h not in self.guards.returns(i)
            and self.sieve.allows(i, h)
        )

    def value(self, i: int, h: int) -> Choice:
        """Return what one move brings as the board stands."""
        told = self.score.appraise(np.array([i]), np.array([h]))
        return Choice(
            i,
            self.board.at[i],
            h,
            float(told.gain[0, 0]),
            float(told.expected[0, 0]),
            float(told.high[0, 0]),
            self.cost(i).core_s,
        )

    def is_worth(self, choices: Sequence[Choice]) -> bool:
        """Say whether moves together gain enough for what they cost."""
        gain = sum(one.gain for one in choices)
        price = self.worth * sum(one.cost for one in choices)
        return gain > NOTHING and gain >= price - NOTHING

    def holds(self, choices: Sequence[Choice]) -> bool:
        """Say whether they do whichever of the two forecasts comes true."""
        expected = sum(one.expected for one in choices)
        high = sum(one.high for one in choices)
        price = self.worth * sum(one.cost for one in choices)
        least = min(expected, high)
        return not self.rules.guarded or least >= price - NOTHING

    def cool(self, movers: boards.Ints) -> boards.Bools:
        """Return which hosts would not get hot by each of these."""
        board, brought = self.board, self.board.arrive[movers][:, :, None]
        high = board.load[:, demand.HIGH] + brought[:, demand.HIGH]
        memory = board.load[:, demand.MEMORY] + brought[:, demand.MEMORY]
        mask: boards.Bools = high <= self.limit * board.capacity[:, 1]
        mask &= memory <= self.rules.memory_ratio * board.capacity[:, 3]
        return mask

    def play(self, i: int, h: int) -> None:
        """Let an instance move as a part of the plan."""
        self._join(self.board.at[i], h)
        self.board.play(i, h)
        self.moved.add(i)

    def take_back(self, i: int, source: int) -> None:
        """Take a move out of the plan; chains are made anew after that."""
        self.board.take_back(i, source)
        self.moved.discard(i)

    def rejoin(self, steps: Iterable[Step]) -> None:
        """Make the chains anew from the steps that are in the plan."""
        self.chain = np.arange(len(self.board.hosts))
        for step in steps:
            for one in step.choices:
                self._join(one.source, one.destination)

    def _join(self, one: int, other: int) -> None:
        old, new = self.chain[one], self.chain[other]
        if old != new:
            self.chain[self.chain == old] = new

    def preference(
        self, source: int, movers: boards.Ints, hosts: boards.Ints
    ) -> boards.Floats:
        """Return what decides between moves that gain the same."""
        board, k = self.board, demand.HIGH
        cores = np.maximum(board.capacity[hosts, k], 1e-9)
        heat = (
            board.load[hosts, k] + board.arrive[movers, k][:, None]
        ) / cores
        chains = self.chain[hosts]
        joined = np.bincount(self.chain, minlength=len(self.chain)) > 1
        apart = joined[chains] & (chains != self.chain[source])
        found: boards.Floats = -_COOLER * heat - _APART * apart
        return found
