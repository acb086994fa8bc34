# SPDX-License-Identifier: Apache-2.0
"""What the actuator tells is heard by the planner, and by its successor."""

import dataclasses
from typing import Any

import msgspec

from kvm_insight.model import codec, execution, inventory, recommendation
from kvm_insight.recommend import facts, world
from tests.unit.recommend import test_turn

_replace = msgspec.structs.replace


def told(
    stage: test_turn.Stage, one: recommendation.Recommendation, **more: Any
) -> None:
    """Let the actuator tell."""
    new = execution.Execution(
        **{
            'recommendation': one.id,
            'state': 'moving',
            'moves': len(one.moves),
            'began_us': stage.now_us,
            'updated_us': stage.now_us,
            **more,
        }
    )
    stage.seen.take_facts(inventory.key(new), codec.encode(new))


def begun() -> tuple[test_turn.Stage, recommendation.Recommendation]:
    stage = test_turn.Stage()
    (one,) = stage.take().recommendations
    return stage, one


def later(stage: test_turn.Stage) -> None:
    stage.pass_by(60)
    assert stage.whole is not None
    stage.whole = _replace(stage.whole, time_us=stage.now_us)


def test_what_is_under_way_is_executing_with_how_far_it_has_come() -> None:
    stage, one = begun()
    told(stage, one, copied_ratio=0.4)
    later(stage)
    (new,) = stage.take().recommendations
    assert (new.id, new.state) == (one.id, 'executing')
    assert new.state_reason == 'move 1 of 1: moving, 40% of the memory copied'


def test_what_waits_to_begin_can_still_be_withdrawn_or_expire() -> None:
    stage, one = begun()
    told(stage, one, state='waiting', began_us=None, reason='it is muted')
    later(stage)
    assert stage.take().recommendations == []
    assert stage.seen.known[one.id].state == 'proposed'


def test_what_failed_is_over_and_not_said_again_at_once() -> None:
    stage, one = begun()
    told(stage, one, state='failed', reason='Nova answers 409')
    later(stage)
    said = stage.take()
    states = {x.id: x.state for x in said.recommendations}
    assert states[one.id] == 'failed'
    assert stage.seen.known[one.id].state_reason == 'Nova answers 409'
    moved = {move.instance for move in one.moves}
    for _ in range(3):
        later(stage)
        for new in stage.take().recommendations:
            assert new.id != one.id
            assert not moved & {move.instance for move in new.moves}


def test_what_arrived_is_executed_whatever_was_told_last() -> None:
    stage, one = begun()
    (move,) = one.moves
    told(stage, one)
    stage.guests = [
        dataclasses.replace(x, host=move.destination)
        if x.uuid == move.instance
        else x
        for x in stage.guests
    ]
    stage.hurting = []
    later(stage)
    stage.take()
    assert stage.seen.known[one.id].state == 'executed'
    assert stage.seen.known[one.id].outcome is not None


def test_a_successor_hears_what_an_older_generation_has_begun() -> None:
    """Topics have no common order: its own words may be read before."""
    seen = world.World(72)
    status = inventory.PlannerStatus(generation=9, time_us=1, state='planning')
    seen.take_facts('planner', codec.encode(status))
    old = execution.Execution(
        recommendation='r', generation=8, state='moving', moves=1, updated_us=1
    )
    seen.take_facts(inventory.key(old), codec.encode(old))
    assert seen.executions == {'r': old}
    newer = _replace(old, generation=9, state='done')
    seen.take_facts(inventory.key(newer), codec.encode(newer))
    seen.take_facts(inventory.key(old), codec.encode(old))
    assert seen.executions == {'r': newer}


def test_what_was_told_of_a_forgotten_recommendation_is_deleted() -> None:
    stage, one = begun()
    told(stage, one, state='done')
    assert stage.whole is not None
    assert facts.gone(stage.whole, stage.seen) == []
    stage.seen.take_recommendation(one.id, None)
    assert facts.gone(stage.whole, stage.seen) == [f'execution/{one.id}']
