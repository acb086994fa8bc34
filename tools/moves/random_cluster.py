# SPDX-License-Identifier: Apache-2.0
"""Random clusters with every kind of constraint, as a real cloud has them.

``make`` fills hosts as a scheduler would have done; a given part of them is
hot. ``contradict`` then breaks something, as broken clouds do.
"""

import collections
import dataclasses
import uuid
from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np

from kvm_insight.model import cluster, sample

Policy = Literal[
    'affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'
]
CpuMode = Literal['host-passthrough', 'host-model', 'custom', 'none'] | None
GIB = 1 << 30
NOW_US = 1_790_000_000_000_000
MODELS = (
    ('Skylake-Server', ('aes', 'avx2')),
    ('Cascadelake-Server', ('aes', 'avx2', 'avx512f')),
    ('Icelake-Server', ('aes', 'avx2', 'avx512f', 'vnni')),
)
AGGREGATES = (
    cluster.Aggregate(id='ssd', metadata={'ssd': 'true', 'tier': '3'}),
    cluster.Aggregate(id='hdd', metadata={'ssd': 'false', 'tier': '1'}),
    cluster.Aggregate(
        id='owned', metadata={'filter_tenant_id': 'p0,p1,p2,p3'}
    ),
    cluster.Aggregate(
        id='licensed', metadata={'trait:CUSTOM_LICENSED': 'required'}
    ),
    cluster.Aggregate(id='windows', metadata={'os_type': 'windows, linux'}),
)
#: name, vCPUs, GiB, extra specs.
FLAVORS: tuple[tuple[str, int, int, dict[str, str]], ...] = (
    ('tiny', 1, 2, {}),
    ('small', 2, 4, {}),
    ('medium', 4, 8, {}),
    ('large', 8, 16, {}),
    ('memory', 4, 32, {}),
    ('wide', 16, 32, {}),
    ('ssd', 4, 8, {'aggregate_instance_extra_specs:ssd': 'true'}),
    ('tier', 2, 8, {'tier': '>= 2'}),
    ('fast', 4, 8, {'trait:CUSTOM_FAST': 'required'}),
    ('no_gpu', 2, 4, {'trait:CUSTOM_GPU_HOST': 'forbidden'}),
    ('licensed', 4, 16, {'trait:CUSTOM_LICENSED': 'required'}),
    ('pinned', 4, 8, {'hw:cpu_policy': 'dedicated'}),
    (
        'pinned_huge',
        4,
        8,
        {'hw:cpu_policy': 'dedicated', 'hw:mem_page_size': '2048'},
    ),
    ('numa2', 8, 16, {'hw:numa_nodes': '2'}),
    ('odd', 2, 4, {'resources1:VGPU': '1'}),
)
WEIGHTS = (8, 12, 14, 8, 3, 2, 4, 2, 3, 3, 1, 2, 2, 1, 0.3)


_POLICIES: tuple[Policy, ...] = (
    'anti-affinity',
    'anti-affinity',
    'soft-anti-affinity',
    'affinity',
    'soft-affinity',
)


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """How large and how full a cluster is to be."""

    hosts: int
    per_host: int
    hot: int
    #: Expected demand of hosts that are not hot, as part of their cores.
    cold: tuple[float, float] = (0.20, 0.60)
    #: Part of instances in server groups.
    grouped: float = 0.25
    #: How tight inventories are: part of hosts nearly full by allocation.
    tight: float = 0.2
    #: Whether hosts differ in anything but their load.
    constrained: bool = True


class Maker:
    """Makes one cluster; all chance is from the generator given in."""

    def __init__(self, shape: Shape, dice: np.random.Generator) -> None:
        """Begin with nothing."""
        self.shape, self.dice = shape, dice
        self.groups = [
            cluster.ServerGroup(
                id=f'g{n}',
                policy=_POLICIES[int(dice.integers(len(_POLICIES)))],
                max_server_per_host=int(dice.choice([1, 1, 1, 2])),
            )
            for n in range(max(1, shape.hosts * shape.per_host // 16))
        ]
        self.policy = {one.id: one for one in self.groups}
        self.homes: dict[str, collections.Counter[str]] = {}

    def whole(self) -> cluster.Cluster:
        """Return the whole of it."""
        hosts: list[cluster.Host] = []
        instances: list[cluster.Instance] = []
        chosen = self.dice.permutation(self.shape.hosts)
        hot = set(chosen[: self.shape.hot].tolist())
        for number in range(self.shape.hosts):
            host, inside = self._filled(number, number in hot)
            hosts.append(host)
            instances += inside
        return cluster.Cluster(
            time_us=NOW_US,
            hosts=hosts,
            instances=instances,
            server_groups=self.groups,
            aggregates=list(AGGREGATES),
            migrations=self._migrations(hosts, instances),
        )

    def _uuid(self) -> str:
        return str(uuid.UUID(bytes=self.dice.bytes(16), version=4))

    def _is(self, chance: float) -> bool:
        return bool(self.shape.constrained and self.dice.random() < chance)

    def _host(self, number: int) -> cluster.Host:
        dice = self.dice
        cores = int(dice.choice([64, 96, 128]))
        model, features = MODELS[int(dice.integers(3))]
        if not self.shape.constrained:
            cores, (model, features) = 64, MODELS[0]
        numa = self._is(0.4)
        gpu = self._is(0.1)
        traits = ['HW_CPU_X86_AVX2']
        traits += ['CUSTOM_FAST'] * self._is(0.5)
        traits += ['CUSTOM_GPU_HOST'] * gpu
        aggregates = ['ssd' if self._is(0.6) or number % 2 else 'hdd']
        aggregates += ['owned'] * self._is(0.1)
        licensed = self._is(0.1)
        aggregates += ['licensed'] * licensed
        aggregates += ['windows'] * self._is(0.3)
        traits += ['CUSTOM_LICENSED'] * (licensed or self._is(0.1))
        memory = cores * int(dice.choice([4, 5]))
        return cluster.Host(
            name=f'region/compute-{number:04d}',
            provider=self._uuid(),
            inventories=self._inventories(cores, memory, numa),
            traits=traits,
            aggregates=aggregates,
            availability_zone=f'az{number % 3}',
            enabled=not self._is(0.02),
            up=not self._is(0.01),
            maintenance=self._is(0.01),
            cpu=cluster.HostCpu(model=model, features=list(features)),
            hypervisor_version=9_000_000 + 1000 * int(self._is(0.3)),
            numa=_cells(cores, memory) if numa else [],
            pci=_pools() if gpu else [],
            storage=['ceph'] + ['nfs'] * self._is(0.5),
            nova_cell='cell2' if self._is(0.05) else 'cell1',
        )

    def _inventories(
        self, cores: int, memory_gib: int, numa: bool
    ) -> dict[str, cluster.Inventory]:
        pinned = cores // 4 if numa else 0
        odd = self._is(0.1)
        found = {
            'VCPU': cluster.Inventory(
                total=cores - pinned,
                allocation_ratio=float(self.dice.choice([3.0, 4.0, 6.0])),
                max_unit=int(self.dice.choice([8, 16, cores]))
                if odd
                else None,
            ),
            'MEMORY_MB': cluster.Inventory(
                total=memory_gib * 1024,
                reserved=4096,
                allocation_ratio=float(self.dice.choice([1.0, 1.5])),
                step_size=int(self.dice.choice([1, 512])),
            ),
            'DISK_GB': cluster.Inventory(total=4000, reserved=20),
        }
        if numa:
            found['PCPU'] = cluster.Inventory(total=pinned)
        return found

    def _filled(
        self, number: int, hot: bool
    ) -> tuple[cluster.Host, list[cluster.Instance]]:
        host = self._host(number)
        free = {
            kind: (one.total - one.reserved) * one.allocation_ratio
            for kind, one in host.inventories.items()
        }
        cells = [_Free(cell) for cell in host.numa]
        devices = [pool.free for pool in host.pci]
        inside: list[cluster.Instance] = []
        most = self.shape.per_host
        for _ in range(4 * most):
            if len(inside) >= most:
                break
            one = self._instance(host, free, cells, devices)
            if one is not None:
                inside.append(one)
        inside, load = self._loads(host, inside, hot)
        cooked = msgspec.structs.replace(
            host,
            inventories=self._tight(host, free),
            numa=[
                msgspec.structs.replace(
                    cell,
                    dedicated_free=left.dedicated,
                    shared_used=left.shared_used,
                    memory_free_bytes=left.memory,
                    pages=[
                        msgspec.structs.replace(page, free=left.pages)
                        for page in cell.pages
                    ],
                )
                for cell, left in zip(host.numa, cells, strict=True)
            ],
            pci=[
                msgspec.structs.replace(pool, free=count)
                for pool, count in zip(host.pci, devices, strict=True)
            ],
            load=load,
        )
        return cooked, inside

    def _tight(
        self, host: cluster.Host, free: dict[str, float]
    ) -> dict[str, cluster.Inventory]:
        """Return the inventories, some with little left by other users."""
        if self.dice.random() >= self.shape.tight:
            return host.inventories
        found = dict(host.inventories)
        for kind, one in host.inventories.items():
            if self.dice.random() < 0.5:
                room = (one.total - one.reserved) * one.allocation_ratio
                taken = room - free[kind]
                used = taken + free[kind] * self.dice.uniform(0.5, 1.0)
                found[kind] = msgspec.structs.replace(one, used=int(used))
        return found

    def _instance(
        self,
        host: cluster.Host,
        free: dict[str, float],
        cells: list['_Free'],
        devices: list[int],
    ) -> cluster.Instance | None:
        """Return an instance that the host would take, or nothing."""
        project = f'p{int(self.dice.integers(20))}'
        if 'owned' in host.aggregates:
            project = f'p{int(self.dice.integers(4))}'
        flavors = FLAVORS if self.shape.constrained else FLAVORS[:6]
        chances = np.array(
            [
                weight * _suits(host, flavor[0])
                for flavor, weight in zip(flavors, WEIGHTS, strict=False)
            ]
        )
        kind = self.dice.choice(len(flavors), p=chances / chances.sum())
        name, vcpus, memory, specs = flavors[int(kind)]
        pinned = 'hw:cpu_policy' in specs
        needs = {
            'PCPU' if pinned else 'VCPU': vcpus,
            'MEMORY_MB': memory * 1024,
            'DISK_GB': int(self.dice.choice([10, 20, 40])),
        }
        if not self._takes(host, free, needs):
            return None
        numa = _seat(cells, vcpus, memory * GIB, specs)
        if numa is None:
            return None
        for key, amount in needs.items():
            free[key] -= amount
        pci = self._devices(name, devices)
        return cluster.Instance(
            uuid=self._uuid(),
            host=host.name,
            name=f'{name}-{int(self.dice.integers(10**6)):06d}',
            project_id=project,
            resources=needs,
            flavor=sample.Flavor(
                name=name,
                vcpus=vcpus,
                memory_bytes=memory * GIB,
                extra_specs=specs,
            ),
            image={'os_type': 'linux'} if self._is(0.3) else {},
            availability_zone=host.availability_zone
            if self._is(0.3)
            else None,
            server_group=self._group(host.name),
            state='active' if self.dice.random() > 0.02 else 'stopped',
            task='resize_prep' if self._is(0.01) else None,
            live_migratable=not self._is(0.03),
            opted_out=self._is(0.03),
            cpu_mode=self._cpu_mode(),
            cpu_features=list(host.cpu.features) if host.cpu else [],
            numa=numa,
            pci=pci,
            storage='ceph' if self.dice.random() < 0.8 else None,
            memory_bytes=memory * GIB,
            local_disk_bytes=0,
            dirty_rate_bytes_s=int(self.dice.exponential(50e6)),
        )

    def _cpu_mode(self) -> CpuMode:
        if not self.shape.constrained:
            return None
        modes: tuple[CpuMode, ...] = ('host-model', 'host-passthrough', None)
        return modes[int(self.dice.choice(3, p=[0.6, 0.1, 0.3]))]

    def _devices(self, name: str, devices: list[int]) -> dict[str, int]:
        if devices and devices[0] > 0 and self.dice.random() < 0.1:
            devices[0] -= 1
            return {'gpu': 1}
        return {}

    def _takes(
        self,
        host: cluster.Host,
        free: dict[str, float],
        needs: dict[str, int],
    ) -> bool:
        for kind, amount in needs.items():
            one = host.inventories.get(kind)
            if one is None or amount > free[kind] or amount % one.step_size:
                return False
            if one.max_unit is not None and amount > one.max_unit:
                return False
        return True

    def _group(self, host: str) -> str | None:
        if self.dice.random() >= self.shape.grouped:
            return None
        group = self.groups[int(self.dice.integers(len(self.groups)))]
        homes = self.homes.setdefault(group.id, collections.Counter())
        if group.policy == 'affinity' and homes and host not in homes:
            return None
        full = homes[host] >= group.max_server_per_host
        if group.policy == 'anti-affinity' and full:
            return None
        homes[host] += 1
        return group.id

    def _loads(
        self, host: cluster.Host, inside: list[cluster.Instance], hot: bool
    ) -> tuple[list[cluster.Instance], cluster.HostLoad]:
        dice = self.dice
        cores = sum(
            one.total
            for kind, one in host.inventories.items()
            if kind in ('VCPU', 'PCPU')
        )
        capacity = cores - 1.0
        aim = (
            dice.uniform(0.85, 1.15) if hot else dice.uniform(*self.shape.cold)
        )
        sizes = [
            (one.flavor.vcpus or 1 if one.flavor else 1)
            * dice.lognormal(-0.7, 0.6)
            for one in inside
        ]
        limits = [one.flavor.vcpus or 1 if one.flavor else 1 for one in inside]
        scale = aim * capacity / max(1e-9, sum(sizes))
        used = [min(a * scale, b) for a, b in zip(sizes, limits, strict=True)]
        total = sum(used)
        lost = max(0.0, total - 0.9 * capacity) + 0.2 * hot
        victims = self._victims(len(inside), lost) if hot else {}
        with_load = [
            msgspec.structs.replace(
                one, load=self._load(one.uuid, used[n], victims.get(n))
            )
            for n, one in enumerate(inside)
        ]
        memory = sum(one.memory_bytes for one in inside)
        physical = host.inventories['MEMORY_MB'].total * 2**20
        return with_load, cluster.HostLoad(
            time_us=NOW_US - 10_000_000,
            capacity_cores=capacity,
            used_cores=total,
            own_cores=0.3,
            lost_cores=lost if hot else 0.0,
            memory_bytes=physical,
            memory_used_bytes=min(int(memory * 0.55), int(physical * 0.94)),
            peaks=[_peak(total, float(dice.uniform(1.06, 1.20)))],
        )

    def _victims(
        self, count: int, lost: float
    ) -> dict[int, tuple[float, float, str | None]]:
        """Return who lost what, who caused what, and each verdict."""
        if count < 3:
            return {}
        chosen = self.dice.permutation(count)[:3].tolist()
        verdict = str(
            self.dice.choice(
                ['antagonist', 'overcommit', 'unknown', 'self_inflicted'],
                p=[0.6, 0.2, 0.1, 0.1],
            )
        )
        found: dict[int, tuple[float, float, str | None]] = {
            chosen[0]: (lost * 0.7, 0.0, verdict),
            chosen[1]: (lost * 0.3, 0.0, verdict),
        }
        if verdict == 'antagonist':
            found[chosen[2]] = (0.0, lost * 0.9, None)
        return found

    def _load(
        self,
        name: str,
        used: float,
        part: tuple[float, float, str | None] | None,
    ) -> cluster.InstanceLoad:
        lost, caused, verdict = part or (0.0, 0.0, None)
        return cluster.InstanceLoad(
            used_cores=used,
            lost_cores=lost,
            caused_cores=caused,
            verdict=verdict,  # type: ignore[arg-type]
            findings=[f'f-{name[:8]}'] if part else [],
            peaks=[_peak(used, float(self.dice.uniform(1.1, 1.5)))],
        )

    def _migrations(
        self, hosts: list[cluster.Host], instances: list[cluster.Instance]
    ) -> list[cluster.Migration]:
        """Return some that ended lately, and few under way."""
        if not self.shape.constrained or len(hosts) < 3:
            return []
        found = []
        for _ in range(max(1, len(instances) // 100)):
            one = instances[int(self.dice.integers(len(instances)))]
            other = hosts[int(self.dice.integers(len(hosts)))].name
            if other == one.host:
                continue
            ago_us = int(self.dice.uniform(60, 30 * 3600) * 1e6)
            found.append(
                cluster.Migration(
                    instance=one.uuid,
                    source=other,
                    destination=one.host,
                    state='done',
                    started_us=NOW_US - ago_us - 20_000_000,
                    ended_us=NOW_US - ago_us,
                )
            )
        return found


class _Free:
    """What is left of a cell while a host is filled."""

    def __init__(self, cell: cluster.NumaCell) -> None:
        self.index = cell.index
        self.dedicated = cell.dedicated
        self.shared = cell.shared
        self.shared_used = 0
        self.memory = cell.memory_free_bytes
        self.pages = cell.pages[0].free


def _cells(cores: int, memory_gib: int) -> list[cluster.NumaCell]:
    huge = memory_gib * GIB // 8
    pages = huge // (2 << 20)
    small = memory_gib * GIB // 2 - huge
    return [
        cluster.NumaCell(
            index=index,
            dedicated=cores // 8,
            dedicated_free=cores // 8,
            shared=cores // 2 - cores // 8,
            memory_bytes=memory_gib * GIB // 2,
            memory_free_bytes=small,
            pages=[cluster.HugePages(size_kib=2048, total=pages, free=pages)],
        )
        for index in (0, 1)
    ]


def _pools() -> list[cluster.PciPool]:
    return [cluster.PciPool(aliases=['gpu'], total=4, free=4, numa_cell=None)]


def _peak(used: float, factor: float) -> cluster.Peak:
    return cluster.Peak(
        horizon_s=3600, p50_cores=used * 1.02, p95_cores=used * 1.02 * factor
    )


def _suits(host: cluster.Host, flavor: str) -> bool:
    """Say whether the host's aggregates and traits let a flavor in."""
    specs = dict(next(one[3] for one in FLAVORS if one[0] == flavor))
    wants = {
        'ssd': 'ssd' in host.aggregates,
        'tier': 'ssd' in host.aggregates,
        'fast': 'CUSTOM_FAST' in host.traits,
        'no_gpu': 'CUSTOM_GPU_HOST' not in host.traits,
        'licensed': 'CUSTOM_LICENSED' in host.traits,
        'pinned': bool(host.numa),
        'pinned_huge': bool(host.numa),
        'numa2': bool(host.numa),
    }
    if 'licensed' in host.aggregates:
        return specs.get('trait:CUSTOM_LICENSED') == 'required'
    return wants.get(flavor, True)


def _seat(
    cells: list[_Free], vcpus: int, memory: int, specs: dict[str, str]
) -> list[cluster.GuestCell] | None:
    """Return guest cells, taken from the host's; None if there is no room."""
    count = int(
        specs.get('hw:numa_nodes', '1' if 'hw:cpu_policy' in specs else '0')
    )
    if count == 0:
        return []
    pinned, huge = 'hw:cpu_policy' in specs, 'hw:mem_page_size' in specs
    part, size = vcpus // count, memory // count
    chosen: list[_Free] = []
    for cell in cells:
        cpus = cell.dedicated if pinned else cell.shared - cell.shared_used
        room = cell.pages * (2 << 20) if huge else cell.memory
        if len(chosen) < count and part <= cpus and size <= room:
            chosen.append(cell)
    if len(chosen) < count:
        return None
    for cell in chosen:
        if pinned:
            cell.dedicated -= part
        else:
            cell.shared_used += part
        if huge:
            cell.pages -= size // (2 << 20)
        else:
            cell.memory -= size
    return [
        cluster.GuestCell(host_cell=cell.index, vcpus=part, memory_bytes=size)
        for cell in chosen
    ]


def make(shape: Shape, dice: np.random.Generator) -> cluster.Cluster:
    """Return a cluster of this shape."""
    return Maker(shape, dice).whole()


def contradict(
    whole: cluster.Cluster, dice: np.random.Generator
) -> tuple[cluster.Cluster, set[str]]:
    """Break one thing; return who must not be touched because of it."""
    if not whole.instances or not whole.hosts:
        return whole, set()
    hosts, instances = list(whole.hosts), list(whole.instances)
    h = int(dice.integers(len(hosts)))
    i = int(dice.integers(len(instances)))
    kind = str(dice.choice([*HOST_FAULTS, *INSTANCE_FAULTS]))
    if kind in HOST_FAULTS:
        tainted = {hosts[h].name}
        hosts[h] = HOST_FAULTS[kind](hosts[h])
        if kind == 'twice':
            hosts.append(hosts[h])
    else:
        tainted = {instances[i].uuid}
        changed = INSTANCE_FAULTS[kind](instances[i], hosts[h].name)
        if kind == 'two_hosts':
            if instances[i].host == hosts[h].name:
                return whole, set()
            instances.append(changed)
        else:
            instances[i] = changed
    broken = msgspec.structs.replace(whole, hosts=hosts, instances=instances)
    return broken, tainted


def _load(host: cluster.Host, **changes: object) -> cluster.Host:
    if host.load is None:
        return msgspec.structs.replace(host, aggregates=['nowhere'])
    load = msgspec.structs.replace(host.load, **changes)
    return msgspec.structs.replace(host, load=load)


def _inventory(host: cluster.Host, **changes: object) -> cluster.Host:
    one = msgspec.structs.replace(host.inventories['MEMORY_MB'], **changes)
    return msgspec.structs.replace(
        host, inventories={**host.inventories, 'MEMORY_MB': one}
    )


NAN = float('nan')
HOST_FAULTS: dict[str, Callable[[cluster.Host], cluster.Host]] = {
    'used': lambda host: _inventory(host, used=2**40),
    'reserved': lambda host: _inventory(host, reserved=2**40),
    'ratio': lambda host: _inventory(host, allocation_ratio=NAN),
    'aggregate': lambda host: msgspec.structs.replace(
        host, aggregates=['nowhere']
    ),
    'nan': lambda host: _load(host, capacity_cores=NAN),
    'infinite': lambda host: _load(host, used_cores=float('inf')),
    'no_cores': lambda host: _load(host, capacity_cores=0.0),
    'peaks': lambda host: _load(
        host, peaks=[cluster.Peak(horizon_s=3600, p50_cores=9, p95_cores=1)]
    ),
    'nan_peak': lambda host: _load(
        host,
        peaks=[cluster.Peak(horizon_s=3600, p50_cores=NAN, p95_cores=NAN)],
    ),
    'twice': lambda host: host,
    'cells': lambda host: msgspec.structs.replace(
        host,
        numa=[cluster.NumaCell(index=0, dedicated=1, dedicated_free=2)],
    ),
    'stale': lambda host: _load(host, time_us=NOW_US - 3600 * 1_000_000),
    'unmeasured': lambda host: msgspec.structs.replace(host, load=None),
}
INSTANCE_FAULTS: dict[
    str, Callable[[cluster.Instance, str], cluster.Instance]
] = {
    'two_hosts': lambda one, other: msgspec.structs.replace(one, host=other),
    'nowhere': lambda one, _: msgspec.structs.replace(one, host='nowhere'),
    'group': lambda one, _: msgspec.structs.replace(
        one, server_group='nobody'
    ),
    'class': lambda one, _: msgspec.structs.replace(
        one, resources={**one.resources, 'CUSTOM_NOTHING': 1}
    ),
    'nan': lambda one, _: msgspec.structs.replace(
        one, load=cluster.InstanceLoad(used_cores=NAN)
    ),
    'unknown_cells': lambda one, _: msgspec.structs.replace(
        one,
        numa=[cluster.GuestCell(host_cell=77, vcpus=1, memory_bytes=1 << 20)],
    ),
}
