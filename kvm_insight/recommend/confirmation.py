# SPDX-License-Identifier: Apache-2.0
"""Confirmation: one more look at what is to be said for the first time.

Between the state that a plan was made from and the moment at which it is
told, others act, too. What is not valid any more is not told.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import msgspec

from kvm_insight import exception
from kvm_insight.model import cluster, recommendation, vitals
from kvm_insight.recommend import limits, settings, standing, turn, validity

Recommendation = recommendation.Recommendation

#: Returns the cluster as it was told after the call, waiting for that a
#: little; is given the hosts that count.
Confirm = Callable[[frozenset[str]], cluster.Cluster]

_MOBILE = ('active', 'paused')


def confirmed(
    said: turn.Said,
    known: Mapping[str, Recommendation],
    rules: limits.Limits,
    confirm: Confirm | None,
) -> tuple[turn.Said, dict[str, list[str]]]:
    """Return what may be said, and id -> why some may not.

    What is not confirmed in time is not said; without ``confirm`` all is.
    """
    new = unsaid(said, known)
    if not new or confirm is None:
        return said, {}
    try:
        whole = confirm(standing.touched(new.values()))
    except exception.KvmInsightError as why:
        left = struck(said, new, known, {})
        reasons = [*left.reasons, f'not confirmed: {why}']
        lacks: frozenset[vitals.Lack] = frozenset(['not_confirmed'])
        left = dataclasses.replace(left, reasons=reasons, lacks=lacks)
        return left, {}
    refused = refusals(whole, new, rules.rules)
    return struck(said, refused, known, refused), refused


def unsaid(
    said: turn.Said, known: Mapping[str, Recommendation]
) -> dict[str, Recommendation]:
    """Return what would be told for the first time, or for longer."""
    found = {}
    for one in said.recommendations:
        before = known.get(one.id)
        if one.state in ('proposed', 'approved') and (
            before is None or before.expires_us != one.expires_us
        ):
            found[one.id] = one
    return found


def refusals(
    whole: cluster.Cluster,
    new: Mapping[str, Recommendation],
    rules: settings.Settings,
) -> dict[str, list[str]]:
    """Return id -> why it cannot be carried out as the cluster is now."""
    chains = {name: one.moves for name, one in new.items()}
    found = validity.check_each(whole, chains, rules)
    instances = {one.uuid: one for one in whole.instances}
    running = [one for one in whole.migrations if one.state == 'running']
    for name, moves in chains.items():
        found[name] = [
            *found[name],
            *(x for move in moves for x in _busy(move, instances, running)),
        ]
    return {name: words for name, words in found.items() if words}


def struck(
    said: turn.Said,
    names: Collection[str],
    known: Mapping[str, Recommendation],
    why: Mapping[str, list[str]],
) -> turn.Said:
    """Return what is left to say without these. What was told before, and
    would have been told for longer, is withdrawn."""
    left = [one for one in said.recommendations if one.id not in names]
    for name in sorted(names):
        before = known.get(name)
        if before is not None and standing.is_open(before) and name in why:
            reason = f'it is not valid any more: {"; ".join(why[name])}'
            left.append(
                msgspec.structs.replace(
                    before, state='withdrawn', state_reason=reason[:1024]
                )
            )
    return dataclasses.replace(said, recommendations=left)


def _busy(
    move: recommendation.Move,
    instances: Mapping[str, cluster.Instance],
    running: Iterable[cluster.Migration],
) -> Iterator[str]:
    who = move.name or move.instance
    one = instances.get(move.instance)
    if one is None:
        return
    if one.task is not None:
        yield f'{who} has a task under way ({one.task})'
    if one.state not in _MOBILE:
        yield f'{who} is {one.state}'
    if one.immobile is not None:
        yield f'{who} cannot be live-migrated: {one.immobile}'
    if not one.live_migratable:
        yield f'Nova cannot live-migrate {who}'
    for other in running:
        if other.source == move.source:
            yield f'an instance is migrating away from {move.source}'
        if other.destination == move.destination:
            yield f'an instance is migrating to {move.destination}'
