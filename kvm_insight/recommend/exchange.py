# SPDX-License-Identifier: Apache-2.0
"""Exchanges: two instances change places, one after the other."""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, field

#: Pairs that are tried in earnest, of those that look best.
_TRIES = 6


def best(
    where: field.Field, h: int
) -> tuple[field.Choice, field.Choice] | None:
    """Return the best exchange of an instance on h with one elsewhere."""
    board = where.board
    mine = np.array(where.movers(h), dtype=np.int64)
    if not len(mine) or not where.receivers[h]:
        return None
    heat = board.load[:, demand.HIGH] / np.maximum(board.capacity[:, 1], 1e-9)
    ready = where.receivers & where.senders & (board.capacity[:, 1] > 0)
    ready[h] = False
    order = np.argsort(np.where(ready, heat, np.inf), kind='stable')
    found: list[tuple[float, int, int, int]] = []
    for other in order[: where.rules.swap_hosts]:
        if ready[other] and _could_pay(where, h, int(other)):
            found += _pairs(where, mine, int(other))
    found.sort(key=lambda one: (-one[0], one[1:]))
    for _, i, j, _other in found[:_TRIES]:
        pair = _tried(where, i, j)
        if pair is not None:
            return pair
    return None


def _could_pay(where: field.Field, h: int, other: int) -> bool:
    """Say whether two hosts lose as much as any exchange costs."""
    hosts = np.array([h, other])
    losses = where.score.losses(where.board.load[hosts], hosts)
    most = losses.sum(axis=0) @ where.score.blends[0] * where.rules.horizon_s
    return bool(
        most > field.NOTHING + where.worth * 2 * where.rules.move_core_s
    )


def _pairs(
    where: field.Field, mine: boards.Ints, other: int
) -> list[tuple[float, int, int, int]]:
    """Return the pairs that look worth it, with what they leave."""
    theirs = np.array(where.movers(other), dtype=np.int64)
    if not len(theirs):
        return []
    gain = _gains(where, mine, theirs, other)
    costs = np.add.outer(
        np.array([where.cost(int(i)).core_s for i in mine]),
        np.array([where.cost(int(j)).core_s for j in theirs]),
    )
    price = where.worth * costs
    good = (gain >= price) & (gain > field.NOTHING)
    good &= _fits(where, mine, theirs, other)
    return [
        (float(gain[a, b] - price[a, b]), int(mine[a]), int(theirs[b]), other)
        for a, b in zip(*np.nonzero(good), strict=True)
    ]


def _gains(
    where: field.Field, mine: boards.Ints, theirs: boards.Ints, other: int
) -> boards.Floats:
    board, score = where.board, where.score
    here = board.at[int(mine[0])]
    change_here = board.arrive[theirs][None] - board.leave[mine][:, None]
    change_there = board.arrive[mine][:, None] - board.leave[theirs][None]
    total = np.zeros((*change_here.shape[:2], 4))
    for h, change in ((here, change_here), (other, change_there)):
        now = board.load[h]
        total += score.losses(now, h) - score.losses(now + change, h)
    gains: boards.Floats = total @ score.blends[0] * where.rules.horizon_s
    return gains


def _fits(
    where: field.Field, mine: boards.Ints, theirs: boards.Ints, other: int
) -> boards.Bools:
    """Return which pairs leave both hosts with room, and none hotter."""
    board = where.board
    here = board.at[int(mine[0])]
    fits = np.ones((len(mine), len(theirs)), dtype=bool)
    swap = board.need[mine][:, None] - board.need[theirs][None]
    fits &= (board.used[other] + swap <= board.room[other]).all(axis=-1)
    fits &= (board.used[here] - swap <= board.room[here]).all(axis=-1)
    for h, leave, arrive in (
        (other, board.leave[theirs][None], board.arrive[mine][:, None]),
        (here, board.leave[mine][:, None], board.arrive[theirs][None]),
    ):
        after = board.load[h] - leave + arrive
        high = where.limit * board.capacity[h, demand.HIGH]
        most = max(high, board.load[h, demand.HIGH])
        fits &= after[..., demand.HIGH] <= most
        memory = where.rules.memory_ratio * board.capacity[h, demand.MEMORY]
        fits &= after[..., demand.MEMORY] <= memory
    return fits


def _tried(
    where: field.Field, i: int, j: int
) -> tuple[field.Choice, field.Choice] | None:
    """Return the exchange in the order in which it can be carried out."""
    for one, two in ((i, j), (j, i)):
        pair = _in_order(where, one, two)
        if pair is not None:
            return pair
    return None


def _in_order(
    where: field.Field, one: int, two: int
) -> tuple[field.Choice, field.Choice] | None:
    here, there = where.board.at[one], where.board.at[two]
    if not where.may(one, there):
        return None
    first = where.value(one, there)
    where.board.play(one, there)
    second = where.value(two, here) if where.may(two, here) else None
    where.board.take_back(one, here)
    return None if second is None else (first, second)
