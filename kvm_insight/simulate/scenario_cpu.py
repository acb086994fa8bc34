# SPDX-License-Identifier: Apache-2.0
"""Scenarios of contention for CPUs."""

import math
from collections.abc import Callable, Iterator

import numpy
from numpy import typing as npt

from kvm_insight.simulate import demand, population, stage

Floats = npt.NDArray[numpy.float64]
Scenes = list[stage.Scene]


def antagonist(setting: stage.Setting) -> Scenes:
    """One guest takes far more than it used to, for 5 to 40 minutes."""
    one = stage.Stage('antagonist', setting)
    group = scenery(one)
    noisy(one, group)
    return [one.scene()]


def together(setting: stage.Setting) -> Scenes:
    """Two rise, each harmless alone, and hurt while both are up."""
    one = stage.Stage('together', setting)
    group = scenery(one)
    cpus = one.cpus(group)
    need = max(0.0, 1.15 - one.level(group)) * cpus
    vcpus = _size(need / 2, cpus)
    pair = [_idler(one, group, vcpus, f'half-{number}') for number in range(2)]
    for begin, end in episodes(one, 900.0, 2400.0):
        third = (end - begin) / 3
        cores = need / 2
        first = demand.span(one.at_s, begin, end - third)
        second = demand.span(one.at_s, begin + third, end)
        one.put(pair[0], first * cores)
        one.put(pair[1], second * cores)
    return [one.scene()]


def bystander(setting: stage.Setting) -> Scenes:
    """The largest is steady all the time; another one rises."""
    one = stage.Stage('bystander', setting)
    group = scenery(one, away=0.3)
    cpus = one.cpus(group)
    vcpus = max(1, round(0.35 * cpus))
    steady = demand.steady(one.rng, one.at_s, 0.03)
    one.add(group, vcpus, steady * 0.9 * vcpus, name='heavy')
    noisy(one, group)
    return [one.scene()]


def decoy(setting: stage.Setting) -> Scenes:
    """A small guest moves with the antagonist, and does no harm."""
    one = stage.Stage('decoy', setting)
    group = scenery(one)
    spans = list(episodes(one))
    noisy(one, group, spans)
    small = _idler(one, group, 1, 'decoy')
    cores = min(0.5, 0.04 * one.cpus(group))
    for begin, end in spans:
        one.put(small, demand.span(one.at_s, begin, end) * cores)
    return [one.scene()]


def day_night(setting: stage.Setting) -> Scenes:
    """All follow the day together, and the host is too small for it."""
    one = stage.Stage('day_night', setting)
    hour = float(one.rng.uniform(6, 10))
    shape = demand.day_night(one.rng, one.at_s, hour, 0.7)
    for group in range(len(one.groups)):
        population.populate(
            one, group, 1.05, crowd=3.0, usual=True, shape=shape
        )
    return [one.scene()]


def cron(setting: stage.Setting) -> Scenes:
    """All start a job by the same clock; nobody alone is to blame."""
    one = stage.Stage('cron', setting)
    every_s = float(one.rng.choice([900.0, 1800.0]))
    lasts_s = float(one.rng.uniform(180, 400))
    for group in range(len(one.groups)):
        rows = _equal(one, group, 0.4)
        rise = 1.2 * one.cpus(group) / len(rows)
        for row in rows:
            late_s = float(one.rng.uniform(0, 5))
            offset_s = setting.warm_s + late_s
            job = demand.cron(one.at_s, every_s, lasts_s, offset_s)
            one.put(row, job * rise)
    return [one.scene()]


def self_inflicted(setting: stage.Setting) -> Scenes:
    """A guest has more busy vCPUs than CPUs that it may use."""
    one = stage.Stage('self_inflicted', setting)
    alone = max(1, setting.cpus // 4)
    own = frozenset(range(alone))
    one.groups = [group - own for group in one.groups if group - own]
    for group in range(len(one.groups)):
        population.populate(one, group, float(one.rng.uniform(0.3, 0.5)))
    vcpus = 2 * alone
    quiet = demand.steady(one.rng, one.at_s, 0.06) * 0.25 * vcpus
    row = one.add(0, vcpus, quiet, name='crowded', cpus=(own,) * vcpus)
    for begin, end in episodes(one):
        one.put(row, demand.span(one.at_s, begin, end) * 0.7 * vcpus)
    return [one.scene()]


def quota(setting: stage.Setting) -> Scenes:
    """A guest wants more than its quota; its neighbours are innocent."""
    one = stage.Stage('quota', setting)
    group = scenery(one, away=0.2)
    vcpus = 2 if one.cpus(group) > 1 else 1
    quiet = demand.steady(one.rng, one.at_s, 0.06) * 0.2 * vcpus
    row = one.add(
        group, vcpus, quiet, name='limited', quota_cores=0.35 * vcpus
    )
    for begin, end in episodes(one):
        one.put(row, demand.span(one.at_s, begin, end) * 0.5 * vcpus)
    return [one.scene()]


def backup(setting: stage.Setting) -> Scenes:
    """A job of the host itself takes the CPUs."""
    one = stage.Stage('backup', setting)
    group = scenery(one)
    cpus = one.cpus(group)
    need = (1.2 - one.level(group)) * cpus
    threads = max(1, math.ceil(need))
    cores = numpy.zeros(len(one.at_s))
    for begin, end in episodes(one):
        cores += demand.span(one.at_s, begin, end) * need
    one.serve('backup.service', threads, one.groups[group], cores)
    return [one.scene()]


def polling(setting: stage.Setting) -> Scenes:
    """An idle guest polls, which looks like use; another one rises."""
    one = stage.Stage('polling', setting)
    group = scenery(one)
    vcpus = max(1, one.cpus(group) // 4)
    quiet = demand.steady(one.rng, one.at_s, 0.1) * 0.03 * vcpus
    one.add(group, vcpus, quiet, name='poller', polls=0.9)
    noisy(one, group)
    return [one.scene()]


def chronic(setting: stage.Setting) -> Scenes:
    """One is noisy since before anybody looked."""
    one = stage.Stage('chronic', setting)
    group = scenery(one)
    row, cores = _loud(one, group)
    one.put(row, numpy.full(len(one.at_s), cores))
    return [one.scene()]


def short(setting: stage.Setting) -> Scenes:
    """An antagonist comes often, hard, and for two to four minutes."""
    one = stage.Stage('short', setting)
    group = scenery(one)
    noisy(one, group, list(episodes(one, 120.0, 240.0, 420.0)))
    return [one.scene()]


def quiet(setting: stage.Setting) -> Scenes:
    """Nothing happens."""
    one = stage.Stage('quiet', setting)
    for group in range(len(one.groups)):
        population.populate(one, group, float(one.rng.uniform(0.15, 0.4)))
    return [one.scene()]


KINDS: dict[str, Callable[[stage.Setting], Scenes]] = {
    made.__name__: made
    for made in (
        antagonist,
        together,
        bystander,
        decoy,
        day_night,
        cron,
        self_inflicted,
        quota,
        backup,
        polling,
        chronic,
        short,
        quiet,
    )
}


def scenery(one: stage.Stage, away: float = 0.0) -> int:
    """Fill all groups; return the one in which something happens.

    ``away`` is the part of its CPUs that is left for others to come.
    """
    group = int(one.rng.integers(len(one.groups)))
    for number in range(len(one.groups)):
        cpus = one.cpus(number)
        low, high = (0.6, 0.72) if cpus > 8 else (0.45, 0.6)
        level = float(one.rng.uniform(low, high))
        left = away if number == group else 0.0
        population.populate(one, number, max(0.2, level - left))
    return group


def noisy(
    one: stage.Stage,
    group: int,
    spans: list[tuple[float, float]] | None = None,
) -> int:
    """Add a guest that idles, and in each span is an antagonist."""
    row, cores = _loud(one, group)
    for begin, end in episodes(one) if spans is None else spans:
        strength = float(one.rng.uniform(0.9, 1.0))
        one.put(row, demand.span(one.at_s, begin, end) * cores * strength)
    return row


def _loud(one: stage.Stage, group: int) -> tuple[int, float]:
    """Add a guest that could fill what is left of a group, and more;
    return its row and the cores that this takes."""
    cpus = one.cpus(group)
    over = float(one.rng.uniform(1.12, 1.4))
    need = (over - one.level(group)) * cpus
    vcpus = _size(need, cpus)
    row = _idler(one, group, vcpus, 'noisy')
    return row, min(need, 0.97 * vcpus)


def _idler(one: stage.Stage, group: int, vcpus: int, name: str) -> int:
    quiet = demand.steady(one.rng, one.at_s, 0.15) * 0.04 * vcpus
    return one.add(group, vcpus, quiet, name=name)


def _size(cores: float, cpus: int) -> int:
    return max(1, min(cpus, math.ceil(cores)))


def _equal(one: stage.Stage, group: int, level: float) -> list[int]:
    """Fill a group with six or more guests of one size."""
    cpus = one.cpus(group)
    count = max(6, min(24, cpus))
    vcpus = max(1, min(cpus, math.ceil(2.2 * cpus / count)))
    if one.setting.placement == 'pinned':
        vcpus = cpus
    cores = level * cpus / count
    return [
        one.add(group, vcpus, demand.steady(one.rng, one.at_s, 0.08) * cores)
        for _ in range(count)
    ]


def episodes(
    one: stage.Stage,
    shortest_s: float = 300.0,
    longest_s: float = 2400.0,
    pause_s: float = 1200.0,
) -> Iterator[tuple[float, float]]:
    """Return when something happens: after the warm-up, with pauses."""
    rng, setting = one.rng, one.setting
    at_s = setting.warm_s + float(rng.uniform(0, 60))
    while at_s + shortest_s < setting.seconds:
        left_s = setting.seconds - at_s
        lasts_s = float(rng.uniform(shortest_s, longest_s))
        if setting.family == 'slices':
            lasts_s = min(lasts_s, 900.0)
        lasts_s = min(lasts_s, max(shortest_s, left_s - 240.0))
        yield at_s, at_s + lasts_s
        at_s += lasts_s + float(rng.uniform(0.8, 1.4)) * pause_s
