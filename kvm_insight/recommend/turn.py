# SPDX-License-Identifier: Apache-2.0
"""Turn: one cycle of the planner, from what it read to what it has to say.

A function of its arguments: two planners that read the same say the same.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy

from kvm_insight.model import cluster, mark, recommendation, vitals
from kvm_insight.recommend import (
    dirty,
    marks,
    overlay,
    planning,
    ruling,
    standing,
    validity,
    world,
)
from kvm_insight.recommend import limits as limits_

Peaks = overlay.Peaks

_US = 1_000_000
#: The same dice each time: a plan must not flicker.
_SEED = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What a turn has to say."""

    #: Those that are new or have changed.
    recommendations: list[recommendation.Recommendation]
    #: Why nothing was planned.
    reasons: list[str]
    hosts: int
    fresh_hosts: int
    #: Hosts that would need it and got no plan, with the reasons.
    stays: list[planning.Stay]
    #: What is to be asked of others.
    asks: dirty.Asks = dataclasses.field(default_factory=dict)
    #: The reasons in a word each.
    lacks: frozenset[vitals.Lack] = frozenset()


def taken(
    whole: cluster.Cluster | None,
    seen: world.World,
    now_us: int,
    limits: limits_.Limits,
    peaks: Peaks,
) -> Said:
    """Return what is to be said now."""
    rules = limits.rules
    reports = overlay.fresh(seen.reports, now_us, rules.stale_s)
    hosts = whole.hosts if whole is not None else []
    fresh = sum(one.name in reports for one in hosts)
    lacks = _lacks(whole, fresh, now_us, limits)
    if whole is None or lacks:
        return Said(
            _idle(seen, now_us),
            [*lacks.values()],
            len(hosts),
            fresh,
            [],
            lacks=frozenset(lacks),
        )
    laid = overlay.laid(
        whole,
        reports,
        now_us,
        peaks,
        [
            *overlay.moved(seen.known.values()),
            *overlay.tried(seen.known, seen.executions),
        ],
    )
    ruled = ruling.of(seen.said.values(), laid, now_us)
    view = _view(laid, reports, seen, ruled, limits)
    reviewed = {
        name: standing.reviewed(one, view) for name, one in seen.known.items()
    }
    released = _released(reviewed, seen.planned_us, now_us)
    plans = _plans(laid, limits, ruled, reviewed, released)
    made = standing.renewed(
        [one for plan in plans for one in plan.recommendations],
        released,
        ruled,
        seen.executions,
    )
    names = {one.id for one in made}
    for name, one in released.items():
        if name not in names:
            reviewed[name] = standing.given_up(one, now_us)
    asks: dirty.Asks = {}
    if limits.dirty_rates:
        waiting, asks = dirty.held(
            [one for one in made if one.id not in seen.known],
            reports,
            seen.said,
            now_us,
        )
        made = [one for one in made if one.id not in waiting]
    reviewed |= {one.id: one for one in made}
    errors = [plan.error for plan in plans if plan.error]
    return Said(
        [one for one in reviewed.values() if one != seen.known.get(one.id)],
        errors,
        len(hosts),
        fresh,
        [stay for plan in plans for stay in plan.stays],
        asks,
        frozenset(['cluster_wrong'] if errors else []),
    )


def broken(why: str) -> Said:
    """Return that nothing could be planned."""
    return Said([], [why], 0, 0, [], lacks=frozenset(['broken']))


def marked(
    whole: cluster.Cluster | None,
    heats: marks.Heats,
    before: mark.Marks | None,
    now_us: int,
    limits: limits_.Limits,
) -> mark.Marks | None:
    """Return which hosts are marked; None where nobody knows the hosts."""
    if whole is None or _is_old(whole, now_us, limits):
        return None
    where = marks.places(whole)
    return marks.decided(where, heats, before, now_us, limits.marks)


def _lacks(
    whole: cluster.Cluster | None,
    fresh: int,
    now_us: int,
    limits: limits_.Limits,
) -> dict[vitals.Lack, str]:
    """Return why nothing can be planned with this: in a word, and more."""
    if whole is None:
        words = 'there is no description of the cluster'
        return {'cluster_unreadable': words}
    if not whole.hosts:
        words = 'the description of the cluster has no hosts'
        return {'cluster_empty': words}
    if _is_old(whole, now_us, limits):
        age_s = limits.cluster_age_s
        words = f'the description of the cluster is older than {age_s} s'
        return {'cluster_old': words}
    if not fresh or fresh < limits.least_fresh * len(whole.hosts):
        words = (
            f'of less than {limits.least_fresh:.0%} of the hosts there is a'
            f' report from the last {limits.rules.stale_s} s'
        )
        return {'reports_missing': words}
    return {}


def _is_old(
    whole: cluster.Cluster, now_us: int, limits: limits_.Limits
) -> bool:
    age_s = (now_us - whole.time_us) // _US
    return bool(limits.cluster_age_s) and age_s > limits.cluster_age_s


def _idle(
    seen: world.World, now_us: int
) -> list[recommendation.Recommendation]:
    """Return what has to be said even so: that some have expired."""
    return [
        standing.given_up(one, now_us)
        for one in seen.known.values()
        if standing.is_over(one, now_us)
    ]


def _view(
    laid: cluster.Cluster,
    reports: overlay.Reports,
    seen: world.World,
    ruled: ruling.Ruling,
    limits: limits_.Limits,
) -> standing.View:
    chains = {
        name: one.moves
        for name, one in seen.known.items()
        if one.state in ('proposed', 'approved')
    }
    refusals = {}
    if chains:
        refusals = validity.check_each(laid, chains, limits.rules)
    return standing.View(
        laid,
        reports,
        seen.findings,
        seen.losses,
        ruled,
        refusals,
        laid.time_us,
        limits.outcome_s,
        seen.executions,
    )


def _released(
    reviewed: Mapping[str, recommendation.Recommendation],
    planned_us: int,
    now_us: int,
) -> dict[str, recommendation.Recommendation]:
    """Return those whose hosts are free for another plan: they expired, or
    are a part of a plan that was never told to its end."""
    return {
        name: one
        for name, one in reviewed.items()
        if standing.is_over(one, now_us)
        or (one.state == 'proposed' and one.created_us > planned_us)
    }


def _plans(
    laid: cluster.Cluster,
    limits: limits_.Limits,
    ruled: ruling.Ruling,
    reviewed: Mapping[str, recommendation.Recommendation],
    released: Mapping[str, recommendation.Recommendation],
) -> Iterable[planning.Plan]:
    """Return a plan of each mode; none touches what another one does."""
    engaged = standing.touched(
        one
        for name, one in reviewed.items()
        if standing.is_open(one) and name not in released
    )
    plans = []
    for mode in limits.modes:
        said = dataclasses.replace(
            ruled.said, engaged=engaged, evacuate=_to_empty(laid, mode)
        )
        if mode == 'evacuate' and not said.evacuate:
            continue
        dice = numpy.random.default_rng(_SEED)
        plan = planning.plan(laid, limits.rules, said, dice, mode)
        engaged |= standing.touched(plan.recommendations)
        plans.append(plan)
    return plans


def _to_empty(
    laid: cluster.Cluster, mode: recommendation.Mode
) -> tuple[str, ...]:
    """Return the hosts in maintenance on which something still is."""
    if mode != 'evacuate':
        return ()
    busy = {one.host for one in laid.instances}
    return tuple(
        one.name for one in laid.hosts if one.maintenance and one.name in busy
    )
