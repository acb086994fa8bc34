# SPDX-License-Identifier: Apache-2.0
"""All final placements of one cluster that filters and guards allow.

As variables and constraints for the solver (``oracle``): who may be where,
room, hard groups, seats, and that nobody gets hot.
"""

from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, field, groups

#: What the solver adds up: its types know nothing of ``sum``.
Linear = Any

#: Loads are counted in so many parts of a core or GiB.
FINE = 1000


class Model:
    """Each mover on exactly one host, all constraints kept."""

    def __init__(self, where: field.Field) -> None:
        """Take a field on which nothing has been played."""
        self.where, self.board = where, where.board
        self.model = cp_model.CpModel()
        self.options: dict[int, dict[int, cp_model.IntVar]] = {}
        self.received: dict[int, cp_model.IntVar] = {}
        self._choose()
        self._limit_room()
        self._limit_groups()
        self._limit_seats()
        self._limit_heat()

    def _choose(self) -> None:
        """Let each mover be on one of the hosts that suit it."""
        where, board = self.where, self.board
        for h in range(len(board.hosts)):
            for i in where.movers(h):
                mask = where.sieve.suited(i) & where.receivers
                mask[where.guards.returns(i)] = False
                mask &= where.sieve.within(i)
                self._elsewhere(i, mask)
                hosts = [h, *map(int, np.flatnonzero(mask))]
                self.options[i] = {
                    host: self.model.new_bool_var('') for host in hosts
                }
                self.model.add_exactly_one(self.options[i].values())
        for i, options in self.options.items():
            for h, chosen in options.items():
                if h != board.at[i]:
                    there = self.received.get(h)
                    if there is None:
                        there = self.received[h] = self.model.new_bool_var('')
                    self.model.add_implication(chosen, there)

    def _elsewhere(self, i: int, mask: boards.Bools) -> None:
        """Strike the hosts without a seat, and those affinity refuses."""
        board = self.board
        name = board.instances[i].server_group
        if name is not None and board.groups[name].policy == 'affinity':
            groups.strike(board, i, mask)
        if board.is_seated(i):
            for h in np.flatnonzero(mask):
                mask[h] = self._could_seat(i, int(h))

    def _could_seat(self, i: int, h: int) -> bool:
        """Say whether i fits when all that can leave the host have left."""
        board = self.board
        leavers = [j for j in self.where.movers(h) if board.is_seated(j)]
        if board.seat(i, h) is not None:
            return True
        return any(board.seats_without(i, h, j) for j in leavers)

    def arrivals(self, h: int) -> list[tuple[int, cp_model.IntVar]]:
        """Return who may come to a host."""
        return [
            (i, options[h])
            for i, options in self.options.items()
            if h in options and self.board.at[i] != h
        ]

    def leavers(self, h: int) -> list[tuple[int, cp_model.IntVar]]:
        """Return who may leave a host; the variable says that it stays."""
        return [
            (i, self.options[i][h])
            for i in self.board.residents[h]
            if i in self.options
        ]

    def _limit_room(self) -> None:
        board = self.board
        for h in range(len(board.hosts)):
            arrivals, leavers = self.arrivals(h), self.leavers(h)
            for c in range(len(board.classes)):
                free = int(np.floor(board.room[h, c] - board.used[h, c]))
                terms = [int(board.need[i, c]) * x for i, x in arrivals]
                terms += [int(board.need[i, c]) * (x - 1) for i, x in leavers]
                if arrivals:
                    self.model.add(sum(terms) <= max(0, free))

    def _limit_groups(self) -> None:
        board = self.board
        for name, members in board.members.items():
            group = board.groups.get(name)
            if group is None or group.policy != 'anti-affinity':
                continue
            for h in range(len(board.hosts)):
                count = self.count(name, h)
                most = max(group.max_server_per_host, members[h])
                self.model.add(count <= most)

    def count(self, name: str, h: int) -> Linear:
        """Return how many of a group are on a host in the end."""
        board = self.board
        here = [
            options[h]
            for i, options in self.options.items()
            if board.instances[i].server_group == name and h in options
        ]
        fixed = board.members[name][h] - sum(
            1
            for i in board.residents[h]
            if i in self.options and board.instances[i].server_group == name
        )
        return sum(here) + fixed

    def _limit_seats(self) -> None:
        for h in range(len(self.board.hosts)):
            seated = [
                x for i, x in self.arrivals(h) if self.board.is_seated(i)
            ]
            if len(seated) > 1:
                self.model.add_at_most_one(seated)

    def _limit_heat(self) -> None:
        """Nobody who receives may be hot in the end, or hotter than now."""
        board, where = self.board, self.where
        memory_ratio = where.rules.memory_ratio
        for h, received in self.received.items():
            high = board.load[h, demand.HIGH]
            limit = where.limit * board.capacity[h, demand.HIGH]
            for k, most in (
                (demand.HIGH, max(limit, high)),
                (demand.MEMORY, memory_ratio * board.capacity[h, 3]),
            ):
                if np.isfinite(most):
                    load = self.load(h, k)
                    fine = int(np.floor(most * FINE))
                    self.model.add(load <= fine).only_enforce_if(received)

    def load(self, h: int, k: int) -> Linear:
        """Return what a host has to bear in the end, in parts."""
        board = self.board
        terms = [
            round(board.arrive[i, k] * FINE) * x for i, x in self.arrivals(h)
        ]
        terms += [
            round(board.leave[i, k] * FINE) * (x - 1)
            for i, x in self.leavers(h)
        ]
        return round(board.load[h, k] * FINE) + sum(terms)
