# SPDX-License-Identifier: Apache-2.0
"""Filters: whether Placement and Nova would let an instance go to a host.

A table; each line has the name by which an operator knows it and can say in
words why it refuses. What depends on the request alone is asked once for all
hosts; what changes with each move is asked anew (``room``, ``groups``,
``seats``).
"""

import dataclasses
from collections.abc import Callable, Hashable

from kvm_insight.model import cluster
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import groups, matching, room, seats

#: Why an instance may not go to a host, in words; None if it may.
Refusal = str | None

#: Of a cloud, or of hosts that tell of themselves.
DOWN = 'its compute service is down, or its agent is silent'


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """One reason to refuse a host."""

    name: str
    refuses: Callable[[boards.Board, int, int], Refusal]
    #: What of an instance the answer depends on.
    aspect: Callable[[boards.Board, int], Hashable]


def _beyond(board: boards.Board, i: int, _: int) -> Refusal:
    words = board.asks(i).beyond
    return f'it asks for {words[0]}, which nobody tells' if words else None


def _compute(board: boards.Board, _: int, h: int) -> Refusal:
    host = board.hosts[h]
    if not host.up:
        return DOWN
    if not host.enabled:
        return 'its compute service is disabled'
    if host.maintenance:
        return 'it is in maintenance'
    if 'COMPUTE_STATUS_DISABLED' in host.traits:
        return 'Placement has it marked as disabled'
    return None


def _traits(board: boards.Board, i: int, h: int) -> Refusal:
    asks, has = board.asks(i), board.hosts[h].traits
    missing = asks.required.difference(has)
    if missing:
        return f'it lacks trait {min(missing)}'
    unwanted = asks.forbidden.intersection(has)
    return f'it has forbidden trait {min(unwanted)}' if unwanted else None


def _zone(board: boards.Board, i: int, h: int) -> Refusal:
    zone = board.instances[i].availability_zone
    there = board.hosts[h].availability_zone
    if zone is None or zone == there:
        return None
    return f'it is in zone {there}, not in {zone}'


def _nova_cell(board: boards.Board, i: int, h: int) -> Refusal:
    here = board.hosts[board.at[i]].nova_cell
    there = board.hosts[h].nova_cell
    return None if here == there else f'it is in another cell ({there})'


def _aggregate_specs(board: boards.Board, i: int, h: int) -> Refusal:
    has = board.metadata(h)
    for key, wanted in board.asks(i).aggregate_specs:
        values = has.get(key, set())
        if not any(matching.matches(value, wanted) for value in values):
            return f'none of its aggregates has {key} {wanted}'
    return None


def _tenancy(board: boards.Board, i: int, h: int) -> Refusal:
    projects: set[str] = set()
    for key, values in board.metadata(h).items():
        if key.startswith('filter_tenant_id'):
            projects |= values
    if not projects or board.instances[i].project_id in projects:
        return None
    return 'its aggregate is for other projects'


def _isolation(board: boards.Board, i: int, h: int) -> Refusal:
    required = board.asks(i).required
    for name in board.hosts[h].aggregates:
        for key, value in board.aggregates[name].metadata.items():
            scope, _, trait = key.partition(':')
            closed = scope == 'trait' and value == 'required'
            if closed and trait not in required:
                return f'its aggregate is only for who requires {trait}'
    return None


def _image(board: boards.Board, i: int, h: int) -> Refusal:
    has = board.metadata(h)
    for key, value in board.asks(i).image:
        if value and key in has and value not in has[key]:
            return f'its aggregate is not for images with {key}={value}'
    return None


def _hypervisor(board: boards.Board, i: int, h: int) -> Refusal:
    here = board.hosts[board.at[i]].hypervisor_version
    there = board.hosts[h].hypervisor_version
    if here is None and there is None:
        return None
    if here is None or there is None:
        return 'the version of its hypervisor is not known'
    return None if there >= here else f'its hypervisor is older ({there})'


def _cpu(board: boards.Board, i: int, h: int) -> Refusal:
    one = board.instances[i]
    if one.cpu_mode in (None, 'none'):
        return None
    here, there = board.hosts[board.at[i]].cpu, board.hosts[h].cpu
    if here is None or there is None:
        return 'its CPU is not known'
    if here.architecture != there.architecture:
        return f'its CPUs are {there.architecture}'
    if one.cpu_mode == 'host-passthrough' and (
        here.model != there.model or set(here.features) != set(there.features)
    ):
        return f'its CPU is another ({there.model})'
    wanted = _features(one, here)
    missing = wanted.difference(there.features)
    return f'its CPU lacks {min(missing)}' if missing else None


def _features(one: cluster.Instance, here: cluster.HostCpu) -> set[str]:
    """Return what the guest's CPU has: what it was given when it started."""
    if one.cpu_features or one.cpu_mode == 'custom':
        return set(one.cpu_features)
    return set(here.features)


def _storage(board: boards.Board, i: int, h: int) -> Refusal:
    wanted = board.instances[i].storage
    if wanted is None or wanted in board.hosts[h].storage:
        return None
    return f'it does not reach storage {wanted}'


def _needs(board: boards.Board, i: int, h: int) -> Refusal:
    missing = set(board.instances[i].needs).difference(board.hosts[h].offers)
    return f'it does not have {min(missing)}' if missing else None


def _of_cpu(board: boards.Board, i: int) -> Hashable:
    one = board.instances[i]
    if one.cpu_mode in (None, 'none'):
        return None
    here = board.hosts[board.at[i]].cpu
    if here is None:
        return False
    cpu = here.architecture, here.model, tuple(here.features)
    return one.cpu_mode, tuple(one.cpu_features), cpu


#: By the names that Nova and Placement have for them, where they have one.
STATIC = (
    Filter('Unjudged', _beyond, lambda b, i: b.asks(i).beyond),
    Filter('ComputeFilter', _compute, lambda b, i: None),
    Filter(
        'Traits',
        _traits,
        lambda b, i: (b.asks(i).required, b.asks(i).forbidden),
    ),
    Filter(
        'AvailabilityZone',
        _zone,
        lambda b, i: b.instances[i].availability_zone,
    ),
    Filter('NovaCell', _nova_cell, lambda b, i: b.hosts[b.at[i]].nova_cell),
    Filter(
        'AggregateInstanceExtraSpecsFilter',
        _aggregate_specs,
        lambda b, i: b.asks(i).aggregate_specs,
    ),
    Filter(
        'AggregateMultiTenancyIsolation',
        _tenancy,
        lambda b, i: b.instances[i].project_id,
    ),
    Filter('IsolatedAggregates', _isolation, lambda b, i: b.asks(i).required),
    Filter(
        'AggregateImagePropertiesIsolation',
        _image,
        lambda b, i: b.asks(i).image,
    ),
    Filter(
        'HypervisorVersion',
        _hypervisor,
        lambda b, i: b.hosts[b.at[i]].hypervisor_version,
    ),
    Filter('CpuModel', _cpu, _of_cpu),
    Filter('Storage', _storage, lambda b, i: b.instances[i].storage),
    Filter('Needs', _needs, lambda b, i: tuple(b.instances[i].needs)),
)
#: Asked anew after each move.
DYNAMIC: dict[str, Callable[[boards.Board, int, int], Refusal]] = {
    'Inventory': room.refuses,
    'ServerGroup': groups.refuses,
    'NUMATopologyFilter': seats.refuses,
}
NAMES = (*(one.name for one in STATIC), *DYNAMIC)
