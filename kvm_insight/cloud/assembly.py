# SPDX-License-Identifier: Apache-2.0
"""Assembly: what Nova, Placement and Keystone said, as one cluster."""

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import msgspec

from kvm_insight.cloud import known, nova, placement, settings
from kvm_insight.model import cluster, sample

State = Literal['active', 'paused', 'stopped', 'other']
Name = Callable[[str], str]

_STATES: dict[str | None, State] = {
    'active': 'active',
    'paused': 'paused',
    'stopped': 'stopped',
}
_MIB = 1024**2
_GIB = 1024**3
#: ``finished`` waits for somebody to confirm a resize: nothing moves any more.
_DONE = {'completed', 'confirmed', 'done', 'finished'}
_FAILED = {'failed', 'error', 'cancelled', 'reverted', 'rejected'}
_POLICIES = {
    'affinity',
    'anti-affinity',
    'soft-affinity',
    'soft-anti-affinity',
}
#: What an operator writes as the reason when a host is to be emptied.
_MAINTENANCE = 'maintenance'
_IRONIC = 'ironic'
_NOBODY: Mapping[str, str] = {}
_NO_HOLDING = placement.Holding({}, [], {})


def assembled(
    all_: known.Known,
    cpu_mode: settings.CpuMode,
    region: str | None,
    users: Mapping[str, str] = _NOBODY,
) -> cluster.Cluster:
    """Return the cluster; hosts are region/host where a region is given.

    ``cpu_mode`` is what Nova's hosts are set to: no server tells its own.
    """

    def named(host: str) -> str:
        return settings.named(host, region)

    nodes = [one for one in all_.hypervisors if one.hypervisor_type != _IRONIC]
    return cluster.Cluster(
        time_us=all_.time_us,
        hosts=list(_hosts(all_, nodes, named)),
        instances=list(_instances(all_, nodes, named, cpu_mode)),
        server_groups=[
            cluster.ServerGroup(
                id=one.id,
                name=one.name,
                policy=one.policy,  # type: ignore[arg-type]
                max_server_per_host=one.rules.max_server_per_host,
            )
            for one in all_.groups
            if one.policy in _POLICIES
        ],
        aggregates=[
            cluster.Aggregate(
                id=str(one.id), name=one.name, metadata=one.metadata
            )
            for one in all_.aggregates
        ],
        migrations=list(_migrations(all_, named)),
        projects=all_.projects,
        users=dict(users),
    )


def _hosts(
    all_: known.Known, nodes: list[nova.Hypervisor], named: Name
) -> Iterator[cluster.Host]:
    services = {one.host: one for one in all_.services}
    inside: dict[str, list[nova.Aggregate]] = {}
    for aggregate in all_.aggregates:
        for host in aggregate.hosts:
            inside.setdefault(host, []).append(aggregate)
    for node in nodes:
        host = node.service.host
        held = all_.holdings.get(node.id, _NO_HOLDING)
        service = services.get(host)
        aggregates = inside.get(host, [])
        yield cluster.Host(
            name=named(host),
            provider=node.id,
            inventories=dict(held.inventories),
            traits=held.traits,
            aggregates=[str(one.id) for one in aggregates],
            availability_zone=_zone(all_, service, node.id, aggregates),
            enabled=service is not None and service.status == 'enabled',
            up=_is_up(service),
            maintenance=_in_maintenance(service),
            cpu=_cpu(node),
            hypervisor_version=node.hypervisor_version,
        )


def _zone(
    all_: known.Known,
    service: nova.Service | None,
    provider: str,
    aggregates: list[nova.Aggregate],
) -> str | None:
    """Return a host's zone, where Placement knows it too: Nova asks that
    one for hosts in a zone."""
    for one in aggregates:
        members = all_.zoned.get(one.uuid)
        if members is not None and provider not in members:
            return None
    return service.zone if service is not None else None


def _is_up(service: nova.Service | None) -> bool:
    return (
        service is not None
        and service.state == 'up'
        and not service.forced_down
    )


def _in_maintenance(service: nova.Service | None) -> bool:
    if service is None or service.status == 'enabled':
        return False
    return _MAINTENANCE in (service.disabled_reason or '').lower()


def _cpu(node: nova.Hypervisor) -> cluster.HostCpu | None:
    told = nova.parse_cpu(node)
    if told is None:
        return None
    return cluster.HostCpu(
        model=told.model,
        features=sorted(told.features),
        architecture=told.arch,
    )


def _instances(
    all_: known.Known,
    nodes: list[nova.Hypervisor],
    named: Name,
    cpu_mode: settings.CpuMode,
) -> Iterator[cluster.Instance]:
    held: dict[str, dict[str, int]] = {}
    for node in nodes:
        holding = all_.holdings.get(node.id, _NO_HOLDING)
        for consumer, resources in holding.allocations.items():
            held.setdefault(consumer, {}).update(resources)
    groups = {
        uuid: one.id
        for one in all_.groups
        if one.policy in _POLICIES
        for uuid in one.members
    }
    for server in all_.servers.values():
        if server.host and server.flavor is not None:
            yield _instance(
                server,
                server.flavor,
                all_,
                named(server.host),
                held.get(server.id),
                groups.get(server.id),
                cpu_mode,
            )


def _instance(
    one: nova.Server,
    flavor: nova.Flavor,
    all_: known.Known,
    host: str,
    held: dict[str, int] | None,
    group: str | None,
    cpu_mode: settings.CpuMode,
) -> cluster.Instance:
    specs = flavor.extra_specs or {}
    resources = held if held is not None else _asked(flavor)
    return cluster.Instance(
        uuid=one.id,
        host=host,
        name=one.name,
        project_id=one.tenant_id,
        user_id=one.user_id,
        resources=resources,
        flavor=sample.Flavor(
            name=flavor.original_name,
            flavor_id=all_.flavors.get(flavor.original_name),
            vcpus=flavor.vcpus,
            memory_bytes=flavor.ram * _MIB,
            disk_bytes=flavor.disk * _GIB,
            extra_specs=specs,
        ),
        image=_properties(one.image),
        availability_zone=_asked_zone(one),
        server_group=group,
        state=_STATES.get(one.vm_state, 'other'),
        task=one.task_state,
        # Nova moves nobody of whom Placement knows nothing.
        live_migratable=held is not None and one.id not in all_.nested,
        cpu_mode=cpu_mode,
        pci=_devices(specs.get('pci_passthrough:alias', '')),
        memory_bytes=flavor.ram * _MIB,
        local_disk_bytes=resources.get('DISK_GB', 0) * _GIB,
    )


def _asked(flavor: nova.Flavor) -> dict[str, int]:
    return {
        'VCPU': flavor.vcpus,
        'MEMORY_MB': flavor.ram,
        'DISK_GB': flavor.disk + flavor.ephemeral,
    }


def _asked_zone(one: nova.Server) -> str | None:
    """Return the zone that was asked for. An older Nova does not tell: then
    it must stay in the one where it is."""
    if one.pinned_zone is msgspec.UNSET:
        return one.zone
    return one.pinned_zone


def _properties(image: nova.Image | str | None) -> dict[str, str]:
    if not isinstance(image, nova.Image) or image.properties is None:
        return {}
    return {
        name: value if isinstance(value, str) else _text(value)
        for name, value in image.properties.items()
        if value is not None
    }


def _text(value: object) -> str:
    """Return a property as it was written: Nova reads some as JSON."""
    if isinstance(value, list):
        return ','.join(map(str, value))
    return str(value)


def _devices(aliases: str) -> dict[str, int]:
    """Return alias -> count, of words such as ``gpu:1,nic:2``."""
    found: dict[str, int] = {}
    for word in filter(None, aliases.replace(' ', '').split(',')):
        name, _, count = word.partition(':')
        found[name] = found.get(name, 0) + int(count or 1)
    return found


def _migrations(all_: known.Known, named: Name) -> Iterator[cluster.Migration]:
    for one in all_.migrations.values():
        source, destination = one.source_compute, one.dest_compute
        if not source:
            # A migration without one is refused when it is read.
            continue
        state: Literal['running', 'done', 'failed'] = 'running'
        if one.status in _DONE:
            state = 'done'
        elif one.status in _FAILED:
            state = 'failed'
        ended = one.updated_at or one.created_at
        yield cluster.Migration(
            instance=one.instance_uuid,
            source=named(source),
            # The scheduler has not chosen yet.
            destination=named(destination or source),
            state=state,
            started_us=time_us(one.created_at),
            ended_us=None if state == 'running' else time_us(ended),
        )


def time_us(text: str) -> int:
    """Return an instant as Nova writes it, in UTC; 0 for none."""
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        return 0
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return max(0, int(when.timestamp() * 1_000_000))
