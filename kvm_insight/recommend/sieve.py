# SPDX-License-Identifier: Apache-2.0
"""Sieve: to which hosts all filters let an instance go, and why not others."""

from collections.abc import Hashable

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import filters, groups, room, seats


class Sieve:
    """All filters over one board; remembers what does not change."""

    def __init__(self, board: boards.Board) -> None:
        """Take the board; leave out the filters that this Nova lacks."""
        self.board = board
        self._off = board.rules.without_filters
        self._static = [
            one for one in filters.STATIC if one.name not in self._off
        ]
        self._masks: dict[tuple[str, Hashable], boards.Bools] = {}
        #: (instance, where it is) -> hosts that static filters allow.
        self._known: dict[tuple[int, int], boards.Bools] = {}
        #: What is asked -> hosts that give so much at once.
        self._within: dict[bytes, boards.Bools] = {}
        self._seats = seats.Seats(board)

    def allowed(
        self, movers: boards.Ints, hosts: boards.Bools
    ) -> boards.Bools:
        """Return to which hosts of its row each instance may go now."""
        mask = hosts.copy()
        if 'Inventory' not in self._off:
            mask &= room.mask(self.board, movers)
        for row, i in enumerate(movers):
            mask[row] &= self.suited(int(i))
            if 'Inventory' not in self._off:
                mask[row] &= self.within(int(i))
            if 'ServerGroup' not in self._off:
                groups.strike(self.board, int(i), mask[row])
            self.seat(int(i), mask[row])
        return mask

    def within(self, i: int) -> boards.Bools:
        """Return which hosts give as much as it asks to one instance."""
        key = self.board.need[i].tobytes()
        found = self._within.get(key)
        if found is None:
            found = self._within[key] = room.within(self.board, i)
        return found

    def allows(self, i: int, h: int) -> bool:
        """Say the same of one host."""
        return bool(self.suited(i)[h]) and all(
            refuses(self.board, i, h) is None
            for name, refuses in filters.DYNAMIC.items()
            if name not in self._off
        )

    def seat(self, i: int, mask: boards.Bools) -> None:
        """Take out of the mask the hosts without NUMA cells or devices."""
        if 'NUMATopologyFilter' not in self._off:
            self._seats.strike(i, mask)

    def refusals(self, i: int, h: int) -> list[str]:
        """Return why an instance may not go to a host, by each filter."""
        if h == self.board.at[i]:
            return ['it is there already']
        asked = [(one.name, one.refuses) for one in self._static]
        asked += filters.DYNAMIC.items()
        answers = [
            (name, refuses(self.board, i, h))
            for name, refuses in asked
            if name not in self._off
        ]
        return [f'{name}: {words}' for name, words in answers if words]

    def suited(self, i: int) -> boards.Bools:
        """Return the hosts that suit an instance, whatever is on them."""
        key = i, self.board.at[i]
        mask = self._known.get(key)
        if mask is None:
            mask = np.ones(len(self.board.hosts), dtype=bool)
            mask[self.board.at[i]] = False
            for one in self._static:
                mask &= self._mask(one, i)
            self._known[key] = mask
        return mask

    def _mask(self, one: filters.Filter, i: int) -> boards.Bools:
        key = one.name, one.aspect(self.board, i)
        found = self._masks.get(key)
        if found is None:
            found = self._masks[key] = np.array(
                [
                    one.refuses(self.board, i, h) is None
                    for h in range(len(self.board.hosts))
                ]
            )
        return found
