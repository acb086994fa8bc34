# SPDX-License-Identifier: Apache-2.0
"""A disk that all guests share: one queue, latency that grows with load.

Demand is in parts of what the disk can do. A request takes longer the fuller
the disk is (M/M/1), and no more than the disk can do is done. A guest beyond
its own limit waits for that, and hurts nobody.
"""

from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.model import sample
from kvm_insight.simulate import game, plan, readings, stage

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]

MICRO = readings.MICRO
_FULLEST = 0.97
#: Requests a second from which on latency means something.
LEAST_REQUESTS_S = 2.0
#: Every so often the guests' page caches are written back.
_FLUSH_S = 30.0
_FLUSH = 0.08


class Disk:
    """One disk of one scene."""

    resource = 'disk'

    def __init__(self, scene: stage.Scene, at_us: Ints) -> None:
        self._wants = scene.devices['disk']
        self._disk = scene.host.disks[0]
        self._guests = scene.host.guests
        self._at_us = at_us
        rng = numpy.random.default_rng([scene.nature.seed, 31])
        count, steps = self._wants.wanted.shape
        powers = numpy.asarray(rng.integers(0, 6, count)).tolist()
        drawn = [4096.0 * 2**power for power in powers]
        for row, guest in enumerate(self._guests):
            drawn[row] = guest.request_bytes or drawn[row]
        self._bytes = numpy.array(drawn)
        self._reads = numpy.asarray(rng.uniform(0.3, 0.9, count))
        self._noise = rng.lognormal(0.0, 0.06, steps)
        self._flush = _flushes(rng, steps, self._wants.step_s)
        self._usual_us = self._usual()
        self._counted = self._count()

    def losses(self, variants: Floats) -> game.Losses:
        """Return the time that requests took beyond what is usual."""
        served, latency_us = self._run(variants)
        beyond = numpy.maximum(latency_us - self._usual_us[:, None], 0.0)
        step_s = self._wants.step_s
        return game.Losses(
            game.bins(served * beyond, step_s),
            game.bins(served * latency_us, step_s),
        )

    def wanted(self, total: Floats) -> Floats:
        """Return how active each is in each window, 1 being just enough."""
        served, _ = self._run(self._wants.wanted[None])
        requests = game.bins(served[0], self._wants.step_s)
        return numpy.asarray(game.rate(requests) / LEAST_REQUESTS_S)

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's disk at one reading."""
        one = self._counted
        reads = int(one['read_requests'][:, at].sum())
        writes = int(one['write_requests'][:, at].sum())
        return {
            'disks': [
                sample.HostDisk(
                    name=self._disk.name,
                    read_requests=reads,
                    read_bytes=int(one['read_bytes'][:, at].sum()),
                    read_us=int(one['read_us'][:, at].sum()),
                    write_requests=writes,
                    write_bytes=int(one['write_bytes'][:, at].sum()),
                    write_us=int(one['write_us'][:, at].sum()),
                    in_flight=0,
                    busy_us=int(self._busy_us[at]),
                )
            ]
        }

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's disk at one reading, as libvirt said last."""
        one = self._guests[guest]
        limits = None
        if one.disk_requests_s is not None:
            limits = sample.DiskLimits(total_requests_s=one.disk_requests_s)
        values = {
            name: int(rows[guest, answered])
            for name, rows in self._counted.items()
        }
        disk = sample.Disk(
            name='vda',
            path=f'/var/lib/nova/instances/{one.uuid}/disk',
            limits=limits,
            **values,
        )
        return {'disks': [disk]}

    def _requests_s(self) -> Floats:
        """Return how many requests of each guest fill the disk."""
        size = self._bytes / self._disk.bytes_s
        return numpy.asarray(1 / (1 / self._disk.requests_s + size))

    def _run(self, variants: Floats) -> tuple[Floats, Floats]:
        """Return requests served and their latency, as the variants are."""
        most = self._requests_s()[:, None]
        limits = _limits(self._guests, len(most))[:, None]
        requests = variants * most
        allowed = numpy.minimum(requests, limits)
        load = (allowed / most).sum(axis=1, keepdims=True)
        load = load * self._noise + self._flush
        full = numpy.minimum(load, _FULLEST)
        served = allowed * numpy.minimum(1.0, full / numpy.maximum(load, 1e-9))
        own = numpy.minimum(requests / limits, _FULLEST)
        latency = self._disk.latency_us + self._bytes[:, None] / 2000
        latency = latency / (1 - full) + 1e6 / limits * own / (1 - own)
        return served, numpy.broadcast_to(latency, served.shape)

    def _usual(self) -> Floats:
        _, latency_us = self._run(self._wants.quiet[None])
        return numpy.asarray(numpy.median(latency_us[0], axis=1))

    def _count(self) -> dict[str, Ints]:
        both = self._run(self._wants.wanted[None])
        served, latency_us = both[0][0], both[1][0]
        load = (self._wants.wanted).sum(axis=0)
        step_s = self._wants.step_s
        busy = numpy.minimum(load, 1.0) * MICRO
        self._busy_us = readings.grown(busy, step_s, self._at_us)
        found = {}
        writes: Floats = 1 - self._reads
        for kind, part in (('read', self._reads), ('write', writes)):
            requests = served * part[:, None]
            rates = {
                f'{kind}_requests': requests,
                f'{kind}_bytes': requests * self._bytes[:, None],
                f'{kind}_us': requests * latency_us,
            }
            for name, rows in rates.items():
                found[name] = numpy.stack(
                    [readings.grown(r, step_s, self._at_us) for r in rows]
                )
        return found


def _limits(guests: tuple[plan.Guest, ...], count: int) -> Floats:
    found = [float(g.disk_requests_s or 1e9) for g in guests]
    return numpy.array(found + [1e9] * (count - len(found)))


def _flushes(rng: numpy.random.Generator, steps: int, step_s: float) -> Floats:
    at_s = numpy.arange(steps) * step_s
    phase = float(rng.uniform(0, _FLUSH_S))
    return numpy.where((at_s + phase) % _FLUSH_S < step_s, _FLUSH, 0.0)
