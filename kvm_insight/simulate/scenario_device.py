# SPDX-License-Identifier: Apache-2.0
"""Scenarios of contention for disk, memory and network.

The CPUs of these hosts are idle enough. What each guest wants of a device is
in parts of what the device can do.
"""

import dataclasses
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
Maker = Callable[[stage.Setting], Scenes]

DISK = plan.Disk(name='nvme0n1')


class _Shared:
    """What all guests of a stage want of one device."""

    def __init__(
        self, one: stage.Stage, level: float, heavy: float = 0.0
    ) -> None:
        self.one = one
        count = len(one.guests)
        parts = one.rng.dirichlet(numpy.full(count, 2.0)) * (level - heavy)
        parts[0] += heavy
        self.quiet = [
            demand.steady(one.rng, one.at_s, 0.12 if at or not heavy else 0.03)
            * part
            for at, part in enumerate(parts)
        ]
        self.extra = [numpy.zeros(len(one.at_s)) for _ in parts]
        self.level = level
        self.spans = list(scenario_cpu.episodes(one))

    def rise(
        self, row: int, part: float, begin: float = 0.0, end: float = 1.0
    ) -> None:
        """Let one want so much more in a part of each episode."""
        for first, last in self.spans:
            long = last - first
            span = demand.span(
                self.one.at_s, first + begin * long, first + end * long
            )
            self.extra[row] = self.extra[row] + span * part

    def serve(self, name: str, part: float) -> None:
        """Let a job of the host itself want so much in each episode."""
        cpus = frozenset(range(self.one.setting.cpus))
        busy = numpy.zeros(len(self.one.at_s))
        for first, last in self.spans:
            busy += demand.span(self.one.at_s, first, last)
        self.one.serve(name, 1, cpus, busy * 0.1)
        self.quiet.append(numpy.zeros(len(busy)))
        self.extra.append(busy * part)

    def scene(self, resource: label.Resource) -> stage.Scene:
        """Return the scene with this load on the device."""
        scene = self.one.scene()
        quiet = numpy.array(self.quiet)
        wanted = numpy.maximum(quiet + numpy.array(self.extra), 0.0)
        here = load.alive(scene.host, self.one.at_s)
        usual = numpy.zeros(len(quiet), numpy.bool_)
        step_s = self.one.setting.step_s
        wants = load.Load(step_s, quiet * here, wanted * here, usual)
        return stage.with_device(scene, resource, wants)


def _shared(
    kind: str, setting: stage.Setting, level: float, heavy: float = 0.0
) -> _Shared:
    one = stage.Stage(kind, setting)
    for group in range(len(one.groups)):
        population.populate(one, group, float(one.rng.uniform(0.15, 0.3)))
    one.disks = (DISK,)
    one.nics = (plan.Nic(name='bond0'),)
    while len(one.guests) < 4:
        one.add(0, 1, demand.steady(one.rng, one.at_s) * 0.1)
    return _Shared(one, level, heavy)


@dataclasses.dataclass(frozen=True, slots=True)
class _Figures:
    """Parts of a device: quietly wanted, at the height of an episode, and
    wanted all the time by a heavy bystander."""

    quiet: tuple[float, float]
    high: tuple[float, float]
    #: The same where two have to come together.
    both: tuple[float, float]
    heavy: float


_FIGURES: dict[label.Resource, _Figures] = {
    'disk': _Figures((0.25, 0.4), (0.8, 1.2), (0.8, 0.86), 0.12),
    'memory': _Figures((0.7, 0.85), (0.98, 1.07), (0.99, 1.04), 0.3),
    'network': _Figures((0.3, 0.5), (1.08, 1.4), (1.08, 1.2), 0.15),
}


def _shapes(resource: label.Resource, what: str) -> Maker:
    def make(setting: stage.Setting) -> Scenes:
        kind = resource if what == 'flood' else f'{resource}_{what}'
        figures = _FIGURES[resource]
        rng = numpy.random.default_rng([setting.seed, 41])
        heavy = figures.heavy if what == 'bystander' else 0.0
        level = float(rng.uniform(*figures.quiet))
        shared = _shared(kind, setting, level, heavy)
        high = figures.both if what == 'together' else figures.high
        _SHAPES[what][0](shared, float(rng.uniform(*high)) - level)
        return [shared.scene(resource)]

    make.__doc__ = f'{_SHAPES[what][1]} ({resource}).'
    return make


def _flood(shared: _Shared, more: float) -> None:
    # The first may be the heavy one, which is innocent.
    shared.rise(1 + int(shared.one.rng.integers(len(shared.quiet) - 1)), more)


def _decoy(shared: _Shared, more: float) -> None:
    shared.rise(1, more)
    shared.rise(2, 0.03)


def _together(shared: _Shared, more: float) -> None:
    shared.rise(1, more / 2, 0.0, 0.7)
    shared.rise(2, more / 2, 0.3, 1.0)


def _cron(shared: _Shared, more: float) -> None:
    for row in range(len(shared.quiet)):
        shared.rise(row, more / len(shared.quiet))


_SHAPES: dict[str, tuple[Callable[[_Shared, float], None], str]] = {
    'flood': (_flood, 'One guest takes far more than it used to'),
    'bystander': (_flood, 'The largest is steady; another one rises'),
    'decoy': (_decoy, 'A small guest moves with the antagonist'),
    'together': (_together, 'Two rise, and hurt while both are up'),
    'cron': (_cron, 'All rise at once; nobody alone is to blame'),
}


def disk_backup(setting: stage.Setting) -> Scenes:
    """A job of the host itself takes the disk."""
    rng = numpy.random.default_rng([setting.seed, 45])
    level = float(rng.uniform(0.25, 0.4))
    shared = _shared('disk_backup', setting, level)
    shared.serve('backup.service', float(rng.uniform(0.8, 1.2)) - level)
    return [shared.scene('disk')]


def disk_limit(setting: stage.Setting) -> Scenes:
    """A guest wants more of the disk than its own limit lets it."""
    rng = numpy.random.default_rng([setting.seed, 42])
    shared = _shared('disk_limit', setting, 0.25)
    row = int(rng.integers(len(shared.quiet)))
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


def devices_quiet(setting: stage.Setting) -> Scenes:
    """Disk and network are in ordinary use, and nobody is hurt."""
    shared = _shared('devices_quiet', setting, 0.3)
    scene = shared.scene('disk')
    wants = scene.devices['disk']
    return [stage.with_device(scene, 'network', wants)]


KINDS: dict[str, Maker] = {
    **{
        resource if what == 'flood' else f'{resource}_{what}': _shapes(
            resource, what
        )
        for resource in _FIGURES
        for what in _SHAPES
    },
    'disk_backup': disk_backup,
    'disk_limit': disk_limit,
    'devices_quiet': devices_quiet,
}
