# SPDX-License-Identifier: Apache-2.0
"""Places: where each domain is, by what the hosts say, who may contradict
each other."""

import dataclasses
from collections.abc import Collection, Mapping

from kvm_insight.model import host_report

_RUNNING = ('running', 'blocked')


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where one domain is."""

    #: As the host says on which it runs.
    seen: host_report.Instance
    host: str
    #: Where it is held, this one among them: several while it migrates, or
    #: where two say that it runs there.
    hosts: tuple[str, ...]


def found(
    reports: Mapping[str, host_report.HostReport], fresh: Collection[str]
) -> dict[str, Place]:
    """Return UUID -> place.

    A host that is silent is only believed where no other one has it: it may
    have died, and its domain was started elsewhere.
    """
    claims: dict[str, list[tuple[str, host_report.Instance]]] = {}
    for name in sorted(reports):
        for one in reports[name].instances:
            claims.setdefault(one.uuid, []).append((name, one))
    return {
        uuid: _place(made, reports, fresh)
        for uuid, made in sorted(claims.items())
    }


def _place(
    claims: list[tuple[str, host_report.Instance]],
    reports: Mapping[str, host_report.HostReport],
    fresh: Collection[str],
) -> Place:
    counted = [one for one in claims if one[0] in fresh]
    if not counted:
        # Nobody knows better: the one who told of it last.
        counted = [max(claims, key=lambda one: reports[one[0]].time_us)]
    # Sorting is stable: among equals the first by name.
    counted.sort(key=lambda one: one[1].state not in _RUNNING)
    name, seen = counted[0]
    return Place(seen, name, tuple(each for each, _ in counted))
