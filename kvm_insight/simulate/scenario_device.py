# SPDX-License-Identifier: Apache-2.0
"""Scenarios of contention for disk, memory and network.

The CPUs of these hosts are idle enough. What each guest wants of a device is
in parts of what the device can do.
"""

from collections.abc import Callable

import numpy
from numpy import typing as npt

from kvm_insight.simulate import (
    demand,
    label,
    load,
    plan,
    population,
    scenario_cpu,
    stage,
)

Floats = npt.NDArray[numpy.float64]
Scenes = list[stage.Scene]

DISK = plan.Disk(name='nvme0n1')


class _Shared:
    """What all guests of a stage want of one device."""

    def __init__(self, one: stage.Stage, level: float) -> None:
        self.one = one
        count = len(one.guests)
        parts = one.rng.dirichlet(numpy.full(count, 2.0)) * level
        self.quiet = [
            demand.steady(one.rng, one.at_s, 0.12) * part for part in parts
        ]
        self.extra = [numpy.zeros(len(one.at_s)) for _ in parts]
        self.level = level

    def rise(self, row: int, part: float) -> None:
        """Let one want so much more in each episode."""
        for begin, end in scenario_cpu.episodes(self.one):
            span = demand.span(self.one.at_s, begin, end)
            self.extra[row] = self.extra[row] + span * part

    def scene(self, resource: label.Resource) -> stage.Scene:
        """Return the scene with this load on the device."""
        scene = self.one.scene()
        quiet = numpy.array(self.quiet)
        wanted = numpy.maximum(quiet + numpy.array(self.extra), 0.0)
        here = load.alive(scene.host, self.one.at_s)[: len(quiet)]
        usual = numpy.zeros(len(quiet), numpy.bool_)
        step_s = self.one.setting.step_s
        wants = load.Load(step_s, quiet * here, wanted * here, usual)
        return stage.with_device(scene, resource, wants)


def _shared(kind: str, setting: stage.Setting, level: float) -> _Shared:
    one = stage.Stage(kind, setting)
    for group in range(len(one.groups)):
        population.populate(one, group, float(one.rng.uniform(0.15, 0.3)))
    one.disks = (DISK,)
    one.nics = (plan.Nic(name='bond0'),)
    while len(one.guests) < 4:
        one.add(0, 1, demand.steady(one.rng, one.at_s) * 0.1)
    return _Shared(one, level)


def _row(shared: _Shared) -> int:
    return int(shared.one.rng.integers(len(shared.quiet)))


def disk(setting: stage.Setting) -> Scenes:
    """One guest floods the disk that all share."""
    rng = numpy.random.default_rng([setting.seed, 41])
    shared = _shared('disk', setting, float(rng.uniform(0.25, 0.4)))
    shared.rise(_row(shared), float(rng.uniform(0.45, 0.8)))
    return [shared.scene('disk')]


def disk_limit(setting: stage.Setting) -> Scenes:
    """A guest wants more of the disk than its own limit lets it."""
    rng = numpy.random.default_rng([setting.seed, 42])
    shared = _shared('disk_limit', setting, 0.25)
    row = _row(shared)
    usual = float(shared.quiet[row].mean())
    size = 16_384
    most = 1 / (1 / DISK.requests_s + size / DISK.bytes_s)
    shared.one.replace(
        row,
        disk_requests_s=max(20, int(most * usual * 1.6)),
        request_bytes=size,
    )
    shared.rise(row, usual * float(rng.uniform(2, 4)))
    return [shared.scene('disk')]


def memory(setting: stage.Setting) -> Scenes:
    """One guest's working set grows until the host swaps."""
    rng = numpy.random.default_rng([setting.seed, 43])
    shared = _shared('memory', setting, float(rng.uniform(0.7, 0.85)))
    more = 0.95 + float(rng.uniform(0.03, 0.12)) - shared.level
    shared.rise(_row(shared), more)
    return [shared.scene('memory')]


def network(setting: stage.Setting) -> Scenes:
    """One guest floods the packet path that all share."""
    rng = numpy.random.default_rng([setting.seed, 44])
    shared = _shared('network', setting, float(rng.uniform(0.3, 0.5)))
    more = 1.0 + float(rng.uniform(0.05, 0.4)) - shared.level
    shared.rise(_row(shared), more)
    return [shared.scene('network')]


def devices_quiet(setting: stage.Setting) -> Scenes:
    """Disk and network are in ordinary use, and nobody is hurt."""
    shared = _shared('devices_quiet', setting, 0.3)
    scene = shared.scene('disk')
    wants = scene.devices['disk']
    return [stage.with_device(scene, 'network', wants)]


KINDS: dict[str, Callable[[stage.Setting], Scenes]] = {
    made.__name__: made
    for made in (disk, disk_limit, memory, network, devices_quiet)
}
