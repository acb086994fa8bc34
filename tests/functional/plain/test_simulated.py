# SPDX-License-Identifier: Apache-2.0
"""Hosts without OpenStack, simulated: from samples to a recommendation."""

import time

from tests.functional.plain import conftest

QUIET = 3


def test_an_overloaded_plain_host_is_relieved(stage: conftest.Stage) -> None:
    stage.simulate('chronic', seed=1)
    stage.simulate('quiet', seed=2, count=QUIET)
    stage.serve('analyzer')
    stage.serve('planner')
    stage.wait_for(stage.told, 60)
    (move, *_) = stage.told()[0].moves
    assert move.source.startswith('sim/chronic')
    assert move.destination.startswith('sim/quiet')
    assert stage.told()[0].state == 'proposed'
    # A cycle's status is told after what it recommends.
    stage.wait_for(lambda: stage.statuses()[-1].state == 'planning', 20)
    assert stage.statuses()[-1].hosts == QUIET + 1
    facts = stage.facts()
    assert move.instance in facts[move.source].instances
    assert move.project_id != 'unassigned'


def test_of_hosts_that_fell_silent_nothing_is_recommended(
    stage: conftest.Stage,
) -> None:
    stage.configure(silent_s=10)
    stage.simulate('chronic', seed=1)
    stage.simulate('quiet', seed=2, count=QUIET)
    time.sleep(11)
    stage.serve('analyzer')
    stage.serve('planner')
    stage.wait_for(
        lambda: any(
            'none of 4 hosts has told anything' in why
            for one in stage.statuses()
            for why in one.reasons
        ),
        60,
    )
    assert stage.told() == []
