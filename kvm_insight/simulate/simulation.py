# SPDX-License-Identifier: Apache-2.0
"""Simulation: runs a scene; gives its samples and its labels."""

from collections.abc import Iterator, Sequence

import numpy
from numpy import typing as npt

from kvm_insight.model import sample
from kvm_insight.simulate import (
    demand,
    dirt,
    game,
    label,
    labelling,
    load,
    readings,
    stage,
    telemetry,
    truth,
    water,
)

Floats = npt.NDArray[numpy.float64]

#: Numbers that one evaluation holds at once, a variant's rows and steps.
_BATCH = 8_000_000


class Simulation:
    """One host; what was computed once is kept."""

    def __init__(self, scene: stage.Scene) -> None:
        self.scene = scene
        self._innocent = load.innocent(scene.host, scene.wants)
        self._flow: water.Flow | None = None

    def samples(self) -> Iterator[sample.Sample]:
        """Return what a consumer gets, in the order in which it comes."""
        scene = self.scene
        agent = scene.agent
        at_us = readings.sweeps(
            scene.wants.seconds, agent.interval_s, agent.jitter, agent.seed
        )
        found = readings.of_flow(
            scene.host, self._factual(), scene.wants.step_s, at_us
        )
        clean = telemetry.samples(scene.host, found, agent)
        return dirt.soiled(clean, scene.way)

    def labels(self) -> label.Labels:
        """Return the truth."""
        scene = self.scene
        guests = len(scene.host.guests)
        found = truth.judge(
            self._evaluate,
            self._candidates(),
            range(guests),
            self._capacity(),
            truth.Bounds(),
        )
        flow = self._factual()
        throttled = _bins(flow.throttled[:1], scene.wants.step_s)
        lost = _bins(flow.delay[:1], scene.wants.step_s)
        quota = game.Losses(throttled, lost).windows().suffering()[0]
        return labelling.labels(scene, {'cpu': found}, quota)

    def _factual(self) -> water.Flow:
        if self._flow is None:
            self._flow = self._run(self.scene.wants.wanted[None])
        return self._flow

    def _run(self, wanted: Floats) -> water.Flow:
        scene = self.scene
        return water.flow(scene.host, scene.wants.step_s, wanted, scene.nature)

    def _evaluate(self, subsets: Sequence[game.Subset]) -> game.Losses:
        """Return what is lost without the excess of these."""
        wanted = self.scene.wants.wanted
        size = max(1, _BATCH // wanted.size)
        lost, total = [], []
        for begin in range(0, len(subsets), size):
            some = subsets[begin : begin + size]
            variants = numpy.repeat(wanted[None], len(some), axis=0)
            for at, subset in enumerate(some):
                rows = sorted(subset)
                variants[at, rows] = self._innocent[rows]
            flow = self._run(variants)
            step_s = self.scene.wants.step_s
            lost.append(_bins(flow.delay, step_s))
            total.append(_bins(flow.run + flow.delay, step_s))
        return game.Losses(numpy.concatenate(lost), numpy.concatenate(total))

    def _candidates(self) -> list[int]:
        """Return those with an excess that could matter."""
        excess = self.scene.wants.wanted - self._innocent
        bins = _bins(excess[None], self.scene.wants.step_s)[0] / game.BIN_S
        count = game.WINDOW_BINS // 5
        whole = bins.shape[1] // count * count
        minutes = bins[:, :whole].reshape(len(bins), -1, count).mean(axis=2)
        most = minutes.max(axis=1, initial=0.0)
        return [int(row) for row in numpy.flatnonzero(most > load.LEAST_CORES)]

    def _capacity(self) -> Floats:
        """Return the core-seconds that each entity could have a window."""
        scene = self.scene
        at_s = demand.times(scene.wants.seconds, scene.wants.step_s)
        here = _bins(load.alive(scene.host, at_s)[None], scene.wants.step_s)
        seconds = game.Losses(here, here).windows().lost[0]
        vcpus = numpy.array([len(one) for one in scene.host.places()])
        return numpy.asarray(numpy.maximum(seconds, 60.0) * vcpus[:, None])


def _bins(rates: Floats, step_s: float) -> Floats:
    """Return amounts by the bin from rates by the step."""
    per = round(game.BIN_S / step_s)
    edges = numpy.arange(0, rates.shape[2], per)
    return numpy.asarray(numpy.add.reduceat(rates, edges, axis=2) * step_s)
