# SPDX-License-Identifier: Apache-2.0
"""Family two: a scene as the slice scheduler takes it, and what comes of it.

Detectors see the counters, and of the slices only the ledger in the quality
that the scene asks for.
"""

from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.simulate import (
    game,
    ledger,
    plan,
    readings,
    slices,
    stage,
)

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]

MICRO = readings.MICRO
PERIOD_US = 100_000
#: Part of the switches that the kernel does not report.
MISSED = 0.002
TICK_JITTER = 0.03


class Slicing:
    """Schedules one host; the run with what was wanted is kept."""

    def __init__(self, scene: stage.Scene) -> None:
        self._scene = scene
        self._owner = readings.threads(scene.host).owner
        self._fixed = _fixed(scene)
        self._bins = _bins(scene.wants.seconds)
        self._sweeps = readings.sweeps(scene.wants.seconds, scene.agent)
        self._ticks = _ticks(scene) if scene.ledger == 'sampled' else None
        self._done: tuple[Ints, slices.Readings] | None = None

    def readings(self) -> readings.Readings:
        """Return what the agent reads."""
        at_us, found = self._factual()
        rows = numpy.searchsorted(at_us, self._sweeps)
        return readings.Readings(
            self._sweeps,
            found.run_us[rows],
            found.delay_us[rows],
            found.throttled_us[rows],
            found.slices[rows],
            found.last_cpu[rows],
            self._ledgers(at_us, found),
        )

    def losses(self, variants: Floats) -> game.Losses:
        """Return what is lost in each variant (variant x entity x step)."""
        lost, total = [], []
        for wanted in variants:
            if numpy.array_equal(wanted, self._scene.wants.wanted):
                at_us, found = self._factual()
            else:
                at_us, found = self._bins, self._run(wanted, self._bins)
            delay = self._by_bin(at_us, found.delay_us)
            lost.append(delay)
            total.append(delay + self._by_bin(at_us, found.run_us))
        return game.Losses(numpy.array(lost), numpy.array(total))

    def throttled(self) -> game.Losses:
        """Return what the quota took of what was lost."""
        at_us, found = self._factual()
        quota = self._by_bin(at_us, found.throttled_us)
        delay = self._by_bin(at_us, found.delay_us)
        return game.Losses(quota[None], delay[None])

    def _factual(self) -> tuple[Ints, slices.Readings]:
        if self._done is None:
            parts = [self._bins, self._sweeps]
            if self._ticks is not None:
                parts.append(self._ticks)
            at_us = numpy.unique(numpy.concatenate(parts))
            self._done = at_us, self._run(self._scene.wants.wanted, at_us)
        return self._done

    def _run(self, wanted: Floats, at_us: Ints) -> slices.Readings:
        return slices.run(
            **self._fixed,
            duty=readings.spread(self._scene.host, wanted, 1.0),
            tick_us=at_us,
        )

    def _by_bin(self, at_us: Ints, counter: Ints) -> Floats:
        """Return core-seconds by entity and bin."""
        rows = numpy.searchsorted(at_us, self._bins)
        grown = numpy.diff(counter[rows], axis=0, prepend=0)[1:] / MICRO
        total = numpy.zeros((self._scene.host.entities, len(grown)))
        numpy.add.at(total, self._owner, grown.T)
        return total

    def _ledgers(
        self, at_us: Ints, found: slices.Readings
    ) -> list[Any] | None:
        host, sweeps = self._scene.host, self._sweeps
        rows = numpy.searchsorted(at_us, sweeps)
        if self._scene.ledger == 'ebpf':
            begins = numpy.concatenate([[0], rows[:-1] + 1])
            charged = numpy.add.reduceat(found.charged, begins, axis=0)
            return ledger.exact(host, sweeps, charged, MISSED)
        if self._ticks is None:
            return None
        ticks = numpy.searchsorted(at_us, self._ticks)
        seen = ledger.Ticks(
            self._ticks,
            found.run_us[ticks],
            found.delay_us[ticks],
            found.throttled_us[ticks],
            found.last_cpu[ticks],
        )
        return ledger.sampled(host, sweeps, seen)


def _fixed(scene: stage.Scene) -> dict[str, Any]:
    """Return all that is the same in each variant."""
    host = scene.host
    places = [cpus for threads in host.places() for cpus in threads]
    allowed = numpy.zeros((len(places), host.cpus), numpy.bool_)
    for thread, cpus in enumerate(places):
        allowed[thread, sorted(cpus)] = True
    owner = readings.threads(host).owner
    cycle_us, carry = _rhythm(scene)
    return {
        'cpus': host.cpus,
        'entity': owner,
        'allowed': allowed,
        'cycle_us': cycle_us[owner],
        'carry': carry[owner],
        'weight': numpy.array(host.weights()),
        'quota_us': numpy.array(
            [*map(_quota_us, host.guests)] + [0] * len(host.services)
        ),
        'missed': MISSED,
        'seed': scene.nature.seed,
    }


def _quota_us(guest: plan.Guest) -> int:
    return int((guest.quota_cores or 0.0) * PERIOD_US)


def _rhythm(scene: stage.Scene) -> tuple[Ints, Ints]:
    """Return how long each entity's cycles are, and how many of them work
    that was not done is kept."""
    rng = numpy.random.default_rng([scene.nature.seed, 21])
    count = scene.host.entities
    spans = numpy.array([(5e3, 50e3), (50e3, 300e3), (700e3, 1400e3)])
    chosen = spans[rng.choice(3, count, p=[0.6, 0.25, 0.15])]
    cycle_us = rng.uniform(chosen[:, 0], chosen[:, 1])
    kept_us = rng.uniform(0.1e6, 2e6, count)
    carry = numpy.maximum(1, numpy.rint(kept_us / cycle_us))
    return cycle_us.astype(numpy.int64), carry.astype(numpy.int64)


def _bins(seconds: float) -> Ints:
    ends = numpy.arange(0, seconds + game.BIN_S, game.BIN_S)
    return numpy.asarray(numpy.minimum(ends, seconds) * MICRO, numpy.int64)


def _ticks(scene: stage.Scene) -> Ints:
    rng = numpy.random.default_rng([scene.agent.seed, 6])
    at = numpy.arange(int(scene.wants.seconds) + 1, dtype=numpy.float64)
    at += rng.uniform(-TICK_JITTER, TICK_JITTER, len(at))
    at = numpy.clip(at, 0, scene.wants.seconds)
    return numpy.asarray(at * MICRO, numpy.int64)
