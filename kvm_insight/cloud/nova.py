# SPDX-License-Identifier: Apache-2.0
"""What Nova's answers say: bytes in, values out.

Only what is needed is decoded; what Nova leaves out because a policy forbids
it is an error, since a plan without it would be wrong.
"""

from typing import TypeVar

import msgspec

from kvm_insight import exception
from kvm_insight.cloud import client

_Kind = TypeVar('_Kind')


class Flavor(client.Wire, frozen=True, kw_only=True):
    """The flavor as it is embedded in a server."""

    original_name: str
    vcpus: int
    #: MiB.
    ram: int
    #: GiB.
    disk: int = 0
    ephemeral: int = 0
    #: None where the policy forbids to see them.
    extra_specs: dict[str, str] | None = None


class Image(client.Wire, frozen=True, kw_only=True):
    """The image that a server was made from, with its properties."""

    id: str | None = None
    #: From 2.98 on; None where Nova does not tell.
    properties: dict[str, object] | None = None


class Server(client.Wire, frozen=True, kw_only=True):
    """One server; of one in a cell that is away there is only the id."""

    id: str
    status: str
    tenant_id: str
    user_id: str | None = None
    name: str | None = None
    flavor: Flavor | None = None
    #: An empty text where it was started from a volume.
    image: Image | str | None = None
    zone: str | None = msgspec.field(
        name='OS-EXT-AZ:availability_zone', default=None
    )
    #: What was asked for; from 2.96 on.
    pinned_zone: str | msgspec.UnsetType | None = msgspec.field(
        name='pinned_availability_zone', default=msgspec.UNSET
    )
    #: Unset where the policy forbids to see it; None where it is nowhere.
    host: str | msgspec.UnsetType | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:host', default=msgspec.UNSET
    )
    vm_state: str | None = msgspec.field(
        name='OS-EXT-STS:vm_state', default=None
    )
    task_state: str | None = msgspec.field(
        name='OS-EXT-STS:task_state', default=None
    )


class Service(client.Wire, frozen=True, kw_only=True):
    """One nova-compute."""

    host: str
    status: str
    zone: str | None = None
    state: str | None = None
    forced_down: bool = False
    disabled_reason: str | None = None


class ServiceOfNode(client.Wire, frozen=True, kw_only=True):
    """The nova-compute that a hypervisor belongs to."""

    host: str


class Hypervisor(client.Wire, frozen=True, kw_only=True):
    """One compute node; its id is its resource provider's."""

    id: str
    service: ServiceOfNode
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int | None = None
    #: Up to 2.87; some drivers tell none, or a text.
    cpu_info: msgspec.Raw = msgspec.Raw(b'null')


class CpuInfo(client.Wire, frozen=True, kw_only=True):
    """A host's CPU as libvirt's capabilities name it."""

    model: str
    arch: str
    features: list[str] = []


class Aggregate(client.Wire, frozen=True, kw_only=True):
    """A host aggregate."""

    id: int
    uuid: str
    name: str
    hosts: list[str] = []
    metadata: dict[str, str] = {}


class Rules(client.Wire, frozen=True, kw_only=True):
    """How strict a server group is."""

    max_server_per_host: int = 1


class Group(client.Wire, frozen=True, kw_only=True):
    """A server group with its members' ids."""

    id: str
    name: str | None = None
    policy: str | None = None
    rules: Rules = Rules()
    members: list[str] = []


class Migration(client.Wire, frozen=True, kw_only=True):
    """A migration of any type, under way or ended."""

    uuid: str
    instance_uuid: str
    status: str
    created_at: str
    #: Unset where the policy forbids to see it.
    source_compute: str | msgspec.UnsetType | None = msgspec.UNSET
    dest_compute: str | None = None
    updated_at: str | None = None


class NamedFlavor(client.Wire, frozen=True, kw_only=True):
    """A flavor that can be chosen now."""

    id: str
    name: str


class _Servers(client.Wire, frozen=True, kw_only=True):
    servers: list[Server]


class _Services(client.Wire, frozen=True, kw_only=True):
    services: list[Service]


class _Hypervisors(client.Wire, frozen=True, kw_only=True):
    hypervisors: list[Hypervisor]


class _Aggregates(client.Wire, frozen=True, kw_only=True):
    aggregates: list[Aggregate]


class _Groups(client.Wire, frozen=True, kw_only=True):
    server_groups: list[Group]


class _Migrations(client.Wire, frozen=True, kw_only=True):
    migrations: list[Migration]


class _Flavors(client.Wire, frozen=True, kw_only=True):
    flavors: list[NamedFlavor]


def parse_servers(value: bytes) -> list[Server]:
    """Return a page of servers; CloudError if it lacks what we need."""
    found = _decoded(value, _Servers).servers
    for one in found:
        if one.status == 'DELETED':
            continue
        if one.flavor is None or one.vm_state is None:
            # Nova lists so what is in a cell that does not answer.
            raise exception.CloudUnavailable(
                f'Nova tells next to nothing of server {one.id}: one of its'
                ' cells does not answer, or a policy hides its state'
            )
        if one.host is msgspec.UNSET:
            raise hidden('on which host a server is', 'server attributes')
        if one.flavor.extra_specs is None:
            raise hidden("flavors' extra specs", 'flavor extra specs')
    return found


def parse_services(value: bytes) -> list[Service]:
    """Return all nova-computes."""
    return _decoded(value, _Services).services


def parse_hypervisors(value: bytes) -> list[Hypervisor]:
    """Return a page of compute nodes."""
    return _decoded(value, _Hypervisors).hypervisors


def parse_cpu(one: Hypervisor) -> CpuInfo | None:
    """Return what is known of a host's CPU; None where nothing is."""
    try:
        return msgspec.json.decode(one.cpu_info, type=CpuInfo)
    except msgspec.DecodeError:
        return None


def parse_aggregates(value: bytes) -> list[Aggregate]:
    """Return all host aggregates."""
    return _decoded(value, _Aggregates).aggregates


def parse_groups(value: bytes) -> list[Group]:
    """Return a page of server groups."""
    return _decoded(value, _Groups).server_groups


def parse_migrations(value: bytes) -> list[Migration]:
    """Return a page of migrations."""
    found = _decoded(value, _Migrations).migrations
    if any(not one.source_compute for one in found):
        raise hidden("migrations' hosts", 'migrations with their hosts')
    return found


def parse_flavors(value: bytes) -> list[NamedFlavor]:
    """Return a page of flavors."""
    return _decoded(value, _Flavors).flavors


def hidden(what: str, policy: str) -> exception.CloudRefused:
    """Return the error for what a policy leaves out without a word."""
    return exception.CloudRefused(
        f'Nova does not tell {what}: our role may not see {policy}; see the'
        ' policy files that come with kvm_insight'
    )


def _decoded(value: bytes, kind: type[_Kind]) -> _Kind:
    return client.decoded('compute', value, kind)
