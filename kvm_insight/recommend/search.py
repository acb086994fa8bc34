# SPDX-License-Identifier: Apache-2.0
"""The search: take the best move while it is worth its cost, then better it.

The hottest host goes first; where no single move helps, two instances change
places. Then, for so much effort as the settings allow, a part of the plan is
taken back and made anew, and the better one stays. All moves are played in
their order on one board, so each state between two of them is a valid one.
"""

from collections.abc import Callable

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import (
    choices,
    demand,
    exchange,
    field,
    order,
    places,
    polish,
)

_Pick = Callable[[choices.Choices], field.Choice | None]


class Search:
    """Builds and betters one plan."""

    def __init__(self, where: field.Field, dice: np.random.Generator) -> None:
        """Begin with no moves."""
        self.field, self._dice = where, dice
        self.steps: list[field.Step] = []

    def run(self) -> list[field.Step]:
        """Return the steps, in their order."""
        self._polish(self.greedy())
        self._settle()
        return self.steps

    def greedy(self) -> list[int]:
        """Take the best moves host by host; return those hosts."""
        sources = self.sources()
        for h in sources:
            self._relieve(h)
        return sources

    def sources(self) -> list[int]:
        """Return the hosts to relieve, the one that loses most first."""
        where, board = self.field, self.field.board
        every = np.arange(len(board.hosts))
        losses = where.score.losses(board.load, every) @ where.score.blends[0]
        if where.mode == 'balance':
            heat = board.load[:, 0] / np.maximum(board.capacity[:, 0], 1e-9)
            known = board.capacity[:, 0] > 0
            mean = heat[known].mean() if known.any() else 0.0
            order = np.argsort(-heat, kind='stable')
            return [int(h) for h in order if known[h] and heat[h] > mean]
        order = np.argsort(-losses, kind='stable')
        losing = where.senders & (losses > self._least())
        return [int(h) for h in order if losing[h]]

    def net(self) -> float:
        """Return what the plan leaves after its costs, in core-seconds."""
        worth = self.field.worth
        return sum(
            one.gain - worth * one.cost
            for step in self.steps
            for one in step.choices
        )

    def _least(self) -> float:
        """Return what any move costs: who loses less cannot be helped."""
        rules = self.field.rules
        return self.field.worth * rules.move_core_s / rules.horizon_s

    def _relieve(self, h: int) -> None:
        """Take from a host what is worth it, then try exchanges."""
        self._send(h, choices.Choices.best)
        while len(self.steps) < self.field.rules.most_moves:
            pair = exchange.best(self.field, h)
            if pair is None:
                break
            self._play(field.Step(pair))

    def _relieve_firmly(self, h: int) -> None:
        """Take from a host what also holds by both forecasts."""
        self._send(h, lambda leaving: leaving.firmest(self._slack()))

    def _send(self, h: int, pick: _Pick) -> None:
        """Let one after the other leave a host, as they are picked."""
        leaving = choices.Choices(self.field, h)
        while len(self.steps) < self.field.rules.most_moves:
            best = pick(leaving)
            if best is None:
                return
            self._play(field.Step((best,)))
            leaving.played(best)

    def _slack(self) -> boards.Floats:
        """Return what each chain leaves after its costs: by the expected
        forecast, and by the high one."""
        where = self.field
        found = np.zeros((2, len(where.board.hosts)))
        for step in self.steps:
            for one in step.choices:
                left = np.array([one.expected, one.high])
                left -= where.worth * one.cost
                found[:, where.chain[one.source]] += left
        return found

    def _play(self, step: field.Step) -> None:
        for one in step.choices:
            self.field.play(one.i, one.destination)
        self.steps.append(step)

    def _polish(self, sources: list[int]) -> None:
        """Better the final placement of the hosts that need it most, and
        put its moves in order; all other moves stay as they are."""
        where, rules = self.field, self.field.rules
        kept, net = list(self.steps), self.net()
        hosts = self._arena(sources)
        if not hosts:
            return
        inside = set(hosts)
        loose = [step for step in kept if step.hosts <= inside]
        target = {x.i: x.destination for s in loose for x in s.choices}
        self._drop(loose)
        others = list(self.steps)
        table = places.Places(where, hosts, target)
        better = polish.Polish(table)
        for _ in range(_ORDERS):
            self._drop(self.steps[len(others) :])
            target = better.run(self._dice, rules.rounds)
            found, stuck = order.steps(where, target)
            self.steps = others + found
            if not stuck:
                break
            table.forbid(stuck)
        for h in sources:
            if h in inside:
                self._relieve(h)
        if self.net() < net:
            self._drop(self.steps[len(others) :])
            self.steps = others
            for step in loose:
                self._play(step)

    def _arena(self, sources: list[int]) -> list[int]:
        """Return the hosts to better: those that still lose most, those
        that they send to, and cool ones; in a small cluster all."""
        where, board = self.field, self.field.board
        most = where.rules.most_arena
        every = np.arange(len(board.hosts))
        losses = where.score.losses(board.load, every) @ where.score.blends[0]
        if len(board.hosts) > most:
            sources = [h for h in sources if losses[h] > self._least()]
        chosen: set[int] = set()
        for h in sorted(sources, key=lambda h: (-losses[h], h)):
            near = {x for s in self.steps if h in s.hosts for x in s.hosts}
            if len(chosen | near | {h}) <= most:
                chosen |= near | {h}
        if not sources:
            return []
        cores = np.maximum(board.capacity[:, demand.HIGH], 1e-9)
        heat = board.load[:, demand.HIGH] / cores
        for h in np.argsort(heat, kind='stable'):
            if len(chosen) >= most:
                break
            if where.receivers[h]:
                chosen.add(int(h))
        return sorted(chosen)

    def _settle(self) -> None:
        """Play all once more; what is not worth it falls out, and of each
        chain what it would not hold with by both forecasts."""
        doubtful: field.Step | None = None
        left: set[int] = set()
        while True:
            steps = [step for step in self.steps if step is not doubtful]
            self._drop(list(self.steps))
            for step in steps:
                self._replay(step)
            doubtful = self._doubtful()
            if doubtful is None:
                break
            left |= doubtful.sources
        for h in sorted(left):
            self._relieve_firmly(h)

    def _doubtful(self) -> field.Step | None:
        """Return the weakest step of a chain that does not hold."""
        chains: dict[int, list[field.Step]] = {}
        for step in self.steps:
            name = step.chain(self.field.chain)
            chains.setdefault(name, []).append(step)
        for steps in chains.values():
            if not self.field.holds([x for s in steps for x in s.choices]):
                return min(steps, key=_firmness)
        return None

    def _drop(self, loose: list[field.Step]) -> None:
        """Take whole chains out of the plan."""
        for step in reversed(loose):
            for one in reversed(step.choices):
                self.field.take_back(one.i, one.source)
        gone = set(map(id, loose))
        self.steps = [step for step in self.steps if id(step) not in gone]
        self.field.rejoin(self.steps)

    def _replay(self, step: field.Step) -> bool:
        """Play a step again if it can be and is worth it; say whether."""
        where, high = self.field, self.field.board.load[:, demand.HIGH].copy()
        alone = len(step.choices) == 1
        fresh: list[field.Choice] = []
        for one in step.choices:
            to = one.destination
            if not (where.opens(one.i, to) if alone else where.may(one.i, to)):
                break
            fresh.append(where.value(one.i, to))
            where.play(one.i, to)
        else:
            limit = where.limit * where.board.capacity[:, demand.HIGH]
            hotter = where.board.load[:, demand.HIGH] > np.maximum(limit, high)
            if where.is_worth(fresh) and not hotter.any():
                self.steps.append(field.Step(tuple(fresh)))
                return True
        for done in reversed(fresh):
            where.take_back(done.i, done.source)
        return False


#: How often a placement is made again whose moves have no order.
_ORDERS = 4


def _firmness(step: field.Step) -> float:
    """Return what a step leaves by the forecast that is worse for it."""
    expected = sum(one.expected - one.cost for one in step.choices)
    high = sum(one.high - one.cost for one in step.choices)
    return min(expected, high)


def is_hot(where: field.Field, everywhere: bool = False) -> boards.Bools:
    """Return which hosts are hot: by the high forecast, or by what is
    lost there for known reasons; of those that something may leave."""
    board, rules = where.board, where.rules
    limit = rules.hot_ratio * board.capacity[:, demand.HIGH]
    hot: boards.Bools = board.load[:, demand.HIGH] > limit
    hot |= board.load[:, demand.MEASURED] > rules.hot_lost_cores
    memory = board.load[:, demand.MEMORY]
    hot |= memory > rules.memory_ratio * board.capacity[:, demand.MEMORY]
    return hot if everywhere else hot & where.senders
