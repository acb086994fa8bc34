# SPDX-License-Identifier: Apache-2.0
"""Entitlement: the cores that are a domain's by right, whoever else is busy.

The least of its vCPUs, its quota, and its weight's part of the CPUs that it
may use: over those, its own weight / the weights of all that may use it.
"""

import collections
import dataclasses
import functools
from collections.abc import Mapping

from kvm_insight.model import cpulist, sample

#: Weight of a cgroup that says none.
DEFAULT_WEIGHT = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where one domain may run, and how much."""

    #: The CPUs of each of its vCPUs.
    vcpus: tuple[frozenset[int], ...]
    cpus: frozenset[int]
    weight: int = DEFAULT_WEIGHT
    quota_cores: float | None = None

    def overlap(self, cpus: frozenset[int]) -> float:
        """Return the part of its load that falls on these CPUs."""
        return _overlap(self.vcpus, cpus)


@functools.lru_cache(maxsize=4096)
def _overlap(vcpus: tuple[frozenset[int], ...], cpus: frozenset[int]) -> float:
    if not vcpus:
        return 0.0
    parts = (len(own & cpus) / len(own) for own in vcpus if own)
    return sum(parts) / len(vcpus)


@functools.lru_cache(maxsize=4096)
def cpus_of(text: str | None) -> frozenset[int] | None:
    """Return the CPUs of a list; None for none, or one that is damaged."""
    if text is None:
        return None
    try:
        return cpulist.parse(text) or None
    except ValueError:
        return None


def place(domain: sample.Domain, online: frozenset[int]) -> Place:
    """Return where a domain may run; without affinity, on all CPUs."""
    affinities = tuple(
        vcpu.affinity
        for vcpu in domain.vcpus
        if vcpu.tid is not None or vcpu.run_us is not None
    )
    control = domain.cpu
    weight = control.weight if control and control.weight else None
    return _place(
        domain.affinity,
        affinities,
        online,
        weight or DEFAULT_WEIGHT,
        _quota(control, max(1, len(affinities))) if control else None,
    )


@functools.lru_cache(maxsize=4096)
def _place(
    affinity: str | None,
    affinities: tuple[str | None, ...],
    online: frozenset[int],
    weight: int,
    quota_cores: float | None,
) -> Place:
    whole = (cpus_of(affinity) or online) & online or online
    vcpus = tuple(
        (cpus_of(one) or whole) & online or whole for one in affinities
    ) or (whole,)
    return Place(vcpus, frozenset().union(*vcpus), weight, quota_cores)


def _quota(control: sample.CpuControl, vcpus: int) -> float | None:
    found = []
    if control.quota_us and control.period_us:
        found.append(control.quota_us / control.period_us)
    if control.vcpu_quota_us and control.vcpu_period_us:
        found.append(vcpus * control.vcpu_quota_us / control.vcpu_period_us)
    return min(found, default=None)


def cores(places: Mapping[str, Place]) -> dict[str, float]:
    """Return what each is entitled to, given all who are there."""
    # Most may run anywhere, and so have the same place.
    counts = collections.Counter(places.values())
    weights: dict[int, int] = {}
    for one, count in counts.items():
        for cpu in one.cpus:
            weights[cpu] = weights.get(cpu, 0) + one.weight * count
    least = {one: _least(one, weights) for one in counts}
    return {entity: least[one] for entity, one in places.items()}


def _least(one: Place, weights: Mapping[int, int]) -> float:
    parts = (one.weight / weights[cpu] for cpu in sorted(one.cpus))
    least = min(float(len(one.vcpus)), sum(parts))
    return least if one.quota_cores is None else min(least, one.quota_cores)
