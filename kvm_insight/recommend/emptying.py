# SPDX-License-Identifier: Apache-2.0
"""Emptying hosts: for work on them, or because fewer would do.

An evacuation moves what can be moved and says what cannot. A consolidation
empties a host wholly or not at all, and only if the empty host is worth what
the moves cost and no other host gets warm by it.
"""

import numpy as np

from kvm_insight.recommend import choices, demand, field


def evacuate(where: field.Field, names: tuple[str, ...]) -> list[field.Step]:
    """Return the moves that empty these hosts as far as can be."""
    steps: list[field.Step] = []
    for limit in (where.rules.hot_ratio, where.rules.evacuate_ratio):
        where.limit = limit
        for name in names:
            h = where.board.index.get(name)
            if h is not None:
                _empty(where, h, steps)
    return steps


def consolidate(where: field.Field) -> list[field.Step]:
    """Return the moves that empty the hosts that need not be on."""
    board, rules = where.board, where.rules
    where.limit = rules.consolidate_ratio
    steps: list[field.Step] = []
    emptied = 0
    in_use = np.array([bool(one) for one in board.residents])
    where.receivers &= in_use
    cores = np.maximum(board.capacity[:, demand.EXPECTED], 1e-9)
    heat = board.load[:, demand.EXPECTED] / cores
    for h in np.argsort(heat, kind='stable'):
        if emptied >= rules.most_emptied:
            break
        taken = len(steps)
        if in_use[h] and where.receivers[h] and _wholly(where, int(h), steps):
            emptied += len(steps) > taken
    return steps


def _wholly(where: field.Field, h: int, steps: list[field.Step]) -> bool:
    """Empty one host; take everything back if that is not worth it."""
    board = where.board
    residents = list(board.residents[h])
    room = where.rules.most_moves - len(steps)
    if len(residents) > room or len(where.movers(h)) < len(residents):
        return False
    if any(i in where.moved for i in residents):
        return False
    before, had = where.score.total(), len(steps)
    where.receivers[h] = False
    _empty(where, h, steps)
    spent = sum(where.cost(i).core_s for i in residents)
    gain = (before - where.score.total()) * where.rules.horizon_s
    if not board.residents[h] and gain >= where.worth * spent:
        return True
    for step in reversed(steps[had:]):
        for one in step.choices:
            where.take_back(one.i, one.source)
    del steps[had:]
    where.rejoin(steps)
    where.receivers[h] = True
    return False


def _empty(where: field.Field, h: int, steps: list[field.Step]) -> None:
    """Move away whatever finds a place, the hardest to place first."""
    leaving = choices.Choices(where, h)
    while len(steps) < where.rules.most_moves:
        each = leaving.all()
        if not each:
            return
        chosen = min(each, key=lambda one: _ease(where, leaving, one))
        where.play(chosen.i, chosen.destination)
        steps.append(field.Step((chosen,)))
        leaving.played(chosen)


def _ease(
    where: field.Field, leaving: choices.Choices, one: field.Choice
) -> tuple[int, float, int]:
    """Return how easily an instance finds a place: hosts, then its size."""
    row = int(np.flatnonzero(leaving.movers == one.i)[0])
    places = int(leaving.mask[row].sum())
    return places, -float(where.board.arrive[one.i, demand.HIGH]), one.i
