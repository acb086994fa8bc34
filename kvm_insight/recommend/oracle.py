# SPDX-License-Identifier: Apache-2.0
"""The oracle: the best final placement that there is, by CP-SAT.

The same score, costs, filters and guards as in the search, and none of its
limits: it does not ask whether the moves can be put in an order, nor whether
each is worth its own cost; only the whole must be. So its bound is below
whatever a plan can reach. For benchmarks and small clusters: it needs the
extra ``[optimizer]``.
"""

import dataclasses
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, field, groups, room

#: What the solver adds up: its types know nothing of ``sum``.
Linear = Any

#: Loads are counted in so many parts of a core or GiB, slopes and costs too.
_FINE = 1000
_SLOPE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Optimum:
    """What the solver found."""

    #: Instance -> host, of those that move.
    moves: dict[int, int]
    #: Score over the horizon plus weighed costs, in core-seconds, and the
    #: least that it could be at all.
    value: float
    bound: float
    proven: bool


class Oracle:
    """One cluster as a model for the solver."""

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
        self._minimize()

    def solve(self, seconds: float, workers: int = 1) -> Optimum:
        """Return the best placement found within so much time."""
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = workers
        solver.parameters.random_seed = 1
        status = solver.solve(self.model)
        moves = {
            i: h
            for i, options in self.options.items()
            for h, chosen in options.items()
            if solver.value(chosen) and h != self.board.at[i]
        }
        unit = self._unit
        return Optimum(
            moves,
            solver.objective_value * unit,
            solver.best_objective_bound * unit,
            status == cp_model.OPTIMAL,
        )

    def hint(self, moves: dict[int, int]) -> None:
        """Give the solver a placement to begin with."""
        for i, options in self.options.items():
            for h, chosen in options.items():
                self.model.add_hint(
                    chosen, int(moves.get(i, self.board.at[i]) == h)
                )

    def cut(self, moves: dict[int, int], stuck: dict[int, int]) -> None:
        """Forbid moves that had no order, unless others make room for them.

        All else of a placement done, there was no room for any of these. So
        they cannot all be, unless someone leaves their destinations who
        stayed, or someone stays away who came.
        """
        ends = set(stuck.values())
        terms: list[Linear] = [self.options[i][h] for i, h in stuck.items()]
        for i, options in self.options.items():
            home = self.board.at[i]
            if i not in moves and home in ends:
                terms.append(options[home] - 1)
            elif i in moves and i not in stuck and moves[i] in ends:
                terms.append(options[moves[i]] - 1)
        self.model.add(sum(terms) <= len(stuck) - 1)

    def _choose(self) -> None:
        """Let each mover be on one of the hosts that suit it."""
        where, board = self.where, self.board
        for h in range(len(board.hosts)):
            for i in where.movers(h):
                mask = where.sieve.suited(i) & where.receivers
                mask[where.guards.returns(i)] = False
                mask &= room.within(board, i)
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

    def _arrivals(self, h: int) -> list[tuple[int, cp_model.IntVar]]:
        return [
            (i, options[h])
            for i, options in self.options.items()
            if h in options and self.board.at[i] != h
        ]

    def _leavers(self, h: int) -> list[tuple[int, cp_model.IntVar]]:
        """Return who may leave a host; the variable says that it stays."""
        return [
            (i, self.options[i][h])
            for i in self.board.residents[h]
            if i in self.options
        ]

    def _limit_room(self) -> None:
        board = self.board
        for h in range(len(board.hosts)):
            arrivals, leavers = self._arrivals(h), self._leavers(h)
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
                count = self._count(name, h)
                most = max(group.max_server_per_host, members[h])
                self.model.add(count <= most)

    def _count(self, name: str, h: int) -> Linear:
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
                x for i, x in self._arrivals(h) if self.board.is_seated(i)
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
                    load = self._load(h, k)
                    fine = int(np.floor(most * _FINE))
                    self.model.add(load <= fine).only_enforce_if(received)

    def _load(self, h: int, k: int) -> Linear:
        board = self.board
        terms = [
            round(board.arrive[i, k] * _FINE) * x for i, x in self._arrivals(h)
        ]
        terms += [
            round(board.leave[i, k] * _FINE) * (x - 1)
            for i, x in self._leavers(h)
        ]
        return round(board.load[h, k] * _FINE) + sum(terms)

    def _minimize(self) -> None:
        where = self.where
        rules, score = where.rules, where.score
        self._unit = rules.horizon_s / (_FINE * _SLOPE * _SLOPE)
        losses = [self._lost(k) for k in range(4)]
        blends = np.rint(score.blends * _SLOPE).astype(int)
        soft = self._soft()
        spent = self._spent()
        after = [
            sum(int(w) * x for w, x in zip(blend, losses, strict=True)) + soft
            for blend in blends
        ]
        self.model.minimize(after[0] + spent)
        if rules.guarded:
            every = np.arange(len(self.board.hosts))
            sums = score.losses(self.board.load, every).sum(axis=0)
            soft_now = score.weights.get('soft_groups', 0.0) * groups.regrets(
                self.board
            )
            for q in (1, 2):
                now = float(score.blends[q] @ sums) + soft_now
                most = int(np.ceil(now * _FINE * _SLOPE * _SLOPE))
                # Rounding must not forbid what is just worth it.
                slack = _SLOPE * _SLOPE * len(self.board.hosts)
                self.model.add(after[q] + spent <= most + slack)

    def _lost(self, k: int) -> Linear:
        """Return what is lost of one quantity on all hosts, times FINE and
        SLOPE; a host that nothing can come to or leave is a number."""
        board = self.board
        parts: list[Linear] = []
        for h in range(len(board.hosts)):
            fixed = not self._arrivals(h) and not self._leavers(h)
            for slope, begin in self.where.score.bends(k, h):
                weight = round(slope * _SLOPE)
                if not np.isfinite(begin):
                    continue
                if fixed:
                    over = max(0.0, board.load[h, k] - begin)
                    parts.append(round(over * _FINE) * weight)
                    continue
                over_ = self.model.new_int_var(0, 10**9, '')
                self.model.add(
                    over_ >= self._load(h, k) - round(begin * _FINE)
                )
                parts.append(weight * over_)
        return sum(parts)

    def _soft(self) -> Linear:
        board = self.board
        weight = self.where.score.weights.get('soft_groups', 0.0)
        scaled = round(weight * _FINE * _SLOPE * _SLOPE)
        parts: list[Linear] = []
        for name in board.members:
            group = board.groups.get(name)
            if group is None or not group.policy.startswith('soft'):
                continue
            uses = []
            for h in range(len(board.hosts)):
                count = self._count(name, h)
                if group.policy == 'soft-anti-affinity':
                    over = self.model.new_int_var(0, 10**6, '')
                    self.model.add(over >= count - 1)
                    parts.append(scaled * over)
                else:
                    used = self.model.new_bool_var('')
                    self.model.add(count <= 10**6 * used)
                    uses.append(used)
            if uses:
                parts.append(scaled * (sum(uses) - 1))
        return sum(parts)

    def _spent(self) -> Linear:
        where, at = self.where, self.board.at
        return sum(
            round(where.worth * where.cost(i).core_s / self._unit)
            * (1 - options[at[i]])
            for i, options in self.options.items()
        )


def value(where: field.Field, moved: list[int]) -> float:
    """Return the same objective of the board as it stands."""
    cost = sum(where.cost(i).core_s for i in moved)
    return where.score.total() * where.rules.horizon_s + where.worth * cost
