# SPDX-License-Identifier: Apache-2.0
"""The oracle: the best final placement that there is, by CP-SAT.

The same score, costs, filters and guards as in the search, and none of its
limits: it does not ask whether the moves can be put in an order, nor whether
each is worth its own cost; only the whole must be. So its bound is below
whatever a plan can reach. For benchmarks and small clusters: it needs the
extra ``[optimizer]``.
"""

import dataclasses

import numpy as np
from ortools.sat.python import cp_model

from kvm_insight.recommend import field, oracle_model

#: Slopes and costs are counted in so many parts, too.
_SLOPE = 100
_FINE = oracle_model.FINE


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
        self.places = oracle_model.Model(where)
        self.model, self.options = self.places.model, self.places.options
        self._minimize()

    def solve(self, effort: float, workers: int = 1) -> Optimum:
        """Return the best placement found within so much effort, which is
        about a second on a quiet machine, and the same on a busy one."""
        solver = cp_model.CpSolver()
        solver.parameters.max_deterministic_time = effort
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
        terms: list[oracle_model.Linear] = [
            self.options[i][h] for i, h in stuck.items()
        ]
        for i, options in self.options.items():
            home = self.board.at[i]
            if i not in moves and home in ends:
                terms.append(options[home] - 1)
            elif i in moves and i not in stuck and moves[i] in ends:
                terms.append(options[moves[i]] - 1)
        self.model.add(sum(terms) <= len(stuck) - 1)

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
            soft_now = (
                score.weights.get('soft_groups', 0.0) * self.board.missed
            )
            for q in (1, 2):
                now = float(score.blends[q] @ sums) + soft_now
                most = int(np.ceil(now * _FINE * _SLOPE * _SLOPE))
                # Rounding must not forbid what is just worth it.
                slack = _SLOPE * _SLOPE * len(self.board.hosts)
                self.model.add(after[q] + spent <= most + slack)

    def _lost(self, k: int) -> oracle_model.Linear:
        """Return what is lost of one quantity on all hosts, times FINE and
        SLOPE; a host that nothing can come to or leave is a number."""
        board = self.board
        parts: list[oracle_model.Linear] = []
        for h in range(len(board.hosts)):
            fixed = not self.places.arrivals(h) and not self.places.leavers(h)
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
                    over_ >= self.places.load(h, k) - round(begin * _FINE)
                )
                parts.append(weight * over_)
        return sum(parts)

    def _soft(self) -> oracle_model.Linear:
        board = self.board
        weight = self.where.score.weights.get('soft_groups', 0.0)
        scaled = round(weight * _FINE * _SLOPE * _SLOPE)
        parts: list[oracle_model.Linear] = []
        for name in board.members:
            group = board.groups.get(name)
            if group is None or not group.policy.startswith('soft'):
                continue
            uses = []
            for h in range(len(board.hosts)):
                count = self.places.count(name, h)
                if group.policy == 'soft-anti-affinity':
                    over = self.model.new_int_var(0, 10**6, '')
                    self.model.add(over >= count - 1)
                    parts.append(scaled * over)
                else:
                    used = self.model.new_bool_var('')
                    self.model.add(count <= 10**6 * used)
                    uses.append(used)
            if uses:
                parts.append(scaled * sum(uses))
        return sum(parts)

    def _spent(self) -> oracle_model.Linear:
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
