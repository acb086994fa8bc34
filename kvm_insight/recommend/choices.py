# SPDX-License-Identifier: Apache-2.0
"""Choices: all moves away from one host, the best and the next best."""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import field


class Choices:
    """All moves away from one host; kept while it sends one after another."""

    def __init__(self, where: field.Field, source: int) -> None:
        """Ask the filters once for all that may leave."""
        self._where, self.source = where, source
        self.movers = np.array(where.movers(source), dtype=np.int64)
        self.mask = where.open_to(self.movers)
        self.hosts = np.flatnonzero(self.mask.any(axis=0))
        self._appraise()

    def best(self, demands: bool = True) -> field.Choice | None:
        """Return the best move; with ``demands`` one that is worth it."""
        net = np.where(
            self._worth if demands else self._open, self._net, -np.inf
        )
        if net.size == 0:
            return None
        at = int(np.argmax(net))
        row, column = divmod(at, net.shape[1])
        if net[row, column] == -np.inf:
            return None
        return self._choice(row, column)

    def firmest(self, slack: boards.Floats) -> field.Choice | None:
        """Return the best move whose chain holds by both forecasts; slack
        is what each chain has left by each of them."""
        if 0 in self._open.shape:
            return None
        where = self._where
        mine, chains = where.chain[self.source], where.chain[self.hosts]
        joined = slack[:, chains] * (chains != mine) + slack[:, mine, None]
        gains = np.stack([self._told.expected, self._told.high])
        left = gains - self._price + joined[:, None]
        net = np.where(self._worth & (left >= 0).all(0), self._net, -np.inf)
        row, column = divmod(int(np.argmax(net)), net.shape[1])
        if net[row, column] == -np.inf:
            return None
        return self._choice(row, column)

    def all(self) -> list[field.Choice]:
        """Return each mover's best destination, worth it or not."""
        found = []
        for row in range(len(self.movers)):
            net = np.where(self._open[row], self._net[row], -np.inf)
            if net.size and net.max() > -np.inf:
                found.append(self._choice(row, int(np.argmax(net))))
        return found

    def played(self, choice: field.Choice) -> None:
        """Take notice of a move from here that has been played."""
        keep = self.movers != choice.i
        self.movers, self.mask = self.movers[keep], self.mask[keep]
        for row, i in enumerate(self.movers):
            h = choice.destination
            self.mask[row, h] = self._where.opens(int(i), h)
        self._appraise()

    def _appraise(self) -> None:
        where = self._where
        self._open = self.mask[:, self.hosts]
        shape = self._open.shape
        if 0 in shape:
            self._net = np.zeros(shape)
            self._worth = self._open
            return
        told = where.score.appraise(self.movers, self.hosts)
        costs = np.array([where.cost(int(i)).core_s for i in self.movers])
        price = where.worth * costs[:, None]
        self._told, self._price = told, price
        self._worth = self._open & (told.gain >= price)
        self._worth &= told.gain > field.NOTHING
        self._net = told.gain - price
        self._net += where.preference(self.source, self.movers, self.hosts)

    def rival(self, choice: field.Choice) -> field.Rival | None:
        """Return the best move of another instance than that of a choice;
        where there is none, the best of it to another host."""
        if 0 in self._open.shape:
            return None
        net = np.where(self._open, self._net, -np.inf)
        others = np.where((self.movers == choice.i)[:, None], -np.inf, net)
        if not np.isfinite(others).any():
            others = np.where(self.hosts == choice.destination, -np.inf, net)
        if not np.isfinite(others).any():
            return None
        row, column = divmod(int(np.argmax(others)), net.shape[1])
        best = self._choice(row, column)
        return field.Rival(best.i, best.destination, best.gain, best.cost)

    def _choice(self, row: int, column: int) -> field.Choice:
        i = int(self.movers[row])
        return field.Choice(
            i,
            self.source,
            int(self.hosts[column]),
            float(self._told.gain[row, column]),
            float(self._told.expected[row, column]),
            float(self._told.high[row, column]),
            self._where.cost(i).core_s,
        )
