# SPDX-License-Identifier: Apache-2.0
"""Memory that is overcommitted: beyond a cliff, all wait for swapped pages.

Demand is each guest's working set in parts of the host's memory. What does
not fit is swapped out, from each by its size; touching it again stalls.
"""

from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.model import sample
from kvm_insight.simulate import game, readings, stage

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]

MICRO = readings.MICRO
#: Part of the memory that guests can have before pages are taken away.
_CLIFF = 0.93
#: Stall per part of memory that does not fit, and the most there can be.
_STEEP = 6.0
_MOST = 0.8
_PAGE = 4096
#: What is read back while stalled all the time.
_SWAP_BYTES_S = 60e6


class Memory:
    """The memory of one scene."""

    resource = 'memory'

    def __init__(self, scene: stage.Scene, at_us: Ints) -> None:
        self._wants = scene.devices['memory']
        self._host = scene.host
        self._at_us = at_us
        rng = numpy.random.default_rng([scene.nature.seed, 32])
        self._hot = numpy.asarray(
            rng.uniform(0.5, 1.0, self._wants.wanted.shape[0])
        )
        self._count()

    def losses(self, variants: Floats) -> game.Losses:
        """Return the time stalled, of the time that each is there."""
        stall = self._stall(variants)
        there = (variants > 0).astype(numpy.float64)
        step_s = self._wants.step_s
        return game.Losses(
            game.bins(stall * there, step_s), game.bins(there, step_s)
        )

    def wanted(self, total: Floats) -> Floats:
        """Return how active each is in each window, 1 being just enough."""
        return numpy.where(game.by_window(total) > 0, 10.0, 0.0)

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's memory at one reading."""
        stalled_us = int(self._stalled_us[:, at].max(initial=0))
        pages = int(self._swapped_in[:, at].sum()) // _PAGE
        free = 1 - float(self._used[at])
        return {
            'memory_available_bytes': int(
                max(0.01, free) * self._host.memory_bytes
            ),
            'swap_in_pages': pages,
            'swap_out_pages': pages,
            'major_faults': pages,
            'pressure': sample.Pressure(
                memory_some_us=stalled_us, memory_full_us=stalled_us * 7 // 10
            ),
        }

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's memory at one reading."""
        stalled_us = int(self._stalled_us[guest, at])
        swapped = int(self._swapped_in[guest, at])
        return {
            'memory': {
                'rss_bytes': int(self._resident[guest, at]),
                'swap_bytes': int(self._out[guest, at]),
                'host_major_faults': swapped // _PAGE,
            },
            'pressure': sample.Pressure(
                memory_some_us=stalled_us,
                memory_full_us=stalled_us * 8 // 10,
            ),
        }

    def _stall(self, variants: Floats) -> Floats:
        over = variants.sum(axis=1, keepdims=True) - _CLIFF
        stall = _STEEP * numpy.maximum(over, 0.0) * self._hot[:, None]
        return numpy.asarray(numpy.minimum(stall, _MOST))

    def _count(self) -> None:
        wanted = self._wants.wanted
        step_s = self._wants.step_s
        stall = self._stall(wanted[None])[0] * (wanted > 0)
        self._stalled_us = _grown(stall * MICRO, step_s, self._at_us)
        self._swapped_in = _grown(stall * _SWAP_BYTES_S, step_s, self._at_us)
        at = numpy.minimum(
            (self._at_us / MICRO / step_s).astype(numpy.int64),
            wanted.shape[1] - 1,
        )
        used = wanted.sum(axis=0)
        fits = numpy.minimum(1.0, _CLIFF / numpy.maximum(used, 1e-9))
        size = wanted * self._host.memory_bytes
        self._resident = (size * fits)[:, at]
        self._out = (size * (1 - fits))[:, at]
        self._used = (used * fits)[at]


def _grown(rates: Floats, step_s: float, at_us: Ints) -> Ints:
    return numpy.stack([readings.grown(r, step_s, at_us) for r in rates])
