# SPDX-License-Identifier: Apache-2.0
"""What is there to simulate: hosts, their guests, services and devices.

Times are seconds since the simulation began. A guest that reboots, comes
back or is resized is there twice, with one UUID, two epochs and lives that
do not overlap.
"""

import dataclasses
import hashlib
import math
from collections.abc import Sequence

GIB = 1 << 30
#: Weight of a cgroup that says none.
WEIGHT = 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One domain during one life of its QEMU process."""

    name: str
    uuid: str
    #: The CPUs on which each of its vCPUs may run.
    cpus: tuple[frozenset[int], ...]
    project: str = 'blue'
    flavor: str = 'm1.small'
    memory_bytes: int = 2 * GIB
    weight: int = WEIGHT
    quota_cores: float | None = None
    starts_s: float = 0.0
    ends_s: float = math.inf
    #: When each vCPU was plugged in; empty: all at the start.
    plugged_s: tuple[float, ...] = ()
    epoch: str = '1000.1'
    #: Cores for which it polls while idle; counted as run time by the kernel.
    polls: float = 0.0
    #: Its limit on the host's disk, and how large its requests are there
    #: (drawn where it is not said).
    disk_requests_s: int | None = None
    request_bytes: int | None = None

    @property
    def vcpus(self) -> int:
        """Return how many vCPUs it has in the end."""
        return len(self.cpus)

    def plugged(self, vcpu: int) -> float:
        """Return from when on it has this vCPU."""
        return self.plugged_s[vcpu] if self.plugged_s else self.starts_s


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A group of processes of the host itself."""

    name: str
    threads: int
    cpus: frozenset[int]
    weight: int = WEIGHT


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A block device of the host."""

    name: str
    requests_s: float = 20_000.0
    bytes_s: float = 500e6
    #: What a request takes when there is no other.
    latency_us: float = 400.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """A network device of the host, and what its packet path can do."""

    name: str
    packets_s: float = 800_000.0
    bits_s: float = 10e9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One compute node."""

    name: str
    cpus: int
    guests: tuple[Guest, ...]
    services: tuple[Service, ...] = ()
    #: The CPUs of each NUMA node.
    nodes: tuple[frozenset[int], ...] = ()
    memory_bytes: int = 64 * GIB
    swap_bytes: int = 8 * GIB
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()

    @property
    def entities(self) -> int:
        """Return how many rows a load of this host has: guests first."""
        return len(self.guests) + len(self.services)

    def places(self) -> list[tuple[frozenset[int], ...]]:
        """Return each entity's threads by the CPUs that they may use."""
        guests = [guest.cpus for guest in self.guests]
        services = [(one.cpus,) * one.threads for one in self.services]
        return guests + services

    def weights(self) -> list[int]:
        """Return each entity's weight."""
        both: Sequence[Guest | Service] = (*self.guests, *self.services)
        return [one.weight for one in both]


def uuid_of(seed: int, name: str) -> str:
    """Return a UUID that is the same in each run."""
    text = hashlib.sha256(f'{seed}/{name}'.encode()).hexdigest()
    parts = text[:8], text[8:12], text[12:16], text[16:20], text[20:32]
    return '-'.join(parts)


def nodes(cpus: int) -> tuple[frozenset[int], ...]:
    """Return usual NUMA nodes for so many CPUs."""
    count = 4 if cpus >= 64 else 2 if cpus >= 4 else 1
    size = cpus // count
    ends = [*range(size, size * count, size), cpus]
    begins = [0, *ends[:-1]]
    return tuple(
        frozenset(range(begin, end))
        for begin, end in zip(begins, ends, strict=True)
    )


def entitled(host: Host, at_s: float | None = None) -> list[float]:
    """Return the cores that are each entity's by right: the least of its
    vCPUs, its quota and its weight's part of its CPUs.

    Of those who are there at that time, or of all; 0 for one who is not.
    """
    here = [at_s is None or g.starts_s <= at_s < g.ends_s for g in host.guests]
    here += [True] * len(host.services)
    weights = [
        weight if there else 0
        for weight, there in zip(host.weights(), here, strict=True)
    ]
    places = [frozenset().union(*threads) for threads in host.places()]
    total = [0] * host.cpus
    for cpus, weight in zip(places, weights, strict=True):
        for cpu in cpus:
            total[cpu] += weight
    quotas = [g.quota_cores or math.inf for g in host.guests]
    quotas += [math.inf] * len(host.services)
    return [
        min(
            sum(weight / total[cpu] for cpu in cpus if weight),
            float(len(threads)),
            quota,
        )
        for cpus, weight, threads, quota in zip(
            places, weights, host.places(), quotas, strict=True
        )
    ]
