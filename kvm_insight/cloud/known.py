# SPDX-License-Identifier: Apache-2.0
"""Known: all that was read of a cloud, part by part."""

import dataclasses

from kvm_insight.cloud import nova, placement


@dataclasses.dataclass(slots=True)
class Known:
    """The newest of each part; a read makes a copy and changes that, so
    what others hold stays as it was."""

    #: When the last read that came to its end began.
    time_us: int
    #: When all was read anew.
    swept_us: int
    servers: dict[str, nova.Server]
    services: list[nova.Service]
    hypervisors: list[nova.Hypervisor]
    aggregates: list[nova.Aggregate]
    groups: list[nova.Group]
    migrations: dict[str, nova.Migration]
    #: Flavor name -> id, of those that can be chosen now.
    flavors: dict[str, str]
    #: The providers with nothing above them, when hypervisors were read.
    roots: frozenset[str]
    #: Provider's UUID -> what it has; the generation at which it was read.
    holdings: dict[str, placement.Holding]
    generations: dict[str, int]
    #: Aggregate's UUID -> providers that are in it for Placement, of those
    #: that are a zone.
    zoned: dict[str, frozenset[str]]
    #: Consumers that hold something on a provider below a compute node.
    nested: frozenset[str]
    #: Id -> name.
    projects: dict[str, str]
