# SPDX-License-Identifier: Apache-2.0
"""All that a scene has beside its CPUs."""

from typing import Any, Protocol

import numpy
from numpy import typing as npt

from kvm_insight.simulate import (
    disk,
    game,
    label,
    memory,
    network,
    readings,
    stage,
    truth,
)

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]


class Device(Protocol):
    """One resource that guests share."""

    def losses(self, variants: Floats) -> game.Losses:
        """Return what is lost in each variant (variant x entity x step)."""

    def wanted(self, total: Floats) -> Floats:
        """Return how active each is in each window, 1 being just enough,
        where ``losses`` had so much in all, by the bin."""

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's fields at one reading."""

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's fields at one reading."""


#: A disk hurts from 1.9 times its usual latency, and may from 1.4 times.
BOUNDS: dict[label.Resource, truth.Bounds] = {
    'disk': truth.Bounds(0.47, 0.29, 0.40, 0.22),
    'memory': truth.Bounds(),
    'network': truth.Bounds(),
}


class Devices:
    """The devices of one scene, as the readings take them."""

    def __init__(self, scene: stage.Scene) -> None:
        at_us = readings.sweeps(scene.wants.seconds, scene.agent)
        makers: dict[label.Resource, Any] = {
            'disk': disk.Disk,
            'memory': memory.Memory,
            'network': network.Network,
        }
        self.each: dict[label.Resource, Device] = {
            name: makers[name](scene, at_us) for name in scene.devices
        }

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's fields at one reading."""
        found: dict[str, Any] = {}
        for one in self.each.values():
            found |= one.system(at)
        return found

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's fields at one reading."""
        found: dict[str, Any] = {}
        for one in self.each.values():
            found |= one.domain(guest, at, answered)
        return found


def capacity(one: Device, losses: game.Losses, bounds: truth.Bounds) -> Floats:
    """Return what stands for all that each could have in a window."""
    total = game.by_window(losses.total[0])
    wanted = one.wanted(losses.total[0])
    active = numpy.maximum(wanted, 1e-9) * bounds.activity
    return numpy.asarray(numpy.maximum(total, 1e-9) / active)
