# SPDX-License-Identifier: Apache-2.0
"""What is not moved now, though Nova would do it; and who is moved."""

import dataclasses
from typing import Any

import msgspec
import pytest

from kvm_insight.model import cluster
from kvm_insight.recommend import orders
from tests.unit.recommend import clouds

HOUR_US = 3600 * 10**6


def one_only(**more: Any) -> cluster.Cluster:
    """A hot host of which one instance alone may be moved."""
    whole = clouds.hot([clouds.host('b'), clouds.host('c', 2.0)])
    first = msgspec.structs.replace(whole.instances[0], **more)
    rest = [
        msgspec.structs.replace(one, live_migratable=False)
        for one in whole.instances[1:]
    ]
    return msgspec.structs.replace(whole, instances=[first, *rest])


def past(
    source: str, destination: str, ago_us: int, instance: int = 1, **more: Any
) -> cluster.Migration:
    return cluster.Migration(
        instance=clouds.uuid(instance),
        source=source,
        destination=destination,
        **{
            'state': 'done',
            'started_us': clouds.NOW_US - ago_us - 10,
            'ended_us': clouds.NOW_US - ago_us,
            **more,
        },
    )


def with_past(*moves: cluster.Migration) -> cluster.Cluster:
    return msgspec.structs.replace(one_only(), migrations=[*moves])


def destinations(whole: cluster.Cluster, **said: Any) -> list[str]:
    made = clouds.plan(whole, said=orders.Orders(**said))
    return [one.destination for one in clouds.moves(made)]


def test_the_one_that_may_be_moved_is_moved_to_the_coolest() -> None:
    assert destinations(one_only()) == ['b']


@pytest.mark.parametrize(
    'more',
    [
        {'opted_out': True},
        {'flavor': clouds.flavor(kvm_insight__movable='false')},
        {'state': 'stopped'},
        {'task': 'migrating'},
        {'live_migratable': False},
        {'dirty_rate_bytes_s': 900_000_000},
        {'load': None},
        {'load': cluster.InstanceLoad(used_cores=3.0, verdict='unknown')},
    ],
    ids=lambda more: next(iter(more)),
)
def test_an_instance_stays_for_a_reason(more: dict[str, Any]) -> None:
    whole = one_only(**more)
    made = clouds.plan(whole)
    assert clouds.moves(made) == []
    assert made.stays[0].host == 'hot'


@pytest.mark.parametrize(
    'said',
    [
        {'opted_out': frozenset({clouds.uuid(1)})},
        {'opted_out': frozenset({'p1'})},
        {'muted': frozenset({clouds.uuid(1)})},
        {'muted': frozenset({'hot'})},
        {'muted': frozenset({'b', 'c'})},
        {'engaged': frozenset({'hot'})},
        {'blackouts': (orders.Blackout(0, 2**60),)},
        {'blackouts': (orders.Blackout(0, 2**60, frozenset({'hot'})),)},
    ],
)
def test_what_operators_said_holds(said: dict[str, Any]) -> None:
    assert destinations(one_only(), **said) == []


def test_a_blackout_elsewhere_or_at_another_time_does_not_matter() -> None:
    for dark in (
        orders.Blackout(0, clouds.NOW_US),
        orders.Blackout(clouds.NOW_US + 1, 2**60),
    ):
        assert destinations(one_only(), blackouts=(dark,)) == ['b']
    there = orders.Blackout(0, 2**60, frozenset({'b'}))
    assert destinations(one_only(), blackouts=(there,)) == ['c']


@pytest.mark.parametrize('state', ['done', 'failed'])
def test_an_instance_rests_for_six_hours(state: str) -> None:
    early = past('x', 'hot', 6 * HOUR_US - 1, state=state)
    assert destinations(with_past(early)) == []
    late = past('x', 'hot', 6 * HOUR_US + 1, state=state)
    assert destinations(with_past(late)) == ['b']


def test_a_receiver_rests_for_a_quarter_of_an_hour() -> None:
    recent = past('x', 'b', HOUR_US // 4 - 1, instance=77)
    assert destinations(with_past(recent)) == ['c']
    earlier = past('x', 'b', HOUR_US // 4 + 1, instance=77)
    assert destinations(with_past(earlier)) == ['b']


def test_nothing_goes_back_within_a_day() -> None:
    day = past('b', 'hot', 24 * HOUR_US - 1)
    assert destinations(with_past(day)) == ['c']
    older = past('b', 'hot', 24 * HOUR_US + 1)
    assert destinations(with_past(older)) == ['b']


def test_one_migration_out_of_and_one_into_a_host_at_a_time() -> None:
    running = {'state': 'running', 'ended_us': None}
    out = past('hot', 'x', 0, instance=2, **running)
    assert destinations(with_past(out)) == []
    into = past('x', 'b', 0, instance=77, **running)
    assert destinations(with_past(into)) == ['c']


@pytest.mark.parametrize('name', ['hot', 'b'])
@pytest.mark.parametrize('age_s', [None, 901])
def test_nothing_rests_on_old_or_missing_measurements(
    name: str, age_s: int | None
) -> None:
    whole = one_only()
    hosts = []
    for host in whole.hosts:
        load = host.load
        assert load is not None
        old = clouds.NOW_US - (age_s or 0) * 10**6
        stale = msgspec.structs.replace(load, time_us=old)
        if host.name == name:
            load_ = None if age_s is None else stale
            host = msgspec.structs.replace(host, load=load_)
        hosts.append(host)
    whole = msgspec.structs.replace(whole, hosts=hosts)
    assert destinations(whole) == ([] if name == 'hot' else ['c'])


def test_a_move_must_be_worth_its_cost() -> None:
    rules = dataclasses.replace(clouds.RULES, move_core_s=10**6)
    assert clouds.moves(clouds.plan(one_only(), rules=rules)) == []


def test_the_gain_must_hold_by_both_forecasts() -> None:
    # Hot by the high forecast only: whether it will be is not known.
    whole = clouds.hot([clouds.host('b')], count=4)
    peak = cluster.Peak(horizon_s=3600, p50_cores=8.0, p95_cores=16.0)
    load = msgspec.structs.replace(clouds.load(8.0), peaks=[peak])
    hosts = [msgspec.structs.replace(whole.hosts[0], load=load)]
    whole = msgspec.structs.replace(whole, hosts=[*hosts, whole.hosts[1]])
    assert clouds.moves(clouds.plan(whole)) == []
    free = dataclasses.replace(clouds.RULES, guarded=False)
    assert clouds.moves(clouds.plan(whole, rules=free))


def test_no_receiver_gets_hot() -> None:
    others = [clouds.host('b', 12.5), clouds.host('c', 12.0)]
    assert clouds.moves(clouds.plan(clouds.hot(others))) == []


def suffering(
    aggressor_gib: int, victim_gib: int, **loads: Any
) -> cluster.Cluster:
    """A host with room on which one makes another wait."""
    hosts = [
        clouds.host('hot', 6.0, load=clouds.load(6.0, lost_cores=1.0)),
        clouds.host('b'),
    ]
    base: dict[str, Any] = {'findings': ['f1'], 'used_cores': 2.0}
    aggressor = {**base, 'caused_cores': 1.0}
    victim = {'verdict': 'antagonist', **base, 'lost_cores': 1.0, **loads}
    return cluster.Cluster(
        time_us=clouds.NOW_US,
        hosts=hosts,
        instances=[
            clouds.instance(
                1,
                'hot',
                load=cluster.InstanceLoad(**aggressor),
                memory_bytes=aggressor_gib * clouds.GIB,
            ),
            clouds.instance(
                2,
                'hot',
                load=cluster.InstanceLoad(**victim),
                memory_bytes=victim_gib * clouds.GIB,
            ),
            clouds.instance(3, 'hot', 2.0),
        ],
    )


@pytest.mark.parametrize(
    ('aggressor_gib', 'victim_gib', 'role'),
    [(8, 64, 'aggressor'), (64, 8, 'victim')],
)
def test_whoever_is_cheaper_is_moved_aggressor_or_victim(
    aggressor_gib: int, victim_gib: int, role: str
) -> None:
    whole = suffering(aggressor_gib, victim_gib)
    (move,) = clouds.moves(clouds.plan(whole))
    assert move.role == role
    assert move.findings == ['f1']
    assert move.runner_up is not None
    assert move.runner_up.instance != move.instance
    assert 'costs' in move.runner_up.reason


@pytest.mark.parametrize('verdict', ['unknown', 'self_inflicted', None])
def test_a_wait_that_no_move_would_end_moves_nobody(verdict: str) -> None:
    whole = suffering(8, 8, verdict=verdict)
    quiet = [
        msgspec.structs.replace(
            one,
            load=msgspec.structs.replace(one.load, caused_cores=0.0),  # type: ignore[type-var]
        )
        for one in whole.instances
    ]
    whole = msgspec.structs.replace(whole, instances=quiet)
    assert clouds.moves(clouds.plan(whole)) == []
