# SPDX-License-Identifier: Apache-2.0
"""Clearance: why the next move of a recommendation may not begin now.

Asked just before each move, with the cluster as it was told after the
question. Whoever moves instances must find out himself what Nova would
refuse, and what people do not want any more.
"""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from kvm_insight.model import cluster, control, recommendation
from kvm_insight.recommend import (
    confirmation,
    filters,
    limits,
    orders,
    ruling,
    standing,
)

Recommendation = recommendation.Recommendation

_US = 1_000_000


def refusals(
    one: Recommendation,
    number: int,
    whole: cluster.Cluster,
    said: Iterable[control.Order],
    bounds: limits.Limits,
    now_us: int,
) -> list[str]:
    """Return why the moves from this one on may not be carried out."""
    age_s = (now_us - whole.time_us) // _US
    if bounds.cluster_age_s and age_s > bounds.cluster_age_s:
        return [f'what is known of the cluster is {age_s} s old']
    left = msgspec.structs.replace(one, moves=one.moves[number:])
    found = confirmation.refusals(whole, {one.id: left}, bounds.rules)
    word = standing.forbidden(left, ruling.of(said, whole, now_us), now_us)
    return [
        *([word] if word is not None else []),
        *_fixed(left.moves[:1], whole),
        *found.get(one.id, []),
    ]


def unmeasured(move: recommendation.Move, fresh: Collection[str]) -> list[str]:
    """Return of which of its hosts there is no fresh report."""
    return [
        f'there is no fresh report of {name}'
        for name in (move.source, move.destination)
        if name not in fresh
    ]


def _fixed(
    moves: Iterable[recommendation.Move], whole: cluster.Cluster
) -> Iterator[str]:
    hosts = {one.name: one for one in whole.hosts}
    instances = {one.uuid: one for one in whole.instances}
    for move in moves:
        one, source = instances.get(move.instance), hosts.get(move.source)
        if source is not None and not source.up:
            yield f'{move.source}: {filters.DOWN}'
        if one is not None and (one.opted_out or _stays(one)):
            yield f'{move.name or move.instance} is never to be moved'


def _stays(one: cluster.Instance) -> bool:
    specs = one.flavor.extra_specs if one.flavor is not None else {}
    return specs.get(orders.MOVABLE, '').lower() in ('false', 'no', '0')
