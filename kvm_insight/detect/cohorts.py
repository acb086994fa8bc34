# SPDX-License-Identifier: Apache-2.0
"""Cohorts: what is usual for instances that are alike, wherever they are.

A planner publishes it each hour. When a detector takes it up is told by the
times of samples alone, and late enough for it to be on the bus by then: so a
replay takes up the same before the same sample.
"""

from collections.abc import Iterable

from kvm_insight.model import codec, inventory, sample, usage

_MINUTE_US = 60_000_000
#: So long after its last hour it counts.
SETTLED_US = 15 * _MINUTE_US
#: So often a detector takes up what is new.
EVERY_US = 30 * _MINUTE_US
#: From then on it says nothing of now.
STALE_US = 24 * usage.HOUR_US
#: Fewer hosts do not tell what is usual elsewhere.
_LEAST_HOSTS = 2
#: Hours of each that are kept, for samples that come late.
_KEPT = 3


class Cohorts:
    """Holds what was published last of each flavor and server group."""

    def __init__(self) -> None:
        self._cohorts: dict[str, list[inventory.Cohort]] = {}
        self._members: dict[str, list[str]] = {}
        #: UUID -> the key of its server group.
        self._group_of: dict[str, str] = {}

    def take(self, key: str | None, value: bytes | None) -> None:
        """Take a record of the inventory; raise CodecError for a broken one.

        What does not tell of cohorts is passed over.
        """
        if value is None or not inventory.tells_of_cohorts(key):
            return
        if codec.schema_of(value) == inventory.GROUP_SCHEMA:
            group = codec.decode(value, inventory.GroupFacts)
            self._join(inventory.key(group), group.members)
            self._keep(inventory.key(group), group.cohort)
        else:
            flavor = codec.decode(value, inventory.FlavorFacts)
            self._keep(inventory.key(flavor), flavor.cohort)

    def usual(
        self, domain: sample.Domain, time_us: int
    ) -> inventory.Cohort | None:
        """Return what is usual for those like it: of its server group, whose
        members do the same work, else of its flavor."""
        flavor = domain.identity.flavor
        keys = [self._group_of.get(domain.uuid)]
        if flavor is not None and flavor.name is not None:
            keys.append(f'flavor/{flavor.name}')
        for key in keys:
            for one in reversed(self._cohorts.get(key or '', [])):
                if holds(one, time_us) and one.hosts >= _LEAST_HOSTS:
                    return one
        return None

    def _join(self, key: str, members: Iterable[str]) -> None:
        for uuid in self._members.get(key, ()):
            if self._group_of.get(uuid) == key:
                del self._group_of[uuid]
        self._members[key] = list(members)
        self._group_of |= dict.fromkeys(self._members[key], key)

    def _keep(self, key: str, fresh: inventory.Cohort | None) -> None:
        """Keep the newest hours; of the same hour what came last."""
        if fresh is None:
            return
        kept = [
            one
            for one in self._cohorts.get(key, [])
            if one.until_us != fresh.until_us
        ]
        kept = sorted([*kept, fresh], key=lambda one: one.until_us)
        self._cohorts[key] = kept[-_KEPT:]


def holds(one: inventory.Cohort, time_us: int) -> bool:
    """Say whether it counts at this time."""
    return SETTLED_US <= time_us - one.until_us < STALE_US


def due(last_us: int | None, time_us: int) -> bool:
    """Say whether it is time to take up what is new, with this sample."""
    if last_us is None:
        return True
    return (last_us - SETTLED_US) // EVERY_US != (
        time_us - SETTLED_US
    ) // EVERY_US
