# SPDX-License-Identifier: Apache-2.0
"""What others made invalid in between is not recommended."""

from collections.abc import Callable

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.model import cluster, codec, inventory
from kvm_insight.recommend import confirmation, facts, turn
from tests.scenario import small_cloud as cloud
from tests.unit.recommend import test_turn

_replace = msgspec.structs.replace
Change = Callable[[cluster.Cluster, str, str], cluster.Cluster]


def planned() -> tuple[test_turn.Stage, turn.Said]:
    """A turn that recommends one move, and that nobody read yet."""
    stage = test_turn.Stage()
    said = turn.taken(stage.whole, stage.seen, stage.now_us, stage.limits, {})
    assert len(said.recommendations) == 1
    return stage, said


def confirmed(
    stage: test_turn.Stage, said: turn.Said, whole: cluster.Cluster
) -> tuple[turn.Said, dict[str, list[str]]]:
    return confirmation.confirmed(
        said, stage.seen.known, stage.limits, lambda _: whole
    )


def instances(
    whole: cluster.Cluster, uuid: str, **changed: object
) -> cluster.Cluster:
    return _replace(
        whole,
        instances=[
            _replace(one, **changed) if one.uuid == uuid else one
            for one in whole.instances
        ],
    )


def hosts(
    whole: cluster.Cluster, name: str, **changed: object
) -> cluster.Cluster:
    return _replace(
        whole,
        hosts=[
            _replace(one, **changed) if one.name == name else one
            for one in whole.hosts
        ],
    )


def full(whole: cluster.Cluster, uuid: str, to: str) -> cluster.Cluster:
    there = next(one for one in whole.hosts if one.name == to)
    room = {
        kind: _replace(one, used=int(one.total * one.allocation_ratio))
        for kind, one in there.inventories.items()
    }
    return hosts(whole, to, inventories=room)


def coming(whole: cluster.Cluster, uuid: str, to: str) -> cluster.Cluster:
    other = cluster.Migration(
        instance=cloud.uuid_of('old-0'), source='r/0', destination=to
    )
    return _replace(whole, migrations=[other])


CHANGES: dict[str, Change] = {
    'is disabled': lambda whole, _, to: hosts(whole, to, enabled=False),
    'cannot': lambda whole, uuid, _: instances(
        whole, uuid, live_migratable=False
    ),
    'it is on r/1': lambda whole, uuid, _: instances(whole, uuid, host='r/1'),
    'does not have it': lambda whole, uuid, _: _replace(
        whole, instances=[x for x in whole.instances if x.uuid != uuid]
    ),
    'task under way': lambda whole, uuid, _: instances(
        whole, uuid, task='resize_prep'
    ),
    'is stopped': lambda whole, uuid, _: instances(
        whole, uuid, state='stopped'
    ),
    'Inventory': full,
    'migrating to': coming,
}


@pytest.mark.parametrize('words', CHANGES)
def test_what_is_not_valid_any_more_is_not_said(words: str) -> None:
    stage, said = planned()
    (one,) = said.recommendations
    (move,) = one.moves
    assert stage.whole is not None
    now = CHANGES[words](stage.whole, move.instance, move.destination)
    left, refused = confirmed(stage, said, now)
    assert left.recommendations == []
    assert words in '; '.join(refused[one.id])


def test_what_is_still_valid_is_said_as_it_was() -> None:
    stage, said = planned()
    assert stage.whole is not None
    assert confirmed(stage, said, stage.whole) == (said, {})


def test_where_nobody_confirms_nothing_is_said_and_why() -> None:
    stage, said = planned()

    def confirm(_: frozenset[str]) -> cluster.Cluster:
        raise exception.CloudUnavailable('Nova answers 503')

    left, refused = confirmation.confirmed(said, {}, stage.limits, confirm)
    assert (left.recommendations, refused) == ([], {})
    assert left.reasons == ['not confirmed: Nova answers 503']


def test_what_was_said_before_needs_no_confirmation() -> None:
    stage = test_turn.Stage()
    stage.take()
    stage.pass_by(60)
    again = turn.taken(stage.whole, stage.seen, stage.now_us, stage.limits, {})

    def confirm(_: frozenset[str]) -> cluster.Cluster:
        raise AssertionError

    known = stage.seen.known
    left, _ = confirmation.confirmed(again, known, stage.limits, confirm)
    assert left == again


def test_what_would_be_said_for_longer_is_withdrawn_if_not_valid() -> None:
    stage = test_turn.Stage()
    (one,) = stage.take().recommendations
    stage.pass_by(901)
    assert stage.whole is not None
    stage.whole = _replace(stage.whole, time_us=stage.now_us)
    said = turn.taken(stage.whole, stage.seen, stage.now_us, stage.limits, {})
    assert [x.id for x in said.recommendations] == [one.id]
    gone = hosts(stage.whole, one.moves[0].destination, up=False)
    left, _ = confirmed(stage, said, gone)
    (told,) = left.recommendations
    assert told.state == 'withdrawn'
    assert 'is down' in (told.state_reason or '')


def test_names_are_told_and_what_is_gone_is_named() -> None:
    stage = test_turn.Stage()
    assert stage.whole is not None
    whole = _replace(
        instances(stage.whole, cloud.uuid_of('vic-0'), user_id='u1'),
        projects={'empty': 'Empty Ltd'},
        users={'u1': 'jo'},
    )
    for one in facts.new(whole, stage.seen, True):
        key = inventory.key(one)
        stage.seen.take_facts(key, codec.encode(one))
    project = stage.seen.facts['project/empty']
    assert isinstance(project, inventory.ProjectFacts)
    assert project.name == 'Empty Ltd'
    user = stage.seen.facts['user/u1']
    assert isinstance(user, inventory.UserFacts)
    assert user.name == 'jo'
    there = stage.seen.facts['host/r/0']
    assert isinstance(there, inventory.HostFacts)
    assert there.instances[cloud.uuid_of('vic-0')] == 'vic-0'
    assert facts.new(whole, stage.seen, False) == []
    assert facts.gone(whole, stage.seen) == []
    renamed = instances(whole, cloud.uuid_of('vic-0'), name='shop')
    (told,) = facts.new(renamed, stage.seen, False)
    assert isinstance(told, inventory.HostFacts)
    assert told.instances[cloud.uuid_of('vic-0')] == 'shop'
    assert facts.gone(_replace(whole, users={}), stage.seen) == []
    less = _replace(
        instances(whole, cloud.uuid_of('vic-0'), user_id='u2'),
        hosts=whole.hosts[1:],
        projects={},
    )
    assert facts.gone(less, stage.seen) == [
        'host/r/0',
        'project/empty',
        'user/u1',
    ]


def test_what_is_usual_stays_until_there_is_a_new_hour() -> None:
    stage = test_turn.Stage(hot=0)
    assert stage.whole is not None
    for hour in cloud.hours(stage.guests, 5):
        stage.seen.take_usage(hour.host, codec.encode(hour))
    for one in facts.new(stage.whole, stage.seen, True):
        stage.seen.take_facts(inventory.key(one), codec.encode(one))
    assert facts.new(stage.whole, stage.seen, False) == []
