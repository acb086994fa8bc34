# SPDX-License-Identifier: Apache-2.0
"""How a planner fares, for whoever watches it."""

from kvm_insight.model import inventory, recommendation, vitals
from kvm_insight.recommend import status, turn, world
from tests.scenario import small_cloud as cloud

NOW_US = 5_000_000
TOLD = inventory.PlannerStatus(generation=1, time_us=1, state='planning')
PLAN = vitals.Plan(TOLD, frozenset(), None, {}, {}, None, None)


def test_what_was_planned_before_the_lease_was_lost_counts_no_more() -> None:
    signs = status.Signs()
    signs.turned(1, active=True)
    signs.planned(PLAN)
    assert signs.of(bus_up=True).plan == PLAN
    signs.turned(2, active=False)
    signs.turned(3, active=True)
    now = signs.of(bus_up=True)
    assert (now.active, now.plan, now.cycles) == (True, None, 1)


def test_without_the_bus_nobody_is_known_to_be_active() -> None:
    signs = status.Signs()
    signs.turned(1, active=True)
    assert not signs.of(bus_up=False).active


def test_a_cycle_shows_states_and_outcomes_of_all_that_is_known() -> None:
    seen = world.World(24)
    done = _known('a', 'executed', 'helped')
    seen.known = {'a': done, 'b': _known('b', 'proposed', None)}
    said = turn.Said(
        [_known('b', 'expired', None)],
        ['x'],
        2,
        1,
        [],
        lacks=frozenset(['cluster_old']),
    )
    whole = cloud.described(cloud.guests(1, 2), 2, NOW_US)
    shown = status.shown(seen, said, TOLD, whole, None)
    assert dict(shown.states) == {'executed': 1, 'expired': 1}
    assert dict(shown.outcomes) == {'helped': 1}
    assert shown.cluster_us == whole.time_us
    assert shown.lacks == {'cluster_old'}
    # Nobody could decide: None, and not that none is marked.
    assert shown.marked is None


def test_what_planning_fell_over_is_not_looked_at() -> None:
    broken = turn.broken('planning broke')
    shown = status.shown(world.World(24), broken, TOLD, 17, None)  # type: ignore[arg-type]
    assert shown.cluster_us is None
    assert shown.lacks == {'broken'}


def _known(
    name: str, state: str, verdict: str | None
) -> recommendation.Recommendation:
    outcome = None
    if verdict is not None:
        outcome = recommendation.Outcome(
            executed_us=1,
            measured_us=2,
            window_s=60,
            verdict=verdict,  # type: ignore[arg-type]
        )
    return recommendation.Recommendation(
        id=name,
        fingerprint='f',
        state=state,  # type: ignore[arg-type]
        mode='relieve',
        moves=[],
        horizon_s=1,
        gain_core_s=1,
        gain_p95_core_s=1,
        cost_core_s=1,
        risk=0,
        score_before=1,
        score_after=0,
        parts=[],
        created_us=1,
        expires_us=2,
        summary='s',
        outcome=outcome,
    )
