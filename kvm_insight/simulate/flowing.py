# SPDX-License-Identifier: Apache-2.0
"""Family one: a scene as water, and what comes of it."""

import numpy
from numpy import typing as npt

from kvm_insight.simulate import game, readings, stage, water

Floats = npt.NDArray[numpy.float64]

#: Numbers that one evaluation holds at once, a variant's rows and steps.
_BATCH = 8_000_000


class Flowing:
    """Lets one host flow; the flow with what was wanted is kept."""

    def __init__(self, scene: stage.Scene) -> None:
        self._scene = scene
        self._done: water.Flow | None = None

    def readings(self) -> readings.Readings:
        """Return what the agent reads."""
        scene = self._scene
        at_us = readings.sweeps(scene.wants.seconds, scene.agent)
        return readings.of_flow(
            scene.host, self._factual(), scene.wants.step_s, at_us
        )

    def losses(self, variants: Floats) -> game.Losses:
        """Return what is lost in each variant (variant x entity x step)."""
        size = max(1, _BATCH // max(1, self._scene.wants.wanted.size))
        lost, total = [], []
        for begin in range(0, len(variants), size):
            flow = self._flow(variants[begin : begin + size])
            delay = self._bins(flow.delay)
            lost.append(delay)
            total.append(delay + self._bins(flow.run))
        return game.Losses(numpy.concatenate(lost), numpy.concatenate(total))

    def throttled(self) -> game.Losses:
        """Return what the quota took of what was lost."""
        flow = self._factual()
        return game.Losses(self._bins(flow.throttled), self._bins(flow.delay))

    def _factual(self) -> water.Flow:
        if self._done is None:
            self._done = self._flow(self._scene.wants.wanted[None])
        return self._done

    def _flow(self, wanted: Floats) -> water.Flow:
        scene = self._scene
        return water.flow(scene.host, scene.wants.step_s, wanted, scene.nature)

    def _bins(self, rates: Floats) -> Floats:
        return game.bins(rates, self._scene.wants.step_s)
