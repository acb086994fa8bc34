# SPDX-License-Identifier: Apache-2.0
"""Stage: a host while a scenario sets it up, and the scene that comes of it.

Guests are put into groups: the whole host (floating), its NUMA nodes, or a
few CPUs to which each vCPU is pinned. A scenario adds guests, and puts on top
of what they quietly want.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy
from numpy import typing as npt

from kvm_insight.simulate import (
    demand,
    dirt,
    label,
    load,
    plan,
    readings,
    water,
)

Floats = npt.NDArray[numpy.float64]

Family = Literal['water', 'slices']
Placement = Literal['floating', 'node', 'pinned']
Source = Literal['ebpf', 'sampled']

#: Seconds of history that come before anything happens.
WARM_S = 1500.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One host with all that will happen on it."""

    kind: str
    seed: int
    family: Family
    host: plan.Host
    wants: load.Load
    nature: water.Nature = water.MEAN
    agent: readings.Agent = readings.PLAIN
    way: dirt.Dirt = dirt.CLEAN
    ledger: Source | None = None
    warm_s: float = WARM_S
    #: Resource -> demand in parts of what the device can do.
    devices: Mapping[label.Resource, load.Load] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scenario is asked for."""

    seed: int
    family: Family = 'water'
    cpus: int = 16
    placement: Placement = 'floating'
    seconds: float = 3 * 3600.0
    warm_s: float = WARM_S
    ledger: Source | None = None
    #: What ordinary guests do, instead of what generators make.
    traces: tuple[demand.Trace, ...] = ()

    @property
    def step_s(self) -> float:
        """Return how fine demand is made."""
        return 5.0 if self.family == 'water' else 1.0


class Stage:
    """A host in the making."""

    def __init__(self, kind: str, setting: Setting, number: int = 0) -> None:
        self.kind = kind
        self.setting = setting
        self.name = f'sim/{kind}-{setting.seed}-{number}'
        self.rng = numpy.random.default_rng([setting.seed, number])
        self.at_s = demand.times(setting.seconds, setting.step_s)
        self.guests: list[plan.Guest] = []
        self.services: list[plan.Service] = []
        self.disks: tuple[plan.Disk, ...] = ()
        self.nics: tuple[plan.Nic, ...] = ()
        self.group_of: list[int] = []
        self.groups = _groups(setting, self.rng)
        #: Most clouds give shares by the vCPU, some leave libvirt's default.
        self.by_vcpu = bool(self.rng.random() < 0.7)
        self._quiet: list[Floats] = []
        self._extra: list[Floats] = []
        self._usual: list[bool] = []
        self._service_extra: list[Floats] = []

    def cpus(self, group: int) -> int:
        """Return how many CPUs a group has."""
        return len(self.groups[group])

    def add(
        self,
        group: int,
        vcpus: int,
        quiet: Floats,
        *,
        name: str | None = None,
        usual: bool = False,
        cpus: tuple[frozenset[int], ...] = (),
        **more: object,
    ) -> int:
        """Add a guest that quietly wants so many cores; return its row."""
        number = len(self.guests)
        name = name or f'guest-{number}'
        guest = plan.Guest(
            name=name,
            uuid=plan.uuid_of(self.setting.seed, f'{self.name}/{name}'),
            project=f'project-{number % 4}',
            flavor=f'c{vcpus}',
            cpus=cpus or self._places(group, vcpus),
            weight=plan.WEIGHT * (vcpus if self.by_vcpu else 1),
            memory_bytes=vcpus * plan.GIB,
            epoch=f'{4000 + number}.{100 + number}',
        )
        self.guests.append(dataclasses.replace(guest, **more))  # type: ignore[arg-type]
        self.group_of.append(group)
        self._quiet.append(quiet)
        self._extra.append(numpy.zeros(len(self.at_s)))
        self._usual.append(usual)
        return number

    def put(self, row: int, cores: Floats) -> None:
        """Let a guest want more than it quietly does; or less."""
        self._extra[row] = self._extra[row] + cores

    def relive(
        self, row: int, ends_s: float, begins_s: float, **changes: object
    ) -> int:
        """End a guest's life and begin another one; return its row."""
        old = self.guests[row]
        self.replace(row, ends_s=ends_s)
        changes = {
            'starts_s': begins_s,
            'ends_s': old.ends_s,
            'epoch': f'9{old.epoch}',
            **changes,
        }
        self.guests.append(dataclasses.replace(old, **changes))  # type: ignore[arg-type]
        self.group_of.append(self.group_of[row])
        self._quiet.append(self._quiet[row])
        self._extra.append(self._extra[row])
        self._usual.append(self._usual[row])
        return len(self.guests) - 1

    def serve(
        self, name: str, threads: int, cpus: frozenset[int], cores: Floats
    ) -> None:
        """Add a service of the host that is idle but for these cores."""
        self.services.append(
            plan.Service(name=name, threads=threads, cpus=cpus)
        )
        self._service_extra.append(cores)

    def quiet(self, row: int) -> Floats:
        """Return what a guest quietly wants."""
        return self._quiet[row]

    def added(self, row: int) -> Floats:
        """Return what a scenario put on top of that."""
        return self._extra[row]

    def replace(self, row: int, **changes: object) -> None:
        """Change a guest."""
        self.guests[row] = dataclasses.replace(
            self.guests[row],
            **changes,  # type: ignore[arg-type]
        )

    def level(self, group: int) -> float:
        """Return the part of a group's CPUs that is quietly wanted."""
        rows = [r for r, g in enumerate(self.group_of) if g == group]
        total = sum(float(self._quiet[row].mean()) for row in rows)
        return total / self.cpus(group)

    def scene(self, **more: object) -> Scene:
        """Return what was set up; ``more`` are fields of the scene."""
        setting = self.setting
        host = plan.Host(
            name=self.name,
            cpus=setting.cpus,
            guests=tuple(self.guests),
            services=tuple(self.services),
            nodes=plan.nodes(setting.cpus),
            disks=self.disks,
            nics=self.nics,
            memory_bytes=8 * plan.GIB * max(setting.cpus, 8),
        )
        scene = Scene(
            kind=self.kind,
            seed=setting.seed,
            family=setting.family,
            host=host,
            wants=self._load(host),
            nature=_nature(self.rng),
            agent=readings.Agent(seed=setting.seed),
            way=dirt.Dirt(seed=setting.seed),
            ledger=setting.ledger,
            warm_s=setting.warm_s,
        )
        return dataclasses.replace(scene, **more)  # type: ignore[arg-type]

    def _load(self, host: plan.Host) -> load.Load:
        here = load.alive(host, self.at_s)
        nothing = [numpy.zeros(len(self.at_s)) for _ in self.services]
        quiet = numpy.array([*self._quiet, *nothing])
        extra = numpy.array([*self._extra, *self._service_extra])
        most = numpy.array([float(len(one)) for one in host.places()])
        quiet = numpy.clip(quiet * here, 0.0, most[:, None])
        wanted = numpy.clip((quiet + extra) * here, 0.0, most[:, None])
        usual = numpy.array([*self._usual, *(True for _ in self.services)])
        return load.Load(self.setting.step_s, quiet, wanted, usual)

    def _places(self, group: int, vcpus: int) -> tuple[frozenset[int], ...]:
        cpus = sorted(self.groups[group])
        if self.setting.placement != 'pinned':
            return (frozenset(cpus),) * vcpus
        first = int(self.rng.integers(len(cpus)))
        return tuple(
            frozenset([cpus[(first + at) % len(cpus)]]) for at in range(vcpus)
        )


def with_device(
    scene: Scene, resource: label.Resource, wants: load.Load
) -> Scene:
    """Return the scene with a demand for one resource more."""
    return dataclasses.replace(
        scene, devices={**scene.devices, resource: wants}
    )


def _groups(
    setting: Setting, rng: numpy.random.Generator
) -> list[frozenset[int]]:
    whole = list(range(setting.cpus))
    if setting.placement == 'floating':
        return [frozenset(whole)]
    if setting.placement == 'node':
        return list(plan.nodes(setting.cpus))
    found = []
    while whole:
        size = min(len(whole), int(rng.choice([1, 2, 4])))
        found.append(frozenset(whole[:size]))
        whole = whole[size:]
    return found


def _nature(rng: numpy.random.Generator) -> water.Nature:
    return water.Nature(
        burstiness=float(rng.uniform(0.25, 0.8)),
        carry=float(rng.uniform(0.0, 1.0)),
        seed=int(rng.integers(1 << 31)),
    )
