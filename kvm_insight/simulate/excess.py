# SPDX-License-Identifier: Apache-2.0
"""Whose excess is worth a counterfactual of its own.

One whose part of all excess on its CPUs is small in each window cannot be
guilty by itself: such are only taken away together with all others. Those
who share no CPU, not even by others between them, are apart.
"""

from collections.abc import Sequence

import numpy
from numpy import typing as npt

from kvm_insight.simulate import game, load, truth

Floats = npt.NDArray[numpy.float64]

#: Part of the excess on its CPUs from which on one is looked into.
SHARE = 0.15


def by_window(rates: Floats, step_s: float) -> Floats:
    """Return the excess in cores, entity x window."""
    cores = game.rate(game.bins(rates, step_s))
    return numpy.asarray(numpy.maximum(cores, 0.0))


def cases(
    places: Sequence[frozenset[int]],
    wanted: Floats,
    cores: Floats,
    part: float,
    least: float = load.LEAST_CORES,
) -> list[truth.Case]:
    """Return who contends with whom, those without any excess first.

    ``places``: what each uses of what is shared, its CPUs for one; ``part``
    is the part of it that one's excess must reach, ``least`` the amount.
    """
    meet = numpy.array(
        [[bool(one & other) for other in places] for one in places]
    )
    there = numpy.asarray(wanted.any(axis=1))
    meet &= there[:, None] & there[None, :]
    numpy.fill_diagonal(meet, True)
    from_on = [max(least, part * len(one)) for one in places]
    large = cores > numpy.array(from_on)[:, None]
    share = cores / numpy.maximum(meet @ cores, 1e-9)
    some = numpy.asarray(large.any(axis=1))
    suspect = numpy.asarray((large & (share >= SHARE)).any(axis=1))
    calm: list[int] = []
    found = []
    for members in _components(meet):
        rows = numpy.array(members)
        if not some[rows].any():
            calm += members
            continue
        found.append(
            truth.Case(
                tuple(members),
                frozenset(rows[some[rows]].tolist()),
                frozenset(rows[suspect[rows]].tolist()),
            )
        )
    nobody: frozenset[int] = frozenset()
    return [truth.Case(tuple(calm), nobody, nobody), *found]


def _components(meet: npt.NDArray[numpy.bool_]) -> list[list[int]]:
    left = set(range(len(meet)))
    found = []
    while left:
        reached = {min(left)}
        edge = reached
        while edge:
            rows = numpy.flatnonzero(meet[sorted(edge)].any(axis=0))
            edge = set(rows.tolist()) - reached
            reached |= edge
        found.append(sorted(reached))
        left -= reached
    return found
