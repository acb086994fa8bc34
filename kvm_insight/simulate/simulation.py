# SPDX-License-Identifier: Apache-2.0
"""Simulation: runs a scene; gives its samples and its labels."""

import functools
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy
from numpy import typing as npt

from kvm_insight.model import sample
from kvm_insight.simulate import (
    demand,
    dirt,
    excess,
    flowing,
    game,
    label,
    labelling,
    load,
    readings,
    slicing,
    stage,
    telemetry,
    truth,
)

Floats = npt.NDArray[numpy.float64]

#: Part of its CPUs that one's excess must reach to be looked into.
_LEAST_PART = {'water': 0.01, 'slices': 0.03}


class Cpu(Protocol):
    """A family of contention for CPUs, with one scene in it."""

    def readings(self) -> readings.Readings:
        """Return what the agent reads."""

    def losses(self, variants: Floats) -> game.Losses:
        """Return what is lost in each variant (variant x entity x step)."""

    def throttled(self) -> game.Losses:
        """Return what the quota took of what was lost."""


class Simulation:
    """One host; what was computed once is kept."""

    def __init__(self, scene: stage.Scene) -> None:
        self.scene = scene
        self._innocent = load.innocent(scene.host, scene.wants)
        self._cpu: Cpu = (
            slicing.Slicing(scene)
            if scene.family == 'slices'
            else flowing.Flowing(scene)
        )

    def samples(self) -> Iterator[sample.Sample]:
        """Return what a consumer gets, in the order in which it comes."""
        scene = self.scene
        clean = telemetry.samples(
            scene.host, self._cpu.readings(), scene.agent
        )
        return dirt.soiled(clean, scene.way)

    def labels(self) -> label.Labels:
        """Return the truth."""
        quota = self._cpu.throttled().windows().suffering()[0]
        return labelling.labels(self.scene, {'cpu': self._truth()}, quota)

    def _truth(self) -> truth.Truth:
        scene, wants = self.scene, self.scene.wants
        rates = wants.wanted - self._innocent
        amounts = truth.Amounts(
            self._capacity(), excess.by_window(rates, wants.step_s)
        )
        part = _LEAST_PART[scene.family]
        cases = excess.cases(scene.host, wants.wanted, amounts.excess, part)
        guests = range(len(scene.host.guests))
        found = [
            truth.judge(
                functools.partial(self._evaluate, case),
                case,
                [row for row in case.members if row in guests],
                amounts,
                truth.Bounds(),
            )
            for case in cases
        ]
        return truth.joined(found, [list(case.members) for case in cases])

    def _evaluate(
        self, case: truth.Case, subsets: Sequence[game.Subset]
    ) -> game.Losses:
        """Return what is lost without the excess of these.

        Those apart are left out where that makes it cheaper.
        """
        wanted = self.scene.wants.wanted
        if case.everybody:
            apart = numpy.ones(len(wanted), numpy.bool_)
            apart[list(case.members)] = False
            wanted = numpy.where(apart[:, None], 0.0, wanted)
        variants = numpy.repeat(wanted[None], len(subsets), axis=0)
        for at, subset in enumerate(subsets):
            rows = sorted(subset)
            variants[at, rows] = self._innocent[rows]
        return self._cpu.losses(variants)

    def _capacity(self) -> Floats:
        """Return the core-seconds that each entity could have a window."""
        scene = self.scene
        at_s = demand.times(scene.wants.seconds, scene.wants.step_s)
        here = game.bins(
            load.alive(scene.host, at_s)[None], scene.wants.step_s
        )
        seconds = game.Losses(here, here).windows().lost[0]
        vcpus = numpy.array([len(one) for one in scene.host.places()])
        return numpy.asarray(numpy.maximum(seconds, 60.0) * vcpus[:, None])
