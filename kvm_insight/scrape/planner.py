# SPDX-License-Identifier: Apache-2.0
"""What is exposed by a planner, active or waiting to be."""

import typing
from collections.abc import Iterator

from kvm_insight.model import recommendation, vitals
from kvm_insight.scrape import family, page

_US = 1e6
_FEED_STATES = ('ok', 'off', 'failing')
_STATES: tuple[str, ...] = typing.get_args(
    typing.get_type_hints(recommendation.Recommendation)['state']
)


def _gauge(name: str, words: str, *labels: str) -> family.Family:
    return family.gauge(f'planner_{name}', words, *labels)


LOOP = _gauge('loop_timestamp_seconds', 'When its loop last came round.')
ACTIVE = _gauge(
    'active', 'Whether this copy has the lease: 1; the others wait with 0.'
)
CYCLES = family.counter(
    'planner_cycles', 'Cycles that were told to their end, since the start.'
)
GENERATION = _gauge('generation', 'Of the lease; feeds refuse an older one.')
PLANNED = _gauge(
    'planned_timestamp_seconds', 'When the last plan was told to its end.'
)
DURATION = _gauge('cycle_duration_seconds', 'What the last cycle took.')
LACKS = _gauge(
    'lacks',
    'Why nothing is planned, 1 for each reason: cluster_unreadable,'
    ' cluster_empty, cluster_old, reports_missing, not_confirmed, broken.'
    ' All 0: it plans.',
    'reason',
)
CLUSTER = _gauge(
    'cluster_timestamp_seconds',
    'When the description of the cluster was read from the cloud.',
)
HOSTS = _gauge('hosts', 'Hosts of the cluster.')
FRESH = _gauge('fresh_hosts', 'Those whose report is fresh.')
UNRELIEVED = _gauge(
    'unrelieved_hosts', 'Hosts that would need it and got no plan, 50 at most.'
)
RECOMMENDATIONS = _gauge(
    'recommendations', 'Recommendations that are known, by state.', 'state'
)
OUTCOMES = _gauge(
    'outcomes',
    'Of those that are known: what came of it, measured afterwards.',
    'verdict',
)
MARKED = _gauge('marked_hosts', 'Hosts to which nothing new should go.')
ALARMS = _gauge(
    'mark_alarms', 'Groups with more hot hosts than may be marked.'
)
FEED = _gauge(
    'feed_state',
    '1 for how a feed is: ok, off, failing.',
    'feed',
    'state',
)
FAMILIES = (
    LOOP,
    ACTIVE,
    CYCLES,
    GENERATION,
    PLANNED,
    DURATION,
    LACKS,
    CLUSTER,
    HOSTS,
    FRESH,
    UNRELIEVED,
    RECOMMENDATIONS,
    OUTCOMES,
    MARKED,
    ALARMS,
    FEED,
)


def points(now: vitals.Planner) -> Iterator[family.Point]:
    """Yield all values of now; a copy that waits has few."""
    yield page.BUS_UP, (), float(now.bus_up)
    if now.time_us is not None:
        yield LOOP, (), now.time_us / _US
    yield ACTIVE, (), float(now.active)
    yield CYCLES, (), float(now.cycles)
    if now.active and now.plan is not None:
        yield from _plan(now.plan)


def _plan(plan: vitals.Plan) -> Iterator[family.Point]:
    status = plan.status
    yield GENERATION, (), float(status.generation)
    yield HOSTS, (), float(status.hosts)
    yield FRESH, (), float(status.fresh_hosts)
    yield UNRELIEVED, (), float(len(status.unrelieved))
    for what, us in ((PLANNED, status.planned_us), (CLUSTER, plan.cluster_us)):
        yield from family.known(what, None if us is None else us / _US)
    if status.plan_ms is not None:
        yield DURATION, (), status.plan_ms / 1000
    for why in typing.get_args(vitals.Lack):
        yield LACKS, (why,), float(why in plan.lacks)
    for state in _STATES:
        yield RECOMMENDATIONS, (state,), float(plan.states.get(state, 0))
    for verdict in ('helped', 'no_change', 'worse', 'unknown'):
        yield OUTCOMES, (verdict,), float(plan.outcomes.get(verdict, 0))
    yield from family.known(MARKED, plan.marked)
    yield from family.known(ALARMS, plan.alarms)
    for feed, words in status.feeds.items():
        now = words if words in ('ok', 'off') else 'failing'
        for state in _FEED_STATES:
            yield FEED, (feed, state), float(state == now)
