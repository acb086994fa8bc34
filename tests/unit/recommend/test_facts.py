# SPDX-License-Identifier: Apache-2.0
"""What was told of the cloud stays as long as there is something of it."""

import msgspec
import pytest

from kvm_insight.model import cluster, codec, inventory
from kvm_insight.recommend import facts
from tests.scenario import small_cloud as cloud
from tests.unit.recommend import test_turn

_replace = msgspec.structs.replace


def told(
    whole: cluster.Cluster, stage: test_turn.Stage, *more: inventory.Facts
) -> None:
    """Let the planner have heard of all that is to be told."""
    for one in (*facts.new(whole, stage.seen, True), *more):
        stage.seen.take_facts(inventory.key(one), codec.encode(one))


@pytest.fixture
def stage() -> test_turn.Stage:
    return test_turn.Stage()


@pytest.fixture
def whole(stage: test_turn.Stage) -> cluster.Cluster:
    assert stage.whole is not None
    first, *others = stage.whole.instances
    first = _replace(first, project_id='green', user_id='u1')
    return _replace(
        stage.whole,
        instances=[first, *others],
        projects={'green': 'Green Ltd', 'empty': 'Empty Ltd'},
        users={'u1': 'jo'},
    )


def test_names_stay_for_a_planner_to_which_keystone_tells_none(
    stage: test_turn.Stage, whole: cluster.Cluster
) -> None:
    told(whole, stage)
    nameless = _replace(whole, projects={}, users={})
    assert facts.new(nameless, stage.seen, False) == []
    assert facts.gone(nameless, stage.seen) == ['project/empty']
    left = _replace(nameless, instances=whole.instances[1:])
    names = {'project/green', 'project/empty', 'user/u1'}
    assert names <= {*facts.gone(left, stage.seen)}


def test_nothing_stays_of_what_is_neither_there_nor_measured(
    stage: test_turn.Stage, whole: cluster.Cluster
) -> None:
    gpus = cluster.Aggregate(id='7', name='gpus')
    whole = _replace(whole, aggregates=[gpus])
    advice = inventory.AggregateAdvice(
        aggregate='7',
        hosts=1,
        change='keep',
        current=4.0,
        advised=4.0,
        reason='bearable',
    )
    names = [one.name for one in whole.hosts]
    outlooks = [inventory.Outlook(host=name) for name in names]
    told(whole, stage, advice, *outlooks)
    flavors = {key for key in stage.seen.facts if key.startswith('flavor/')}
    assert flavors
    assert facts.gone(whole, stage.seen) == []
    empty = _replace(whole, hosts=[], instances=[], aggregates=[])
    # Its reports say that a host is there, whatever the cloud says.
    left = {*facts.gone(empty, stage.seen)}
    assert flavors | {'aggregate/7'} <= left
    assert not any(key.startswith('outlook/') for key in left)
    stage.seen.reports.clear()
    left = {*facts.gone(empty, stage.seen)}
    assert {f'outlook/{name}' for name in names} <= left


def test_a_flavor_stays_as_long_as_its_use_is_known(
    stage: test_turn.Stage, whole: cluster.Cluster
) -> None:
    for hour in cloud.hours(stage.guests, 5):
        stage.seen.take_usage(hour.host, codec.encode(hour))
    told(whole, stage)
    empty = _replace(whole, instances=[])
    assert not any(
        key.startswith('flavor/') for key in facts.gone(empty, stage.seen)
    )
