# SPDX-License-Identifier: Apache-2.0
"""Scenarios in which guests come, go and change, or samples do.

An antagonist is there as well: what happens to the others must not hide it,
and must not look like one.
"""

import dataclasses
from collections.abc import Callable

import numpy

from kvm_insight.simulate import (
    demand,
    dirt,
    readings,
    scenario_cpu,
    stage,
)

Scenes = list[stage.Scene]

#: How long a guest is away.
_REBOOT_S = 20.0
_RESIZE_S = 60.0


def migration(setting: stage.Setting) -> Scenes:
    """The antagonist moves to another host in the middle of its work."""
    here = stage.Stage('migration', setting)
    there = stage.Stage('migration', setting, 1)
    row = scenario_cpu.noisy(here, scenario_cpu.scenery(here))
    group = scenario_cpu.scenery(there)
    busy = numpy.flatnonzero(here.added(row) > 0)
    begin = len(busy) // 2
    at_s = float(here.at_s[busy[begin]]) if len(busy) else setting.seconds
    old = here.guests[row]
    vcpus = min(old.vcpus, there.cpus(group))
    new = there.add(group, vcpus, here.quiet(row), name='moved', starts_s=at_s)
    there.replace(new, name=old.name, uuid=old.uuid, project=old.project)
    there.put(new, here.added(row))
    here.replace(row, ends_s=at_s)
    return [here.scene(), there.scene()]


def reboot(setting: stage.Setting) -> Scenes:
    """Guests reboot now and then, and begin anew at 0."""
    one, rows = _crowd('reboot', setting)
    for row in rows:
        at_s = _when(one)
        one.relive(row, at_s, at_s + _REBOOT_S)
    return [one.scene()]


def resize(setting: stage.Setting) -> Scenes:
    """Guests are resized: they come back with another flavor."""
    one, rows = _crowd('resize', setting)
    for row in rows:
        at_s = _when(one)
        old = one.guests[row]
        one.relive(
            row,
            at_s,
            at_s + _RESIZE_S,
            cpus=old.cpus * 2,
            flavor=f'c{2 * old.vcpus}',
            weight=2 * old.weight,
        )
    return [one.scene()]


def hotplug(setting: stage.Setting) -> Scenes:
    """Guests get more vCPUs while they run."""
    one, rows = _crowd('hotplug', setting)
    for row in rows:
        old = one.guests[row]
        plugged_s = (0.0,) * old.vcpus + (_when(one),) * old.vcpus
        one.replace(row, cpus=old.cpus * 2, plugged_s=plugged_s)
    return [one.scene()]


def farm(setting: stage.Setting) -> Scenes:
    """A dev/test farm: guests live one to ten minutes and work hard."""
    one = stage.Stage('farm', setting)
    rng = one.rng
    for group in range(len(one.groups)):
        cpus = one.cpus(group)
        slots = max(3, min(24, round(1.5 * cpus)))
        vcpus = max(1, round(1.5 * cpus / slots))
        for slot in range(slots):
            at_s = float(rng.uniform(-300, 120))
            while at_s < setting.seconds:
                ends_s = at_s + float(rng.uniform(60, 600))
                level = float(rng.uniform(0.3, 0.95)) * vcpus
                quiet = demand.steady(rng, one.at_s, 0.1) * level
                name = f'job-{group}-{slot}-{len(one.guests)}'
                one.add(
                    group,
                    vcpus,
                    quiet,
                    name=name,
                    starts_s=max(0.0, at_s),
                    ends_s=max(1.0, ends_s),
                )
                at_s = ends_s + float(rng.uniform(5, 90))
    return [one.scene()]


def dirty(setting: stage.Setting) -> Scenes:
    """Samples are lost, late and doubled, the clock is off, and the agent
    restarts."""
    return [soiled(one) for one in scenario_cpu.antagonist(setting)]


def soiled(scene: stage.Scene) -> stage.Scene:
    """Return the scene with all that happens to samples."""
    rng = numpy.random.default_rng([scene.seed, 51])
    agent = dataclasses.replace(
        scene.agent,
        skew_us=int(rng.uniform(-3, 3) * readings.MICRO),
        restarts_s=(float(rng.uniform(0.2, 0.9)) * scene.wants.seconds,),
    )
    way = dirt.Dirt(lost=0.03, doubled=0.02, late=0.02, seed=scene.seed)
    return dataclasses.replace(scene, agent=agent, way=way)


KINDS: dict[str, Callable[[stage.Setting], Scenes]] = {
    made.__name__: made
    for made in (migration, reboot, resize, hotplug, farm, dirty)
}


def _crowd(kind: str, setting: stage.Setting) -> tuple[stage.Stage, list[int]]:
    """Return a stage with an antagonist, and ordinary guests on it."""
    one = stage.Stage(kind, setting)
    scenario_cpu.noisy(one, scenario_cpu.scenery(one))
    ordinary = len(one.guests) - 1
    count = min(ordinary, max(2, ordinary // 4))
    rows = one.rng.choice(ordinary, count, replace=False)
    return one, [int(row) for row in rows]


def _when(one: stage.Stage) -> float:
    warm_s, seconds = one.setting.warm_s, one.setting.seconds
    begin = min(warm_s, seconds / 2)
    return float(one.rng.uniform(begin, max(begin, seconds - 120.0)))
