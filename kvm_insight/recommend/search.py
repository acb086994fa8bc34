# SPDX-License-Identifier: Apache-2.0
"""The search: take the best move while it is worth its cost, then better it.

The hottest host goes first; where no single move helps, two instances change
places. Then, for so much effort as the settings allow, a part of the plan is
taken back and made anew, and the better one stays. All moves are played in
their order on one board, so each state between two of them is a valid one.
"""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, exchange, field

#: A plan that is better by less is the same (core-seconds).
_LEAST = 1e-6


class Search:
    """Builds and betters one plan."""

    def __init__(self, where: field.Field, dice: np.random.Generator) -> None:
        """Begin with no moves."""
        self.field, self._dice = where, dice
        self.steps: list[field.Step] = []

    def run(self) -> list[field.Step]:
        """Return the steps, in their order."""
        sources = self.sources()
        for h in sources:
            self._relieve(h)
        self._refine(sources)
        self._settle()
        return self.steps

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
        hot = is_hot(where)
        order = np.argsort(-losses, kind='stable')
        return [int(h) for h in order if hot[h]]

    def net(self) -> float:
        """Return what the plan leaves after its costs, in core-seconds."""
        worth = self.field.worth
        return sum(
            one.gain - worth * one.cost
            for step in self.steps
            for one in step.choices
        )

    def _relieve(self, h: int) -> None:
        """Take from a host what is worth it, then try exchanges."""
        choices = field.Choices(self.field, h)
        while len(self.steps) < self.field.rules.most_moves:
            best = choices.best()
            if best is None:
                break
            self._play(field.Step((best,)))
            choices.played(best)
        while len(self.steps) < self.field.rules.most_moves:
            pair = exchange.best(self.field, h)
            if pair is None:
                break
            self._play(field.Step(pair))

    def _play(self, step: field.Step) -> None:
        for one in step.choices:
            self.field.play(one.i, one.destination)
        self.steps.append(step)

    def _refine(self, sources: list[int]) -> None:
        where, rules = self.field, self.field.rules
        best = self.net()
        budget = where.spent + rules.effort
        for _ in range(rules.rounds):
            if not sources or where.spent > budget:
                break
            kept = list(self.steps)
            self._ruin(sources)
            now = self.net()
            if now > best + _LEAST:
                best = now
            else:
                self._restore(kept)

    def _ruin(self, sources: list[int]) -> None:
        """Take back what touches a host or two, and make it anew.

        Chains of moves that have no host in common do not know each other,
        so only the chains of these hosts are played again.
        """
        dice, chain = self._dice, self.field.chain
        chosen = {int(h) for h in dice.choice(sources, 1 + dice.integers(3))}
        if dice.random() < 0.5:
            near = (s.hosts for s in self.steps if s.hosts & chosen)
            chosen = chosen.union(*near)
        played = {int(chain[h]) for h in chosen}
        loose = [s for s in self.steps if s.chain(chain) in played]
        self._drop(loose)
        again = chosen & set(sources)
        for step in loose:
            if step.hosts & chosen or not self._replay(step):
                again |= step.sources
        order = sorted(again)
        dice.shuffle(order)
        for h in order:
            self._relieve(h)

    def _settle(self) -> None:
        """Play all once more; what is not worth it any more falls out."""
        steps = list(self.steps)
        self._drop(steps)
        for step in steps:
            self._replay(step)

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
            if not (
                where.open_to(one.i)[to] if alone else where.may(one.i, to)
            ):
                break
            fresh.append(where.value(one.i, to, one.rival))
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

    def _restore(self, steps: list[field.Step]) -> None:
        """Go back to a plan as it was."""
        kept = set(map(id, steps))
        new = [step for step in self.steps if id(step) not in kept]
        stayed = {id(step) for step in self.steps}
        self._drop(new)
        for step in steps:
            if id(step) not in stayed:
                for one in step.choices:
                    self.field.play(one.i, one.destination)
        self.steps = steps


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
