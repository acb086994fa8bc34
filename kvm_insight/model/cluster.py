# SPDX-License-Identifier: Apache-2.0
"""Cluster: what Placement and Nova say of all hosts, and what is measured.

Facts are as Placement and Nova have them, in their own units (``VCPU``,
``MEMORY_MB``, ``DISK_GB``); what we measured is in cores, bytes and µs.
``None`` means *not known*, never zero: where a constraint needs a fact that is
not known, the move is refused and says so. A cluster may be read from a file
(``read``); ``recommend.sanity`` says what in it contradicts itself.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import codec, finding, sample

SCHEMA = 'kvm_insight.cluster/1'
#: A cluster of 1,000 hosts and 30,000 instances has some 30 MB.
LARGEST = 512 * 1024 * 1024

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
#: Cores' worth of CPU time per second.
Cores = Annotated[float, msgspec.Meta(ge=0.0)]
#: Placement's resource class, for example ``VCPU`` or ``CUSTOM_LICENCE``.
ResourceClass = Annotated[str, msgspec.Meta(pattern=r'^[A-Z0-9_]{1,255}$')]
Trait = ResourceClass


class Inventory(sample.Wire, frozen=True, kw_only=True):
    """What a resource provider has of one resource class."""

    total: sample.Count
    reserved: sample.Count = 0
    allocation_ratio: Annotated[float, msgspec.Meta(gt=0.0)] = 1.0
    min_unit: sample.Count = 1
    #: What one instance may have at most; None is all of it.
    max_unit: sample.Count | None = None
    step_size: Annotated[int, msgspec.Meta(ge=1, le=sample.LIMIT)] = 1
    #: What Placement says is allocated, migrations and consumers that are
    #: no instances among it; None is the sum over instances and migrations.
    used: sample.Count | None = None


class HugePages(sample.Wire, frozen=True, kw_only=True):
    """Pages of one size on one NUMA cell."""

    size_kib: sample.Count
    total: sample.Count
    free: sample.Count


class NumaCell(sample.Wire, frozen=True, kw_only=True):
    """One NUMA cell as Nova's host topology has it.

    What is free is free with all present instances in place.
    """

    index: sample.Count
    #: CPUs for pinned instances (``cpu_dedicated_set``).
    dedicated: sample.Count = 0
    dedicated_free: sample.Count = 0
    #: CPUs for floating instances (``cpu_shared_set``).
    shared: sample.Count = 0
    #: vCPUs of floating instances with a NUMA topology that lie here.
    shared_used: sample.Count = 0
    memory_bytes: sample.Count = 0
    #: Of ordinary 4 KiB pages; ``pages`` has what is larger.
    memory_free_bytes: sample.Count = 0
    pages: list[HugePages] = []


class PciPool(sample.Wire, frozen=True, kw_only=True):
    """Devices that are alike, by the aliases that they satisfy."""

    aliases: list[sample.Text]
    total: sample.Count
    free: sample.Count
    #: None where the device has no affinity.
    numa_cell: sample.Count | None = None


class HostCpu(sample.Wire, frozen=True, kw_only=True):
    """The host's CPU as libvirt's capabilities name it."""

    model: sample.Text
    features: list[sample.Text] = []
    architecture: sample.Text = 'x86_64'


class Peak(sample.Wire, frozen=True, kw_only=True):
    """What is expected to be wanted at most within the horizon."""

    horizon_s: sample.Count
    p50_cores: Cores
    p95_cores: Cores


class HostLoad(sample.Wire, frozen=True, kw_only=True):
    """What was measured on a host, over the last minutes."""

    time_us: sample.Count
    #: What domains can have, the host's own needs taken off.
    capacity_cores: Cores
    #: By all domains, and by the host itself.
    used_cores: Cores | None = None
    own_cores: Cores | None = None
    #: Core-seconds per second that domains waited and should not have.
    lost_cores: Cores = 0.0
    memory_bytes: sample.Count | None = None
    memory_used_bytes: sample.Count | None = None
    #: Of the sum over its domains, shortest horizon first.
    peaks: list[Peak] = []


class InstanceLoad(sample.Wire, frozen=True, kw_only=True):
    """What was measured of an instance, over the last minutes."""

    #: Run and wait together: what it wants.
    used_cores: Cores
    #: What it lost because of others, and what others lost because of it,
    #: as the open findings say.
    lost_cores: Cores = 0.0
    caused_cores: Cores = 0.0
    #: Of the open finding whose victim it is; ``unknown`` moves nothing.
    verdict: finding.Verdict | None = None
    #: Open findings in which it is victim or aggressor.
    findings: list[sample.Text] = []
    memory_used_bytes: sample.Count | None = None
    #: Follow it when it moves, shortest horizon first.
    peaks: list[Peak] = []


class Host(sample.Wire, frozen=True, kw_only=True):
    """One compute node, which is one root resource provider."""

    #: As Nova's ``host`` has it, with the region where there are several.
    name: Name
    #: The resource provider's UUID, Nova's ``compute_id``.
    provider: sample.Uuid | None = None
    inventories: dict[ResourceClass, Inventory] = {}
    traits: list[Trait] = []
    #: Ids of host aggregates (``Cluster.aggregates``).
    aggregates: list[Name] = []
    availability_zone: sample.Text | None = None
    enabled: bool = True
    up: bool = True
    #: To be emptied, or empty, for work on it.
    maintenance: bool = False
    cpu: HostCpu | None = None
    #: libvirt's number; a guest never moves to an older one.
    hypervisor_version: sample.Count | None = None
    numa: list[NumaCell] = []
    pci: list[PciPool] = []
    #: Shared storage that it can reach.
    storage: list[sample.Text] = []
    #: What domains find here, in the words of their ``needs``.
    offers: list[sample.Text] = []
    #: Nova's cell; nothing moves between cells.
    nova_cell: sample.Text | None = None
    load: HostLoad | None = None


class GuestCell(sample.Wire, frozen=True, kw_only=True):
    """One guest NUMA cell, and the host's cell where it lies."""

    host_cell: sample.Count
    vcpus: sample.Count
    memory_bytes: sample.Count


class Instance(sample.Wire, frozen=True, kw_only=True):
    """One instance, where it is and what it asks for."""

    uuid: sample.Uuid
    host: Name
    name: sample.Text | None = None
    project_id: sample.Text = 'unassigned'
    user_id: sample.Text | None = None
    #: Its allocation in Placement, all of it on the host's own provider.
    resources: dict[ResourceClass, sample.Count] = {}
    flavor: sample.Flavor | None = None
    #: The image's properties that Nova heeds (``hw_*``, ``trait:*``).
    image: dict[str, str] = {}
    #: The zone that was asked for; None where any would do.
    availability_zone: sample.Text | None = None
    server_group: Name | None = None
    state: Literal['active', 'paused', 'stopped', 'other'] = 'active'
    #: Nova's task state: whoever has a task is not touched.
    task: sample.Text | None = None
    #: False with what Nova does not move (passthrough, vTPM, ...).
    live_migratable: bool = True
    #: Why it cannot be live-migrated, where somebody knows.
    immobile: sample.Text | None = None
    #: What a host must offer, word for word; for who is not Nova's.
    needs: list[sample.Text] = []
    #: The operator's word, the project's, or the flavor's.
    opted_out: bool = False
    #: How libvirt was told to make its CPU; None where nobody knows.
    cpu_mode: (
        Literal['host-passthrough', 'host-model', 'custom', 'none'] | None
    ) = None
    cpu_features: list[sample.Text] = []
    #: Where its guest cells lie now; empty without a NUMA topology.
    numa: list[GuestCell] = []
    #: Alias -> devices, from the flavor and from ports.
    pci: dict[sample.Text, sample.Count] = {}
    #: Shared storage where its disks are; None for disks on the host.
    storage: sample.Text | None = None
    #: What a migration has to copy, once.
    memory_bytes: sample.Count = 0
    local_disk_bytes: sample.Count = 0
    dirty_rate_bytes_s: sample.Count | None = None
    load: InstanceLoad | None = None


class ServerGroup(sample.Wire, frozen=True, kw_only=True):
    """A server group; its members say that they are in it."""

    id: Name
    name: sample.Text | None = None
    policy: Literal[
        'affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'
    ]
    #: Of anti-affinity alone (Nova's rule since 2.64).
    max_server_per_host: Annotated[
        int, msgspec.Meta(ge=1, le=sample.LIMIT)
    ] = 1


class Aggregate(sample.Wire, frozen=True, kw_only=True):
    """A host aggregate; its hosts say that they are in it."""

    id: Name
    name: sample.Text | None = None
    metadata: dict[str, str] = {}


class Migration(sample.Wire, frozen=True, kw_only=True):
    """A migration as Nova lists it, under way or lately ended."""

    instance: sample.Uuid
    source: Name
    destination: Name
    state: Literal['running', 'done', 'failed'] = 'running'
    started_us: sample.Count = 0
    ended_us: sample.Count | None = None


class Cluster(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """All hosts between which instances could move, at one instant."""

    time_us: sample.Count
    hosts: list[Host] = []
    instances: list[Instance] = []
    server_groups: list[ServerGroup] = []
    aggregates: list[Aggregate] = []
    #: Under way, and those that ended within the last day or more.
    migrations: list[Migration] = []
    #: Id -> name, as far as Keystone told.
    projects: dict[sample.Text, sample.Text] = {}
    #: The same of those who own an instance.
    users: dict[sample.Text, sample.Text] = {}


def read(value: bytes) -> Cluster:
    """Return the cluster that a file holds; raise CodecError if none."""
    return codec.decode(value.strip(), Cluster, LARGEST)
