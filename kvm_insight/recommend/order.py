# SPDX-License-Identifier: Apache-2.0
"""Order: final places as moves one after the other, each of them valid.

What gains most goes first, as soon as there is room for it. What does not
gain by itself goes together with others that need it, and all of it falls
out if even together it is not worth its cost.
"""

import numpy as np

from kvm_insight.recommend import demand, field

Target = dict[int, int]


def steps(
    where: field.Field, target: Target
) -> tuple[list[field.Step], Target]:
    """Play the moves that lead to a placement; return them as steps, and
    those for which there never was room."""
    found: list[field.Step] = []
    left = dict(target)
    while left and len(found) < where.rules.most_moves:
        step = _single(where, left) or _together(where, left)
        if step is None:
            break
        found.append(step)
        for one in step.choices:
            left.pop(one.i, None)
    return found, {i: h for i, h in left.items() if not where.may(i, h)}


def playable(where: field.Field, target: Target) -> Target:
    """Play a placement in any order that works, worth it or not; return
    the moves for which there never was room."""
    done = {one.i for one in _all(where, target)}
    return {i: h for i, h in target.items() if i not in done}


def _single(where: field.Field, left: Target) -> field.Step | None:
    """Play the best move that is worth it by itself."""
    best: field.Choice | None = None
    for i, h in left.items():
        if where.opens(i, h):
            one = where.value(i, h)
            if where.is_worth((one,)) and (
                best is None or _net(one) > _net(best)
            ):
                best = one
    if best is None:
        return None
    where.play(best.i, best.destination)
    return field.Step((best,))


def _net(one: field.Choice) -> float:
    return one.gain - one.cost


def _together(where: field.Field, left: Target) -> field.Step | None:
    """Play moves that hang together, if together they are worth it."""
    for bundle in _bundles(where, left):
        high = where.board.load[:, demand.HIGH].copy()
        played = _all(where, bundle)
        limit = where.limit * where.board.capacity[:, demand.HIGH]
        hotter = where.board.load[:, demand.HIGH] > np.maximum(limit, high)
        whole = len(played) == len(bundle) and not hotter.any()
        if whole and where.is_worth(played):
            return field.Step(tuple(played))
        for one in reversed(played):
            where.take_back(one.i, one.source)
    return None


def _all(where: field.Field, bundle: Target) -> list[field.Choice]:
    """Play as many of a bundle as can be, in an order that works."""
    played: list[field.Choice] = []
    left = dict(bundle)
    while left:
        ready = [(i, h) for i, h in left.items() if where.may(i, h)]
        if not ready:
            break
        values = [where.value(i, h) for i, h in ready]
        one = max(values, key=_net)
        where.play(one.i, one.destination)
        played.append(one)
        del left[one.i]
    return played


def _bundles(where: field.Field, left: Target) -> list[Target]:
    """Return pairs that meet on a host, then all that hang together."""
    at = where.board.at
    ends = {i: {at[i], h} for i, h in left.items()}
    pairs = [
        {i: left[i], j: left[j]}
        for i in left
        for j in left
        if i < j and ends[i] & ends[j]
    ]
    whole: list[Target] = []
    rest = dict(left)
    while rest:
        first = next(iter(rest))
        group, hosts = {first}, set(ends[first])
        grown = True
        while grown:
            more = {i for i in rest if i not in group and ends[i] & hosts}
            grown = bool(more)
            group |= more
            hosts = hosts.union(*(ends[i] for i in more))
        whole.append({i: left[i] for i in sorted(group)})
        for i in group:
            del rest[i]
    return pairs + [one for one in whole if len(one) > 2]
