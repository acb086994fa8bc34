# SPDX-License-Identifier: Apache-2.0
"""What Placement's answers say of one resource provider, and of all."""

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec

from kvm_insight import exception
from kvm_insight.cloud import client
from kvm_insight.model import cluster

#: Train, 2019: what is read here has not changed since.
VERSION = '1.36'
_MOST = 2**53 - 1


class Provider(client.Wire, frozen=True, kw_only=True):
    """One resource provider, in its tree."""

    uuid: str
    generation: int
    root_provider_uuid: str


class _Inventory(client.Wire, frozen=True, kw_only=True):
    total: int
    reserved: int
    allocation_ratio: float
    min_unit: int
    max_unit: int
    step_size: int


class _Consumer(client.Wire, frozen=True, kw_only=True):
    resources: dict[str, int]


class _Providers(client.Wire, frozen=True, kw_only=True):
    resource_providers: list[Provider]


class _Inventories(client.Wire, frozen=True, kw_only=True):
    inventories: dict[str, _Inventory]


class _Traits(client.Wire, frozen=True, kw_only=True):
    traits: list[str]


class _Allocations(client.Wire, frozen=True, kw_only=True):
    allocations: dict[str, _Consumer]


#: Consumer -> resource class -> amount.
Allocations = Mapping[str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """What a provider has, and who holds how much of it."""

    inventories: Mapping[str, cluster.Inventory]
    traits: list[str]
    allocations: Allocations


def parse_providers(value: bytes) -> list[Provider]:
    """Return all resource providers."""
    return client.decoded('placement', value, _Providers).resource_providers


def roots(providers: Iterable[Provider]) -> frozenset[str]:
    """Return those that are below no other."""
    return frozenset(
        one.uuid for one in providers if one.uuid == one.root_provider_uuid
    )


def parse_inventories(value: bytes) -> dict[str, cluster.Inventory]:
    """Return resource class -> what there is; nothing of it is used yet."""
    found = client.decoded('placement', value, _Inventories).inventories
    return {
        name: cluster.Inventory(
            total=min(one.total, _MOST),
            reserved=min(one.reserved, _MOST),
            allocation_ratio=one.allocation_ratio,
            min_unit=one.min_unit,
            max_unit=min(one.max_unit, _MOST),
            step_size=one.step_size,
        )
        for name, one in found.items()
    }


def held(
    inventories: Mapping[str, cluster.Inventory],
    traits: list[str],
    allocations: Allocations,
) -> Holding:
    """Return what a provider has, with what is used of it."""
    used: dict[str, int] = {}
    for resources in allocations.values():
        for name, amount in resources.items():
            used[name] = used.get(name, 0) + amount
    return Holding(
        {
            name: msgspec.structs.replace(one, used=used.get(name, 0))
            for name, one in inventories.items()
        },
        traits,
        allocations,
    )


def parse_traits(value: bytes) -> list[str]:
    """Return a provider's traits, in order."""
    return sorted(client.decoded('placement', value, _Traits).traits)


def parse_allocations(value: bytes) -> Allocations:
    """Return who holds how much of a provider."""
    told = client.decoded('placement', value, _Allocations).allocations
    return {name: one.resources for name, one in told.items()}


def read_providers(
    ask: client.Client, aggregate: str | None = None
) -> list[Provider]:
    """Return all providers, or those in one aggregate."""
    query = f'?member_of={aggregate}' if aggregate else ''
    path = f'/resource_providers{query}'
    return parse_providers(ask.get('placement', path, VERSION))


def read_holding(
    ask: client.Client, uuid: str, before: Holding | None = None
) -> Holding | None:
    """Return what a provider has; None if it went meanwhile.

    ``before`` is what it had at its present generation: then only who holds
    what is read.
    """
    path = f'/resource_providers/{uuid}'
    try:
        allocations = read_allocations(ask, uuid)
        if before is not None:
            return held(before.inventories, before.traits, allocations)
        inventories = ask.get('placement', f'{path}/inventories', VERSION)
        traits = ask.get('placement', f'{path}/traits', VERSION)
    except exception.CloudGone:
        return None
    return held(
        parse_inventories(inventories), parse_traits(traits), allocations
    )


def read_allocations(ask: client.Client, uuid: str) -> Allocations:
    """Return who holds how much of a provider; CloudGone if it went."""
    path = f'/resource_providers/{uuid}/allocations'
    return parse_allocations(ask.get('placement', path, VERSION))
