# SPDX-License-Identifier: Apache-2.0
"""Facts: what others should know of the cloud, and what is not so any more.

A host's record has the names of its instances: an instance that is renamed
or moves changes a record that is there anyway, and one that goes leaves none
behind.
"""

from collections.abc import Iterator

from kvm_insight.model import cluster, execution, inventory
from kvm_insight.recommend import cohort, world

_KINDS = (
    'host/',
    'project/',
    'user/',
    'group/',
    'flavor/',
    'outlook/',
    'aggregate/',
    execution.PREFIX,
)


def new(
    whole: cluster.Cluster, seen: world.World, hour_is_new: bool
) -> list[inventory.Facts]:
    """Return what was not told yet.

    What is usual is only worked out when there is a new hour of use.
    """
    found: list[inventory.Facts] = [*_hosts(whole), *_projects(whole)]
    found += _users(whole)
    found += _groups(whole, seen, hour_is_new)
    found += _flavors(whole, seen, hour_is_new)
    if hour_is_new:
        found += seen.host_hours.advices(whole)
    return [one for one in found if seen.facts.get(inventory.key(one)) != one]


def gone(whole: cluster.Cluster, seen: world.World) -> list[str]:
    """Return the keys of what was told and is not there any more."""
    there = {*_named(whole), *_watched(whole, seen)}
    return sorted(
        key
        for key in seen.facts
        if key.startswith(_KINDS) and key not in there
    )


def _named(whole: cluster.Cluster) -> Iterator[str]:
    """Yield the keys of what the cloud has."""
    yield from (f'host/{one.name}' for one in whole.hosts)
    yield from (f'project/{name}' for name in whole.projects)
    # A planner that has just begun knows few names, or none while Keystone
    # is away: what another one told stays while there is an instance of it.
    for one in whole.instances:
        yield f'project/{one.project_id}'
        yield f'user/{one.user_id}'
        if one.flavor is not None:
            yield f'flavor/{one.flavor.name}'
    yield from (f'group/{one.id}' for one in whole.server_groups)
    yield from (f'aggregate/{one.id}' for one in whole.aggregates)


def _watched(whole: cluster.Cluster, seen: world.World) -> Iterator[str]:
    """Yield the keys of what was measured or recommended."""
    # What is usual for a flavor comes from those who are gone, too.
    yield from (f'flavor/{past.flavor}' for _, past in seen.history.pasts())
    yield from (f'outlook/{name}' for name in seen.reports)
    yield from (f'outlook/{one.name}' for one in whole.hosts)
    yield from (f'{execution.PREFIX}{name}' for name in seen.known)


def _hosts(whole: cluster.Cluster) -> Iterator[inventory.HostFacts]:
    named = {one.id: one.name or one.id for one in whole.aggregates}
    names: dict[str, dict[str, str]] = {}
    for instance in whole.instances:
        if instance.name is not None:
            names.setdefault(instance.host, {})[instance.uuid] = instance.name
    for one in whole.hosts:
        yield inventory.HostFacts(
            host=one.name,
            provider=one.provider,
            availability_zone=one.availability_zone,
            aggregates=[named.get(name, name) for name in one.aggregates],
            enabled=one.enabled,
            maintenance=one.maintenance,
            instances=dict(sorted(names.get(one.name, {}).items())),
        )


def _projects(whole: cluster.Cluster) -> Iterator[inventory.ProjectFacts]:
    for project, name in sorted(whole.projects.items()):
        yield inventory.ProjectFacts(project_id=project, name=name)


def _users(whole: cluster.Cluster) -> Iterator[inventory.UserFacts]:
    for user, name in sorted(whole.users.items()):
        yield inventory.UserFacts(user_id=user, name=name)


def _groups(
    whole: cluster.Cluster, seen: world.World, hour_is_new: bool
) -> Iterator[inventory.GroupFacts]:
    members = cohort.members_of(whole)
    usual = cohort.of_groups(seen.history, whole) if hour_is_new else None
    for one in whole.server_groups:
        told = seen.facts.get(f'group/{one.id}')
        before = (
            told.cohort if isinstance(told, inventory.GroupFacts) else None
        )
        yield inventory.GroupFacts(
            group=one.id,
            policy=one.policy,
            name=one.name,
            members=sorted(members.get(one.id, ())),
            cohort=before if usual is None else usual.get(one.id),
        )


def _flavors(
    whole: cluster.Cluster, seen: world.World, hour_is_new: bool
) -> Iterator[inventory.FlavorFacts]:
    specs = {
        one.flavor.name: one.flavor.extra_specs
        for one in whole.instances
        if one.flavor is not None and one.flavor.name is not None
    }
    usual = cohort.of_flavors(seen.history) if hour_is_new else None
    for name in sorted({*specs, *(usual or ())}):
        told = seen.facts.get(f'flavor/{name}')
        before = (
            told.cohort if isinstance(told, inventory.FlavorFacts) else None
        )
        yield inventory.FlavorFacts(
            flavor=name,
            extra_specs=specs.get(name, {}),
            cohort=before if usual is None else usual.get(name),
        )
