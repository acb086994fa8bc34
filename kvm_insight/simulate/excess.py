# SPDX-License-Identifier: Apache-2.0
"""Whose excess is worth a counterfactual of its own.

One whose part of all excess on its CPUs is small in each window cannot be
guilty by itself: such are only taken away together with all others.
"""

import numpy
from numpy import typing as npt

from kvm_insight.simulate import game, load, plan

Floats = npt.NDArray[numpy.float64]

#: Part of the excess on its CPUs from which on one is looked into.
SHARE = 0.15


def players(
    host: plan.Host, excess: Floats, step_s: float, part: float
) -> tuple[list[int], list[int]]:
    """Return those with an excess, and of them those to be looked into.

    ``excess`` is in cores, entity x step; ``part`` is the part of its CPUs
    that one's excess must reach in a window.
    """
    bins = game.bins(excess, step_s)[None]
    cores = game.Losses(bins, bins).windows().lost[0] / game.WINDOW_S
    cores = numpy.maximum(cores, 0.0)
    places = [frozenset().union(*one) for one in host.places()]
    least = [max(load.LEAST_CORES, part * len(one)) for one in places]
    meet = numpy.array(
        [[float(bool(one & other)) for other in places] for one in places]
    )
    large = cores > numpy.array(least)[:, None]
    share = cores / numpy.maximum(meet @ cores, 1e-9)
    some = large.any(axis=1)
    suspect = (large & (share >= SHARE)).any(axis=1)
    return (
        [int(row) for row in numpy.flatnonzero(some)],
        [int(row) for row in numpy.flatnonzero(suspect)],
    )
