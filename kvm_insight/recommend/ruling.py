# SPDX-License-Identifier: Apache-2.0
"""Ruling: what people have said, as it holds at one instant."""

import dataclasses
from collections.abc import Iterable, Mapping

from kvm_insight.model import cluster, control
from kvm_insight.recommend import orders


@dataclasses.dataclass(frozen=True, slots=True)
class Ruling:
    """All of it."""

    #: For the search.
    said: orders.Orders
    #: Recommendation id -> who said so, and why.
    approved: Mapping[str, control.Order]
    rejected: Mapping[str, control.Order]


def of(
    said: Iterable[control.Order], whole: cluster.Cluster, now_us: int
) -> Ruling:
    """Return what holds now of all that was said."""
    force = [one for one in said if control.holds(one, now_us)]

    def subjects(kind: control.Kind, *about: control.Subject) -> set[str]:
        return {
            one.subject
            for one in force
            if one.kind == kind and one.about in about
        }

    muted = subjects('mute', 'host', 'instance')
    silent = subjects('mute', 'project')
    muted |= {x.uuid for x in whole.instances if x.project_id in silent}
    return Ruling(
        orders.Orders(
            opted_out=frozenset(subjects('opt_out', 'instance', 'project')),
            muted=frozenset(muted),
            blackouts=tuple(
                _blackout(one, whole, now_us)
                for one in force
                if one.kind == 'blackout'
            ),
        ),
        _decisions(force, 'approval'),
        _decisions(force, 'rejection'),
    )


def _blackout(
    one: control.Order, whole: cluster.Cluster, now_us: int
) -> orders.Blackout:
    begins_us, ends_us = control.spell(one, now_us) or (0, 0)
    hosts: frozenset[str] | None = None
    if one.about == 'host':
        hosts = frozenset({one.subject})
    elif one.about == 'aggregate':
        known = {one.subject}
        known |= {x.id for x in whole.aggregates if x.name == one.subject}
        hosts = frozenset(
            host.name
            for host in whole.hosts
            if not known.isdisjoint(host.aggregates)
        )
    return orders.Blackout(begins_us, ends_us, hosts)


def _decisions(
    force: Iterable[control.Order], kind: control.Kind
) -> dict[str, control.Order]:
    return {
        one.subject: one
        for one in force
        if one.kind == kind and one.about == 'recommendation'
    }
