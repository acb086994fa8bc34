# SPDX-License-Identifier: Apache-2.0
"""Simulation: runs a scene; gives its samples and its labels."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy
from numpy import typing as npt

from kvm_insight.model import sample
from kvm_insight.simulate import (
    demand,
    devices,
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
#: Part of a device that an excess must reach.
_LEAST_OF_DEVICE = 0.005


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
        self._cpu: Cpu = (
            slicing.Slicing(scene)
            if scene.family == 'slices'
            else flowing.Flowing(scene)
        )
        self._devices = devices.Devices(scene) if scene.devices else None

    def samples(self) -> Iterator[sample.Sample]:
        """Return what a consumer gets, in the order in which it comes."""
        scene = self.scene
        found = dataclasses.replace(
            self._cpu.readings(), devices=self._devices
        )
        clean = telemetry.samples(scene.host, found, scene.agent)
        return dirt.soiled(clean, scene.way)

    def labels(self) -> label.Labels:
        """Return the truth."""
        quota = self._cpu.throttled().windows().suffering()[0]
        found: dict[label.Resource, truth.Truth] = {'cpu': self._of_cpu()}
        for resource in self.scene.devices:
            found[resource] = self._of_device(resource)
        return labelling.labels(self.scene, found, quota)

    def _of_cpu(self) -> truth.Truth:
        scene = self.scene
        places = [frozenset().union(*one) for one in scene.host.places()]
        court = _Court(
            self._cpu.losses,
            scene.wants,
            load.innocent(scene.host, scene.wants),
            len(scene.host.guests),
            truth.Bounds(),
        )
        part = _LEAST_PART[scene.family]
        return court.judge(places, (part, load.LEAST_CORES), self._capacity())

    def _of_device(self, resource: label.Resource) -> truth.Truth:
        assert self._devices is not None
        scene, one = self.scene, self._devices.each[resource]
        wants, bounds = scene.devices[resource], devices.BOUNDS[resource]
        count = len(wants.wanted)
        court = _Court(
            one.losses,
            wants,
            load.innocent(scene.host, wants),
            len(scene.host.guests),
            bounds,
        )
        capacity = devices.capacity(
            one, one.losses(wants.wanted[None]), bounds
        )
        return court.judge(
            [frozenset([0])] * count, (0.0, _LEAST_OF_DEVICE), capacity
        )

    def _capacity(self) -> Floats:
        """Return the core-seconds that each entity could have a window."""
        scene = self.scene
        at_s = demand.times(scene.wants.seconds, scene.wants.step_s)
        here = game.bins(load.alive(scene.host, at_s), scene.wants.step_s)
        seconds = game.by_window(here)
        vcpus = numpy.array([len(one) for one in scene.host.places()])
        return numpy.asarray(numpy.maximum(seconds, 60.0) * vcpus[:, None])


@dataclasses.dataclass(frozen=True, slots=True)
class _Court:
    """Judges one resource of one host."""

    losses: Callable[[Floats], game.Losses]
    wants: load.Load
    innocent: Floats
    #: The first so many rows are guests.
    guests: int
    bounds: truth.Bounds

    def judge(
        self,
        places: list[frozenset[int]],
        least: tuple[float, float],
        capacity: Floats,
    ) -> truth.Truth:
        """Return the truth about all who share something."""
        rates = self.wants.wanted - self.innocent
        risen = excess.by_window(rates, self.wants.step_s)
        cases = excess.cases(places, self.wants.wanted, risen, *least)
        found = [
            truth.judge(
                functools.partial(self._evaluate, case),
                case,
                [row for row in case.members if row < self.guests],
                truth.Amounts(capacity, risen),
                self.bounds,
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
        wanted = self.wants.wanted
        if case.everybody:
            apart = numpy.ones(len(wanted), numpy.bool_)
            apart[list(case.members)] = False
            wanted = numpy.where(apart[:, None], 0.0, wanted)
        variants = numpy.repeat(wanted[None], len(subsets), axis=0)
        for at, subset in enumerate(subsets):
            rows = sorted(subset)
            variants[at, rows] = self.innocent[rows]
        return self.losses(variants)
