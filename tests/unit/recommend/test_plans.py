# SPDX-License-Identifier: Apache-2.0
"""Plans of several moves are valid at each step, in every mode."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moves import random_cluster, referee

from kvm_insight.model import cluster, codec, recommendation
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import (
    demand,
    field,
    oracle,
    orders,
    planning,
    sanity,
    search,
    validity,
)
from tests.unit.recommend import clouds

MODES: tuple[recommendation.Mode, ...] = (
    'relieve',
    'balance',
    'consolidate',
    'evacuate',
)


def random_cloud(seed: int, broken: bool = False) -> cluster.Cluster:
    dice = np.random.default_rng(seed)
    hosts = int(dice.integers(2, 7))
    shape = random_cluster.Shape(
        hosts,
        int(dice.integers(2, 10)),
        int(dice.integers(1, hosts + 1)),
        grouped=0.5,
        tight=0.4,
    )
    whole = random_cluster.make(shape, dice)
    if broken:
        whole, _ = random_cluster.contradict(whole, dice)
    return whole


def judged(
    whole: cluster.Cluster, made: planning.Plan, mode: recommendation.Mode
) -> list[str]:
    told = [msgspec.to_builtins(one) for one in made.recommendations]
    plain = msgspec.to_builtins(whole)
    _, wrong = referee.judge(plain, told, {}, mode, random.Random(1))
    return wrong


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(MODES), st.booleans())
def test_an_independent_referee_finds_nothing(
    seed: int, mode: recommendation.Mode, broken: bool
) -> None:
    whole = random_cloud(seed, broken)
    said = orders.Orders(evacuate=(whole.hosts[0].name,))
    made = clouds.plan(whole, mode, said if mode == 'evacuate' else None)
    assert judged(whole, made, mode) == []
    for one in made.recommendations:
        value = codec.encode(one)
        again = codec.decode(value, recommendation.Recommendation)
        assert codec.encode(again) == value


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_board_is_as_before_when_all_is_taken_back(seed: int) -> None:
    whole = random_cloud(seed)
    sound = sanity.check(whole)
    fresh = boards.Board(whole, sound, clouds.RULES)
    where = field.Field(whole, sound, clouds.RULES, orders.Orders(), 'relieve')
    steps = search.Search(where, np.random.default_rng(0)).run()
    for step in reversed(steps):
        for one in reversed(step.choices):
            where.take_back(one.i, one.source)
    assert where.board.at == fresh.at
    assert np.array_equal(where.board.used, fresh.used)
    assert np.allclose(where.board.load, fresh.load)
    members = {k: +v for k, v in where.board.members.items()}
    assert members == {k: +v for k, v in fresh.members.items()}
    for h in range(len(fresh.hosts)):
        assert where.board.innards(h) == fresh.innards(h)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_what_a_plan_gains_is_what_the_score_falls_by(seed: int) -> None:
    whole = random_cloud(seed)
    where = field.Field(
        whole,
        sanity.check(whole),
        clouds.RULES,
        orders.Orders(),
        'relieve',
    )
    before = where.score.total()
    steps = search.Search(where, np.random.default_rng(0)).run()
    fallen = (before - where.score.total()) * clouds.RULES.horizon_s
    gained = sum(one.gain for step in steps for one in step.choices)
    assert gained == pytest.approx(fallen, abs=1e-3)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_no_plan_is_better_than_the_optimum(seed: int) -> None:
    whole = random_cloud(seed)
    sound = sanity.check(whole)

    def fresh() -> field.Field:
        return field.Field(
            whole, sound, clouds.RULES, orders.Orders(), 'relieve'
        )

    mine = fresh()
    search.Search(mine, np.random.default_rng(0)).run()
    best = oracle.Oracle(fresh()).solve(5.0)
    reached = oracle.value(mine, list(mine.moved))
    # The solver counts in thousandths of a core.
    slack = 3.6 * len(sound.hosts) + 1e-3 * reached
    assert reached >= best.bound - slack
    assert reached <= oracle.value(fresh(), []) + 1e-6
    played = fresh()
    for i, h in best.moves.items():
        played.board.play(i, h)
    true = oracle.value(played, list(best.moves))
    assert best.value == pytest.approx(true, abs=slack)


def grouped(policy: str, **more: int) -> dict[str, Any]:
    return {
        'server_groups': [
            cluster.ServerGroup(id='g', policy=policy, **more)  # type: ignore[arg-type]
        ]
    }


@pytest.mark.parametrize('most', [1, 2])
def test_anti_affinity_holds_during_a_plan_of_several_moves(
    most: int,
) -> None:
    others = [clouds.host('b'), clouds.host('c')]
    whole = clouds.hot(
        others, **grouped('anti-affinity', max_server_per_host=most)
    )
    whole = clouds.each(whole, server_group='g')
    moved = clouds.moves(clouds.plan(whole))
    assert len(moved) >= 2
    places = [one.destination for one in moved]
    assert max(places.count(name) for name in set(places)) <= most


def test_a_member_under_way_counts_at_both_ends() -> None:
    whole = clouds.hot([clouds.host('b'), clouds.host('x')])
    coming = clouds.instance(50, 'x', 0.1, server_group='g')
    whole = msgspec.structs.replace(
        clouds.each(whole, server_group='g'),
        instances=[
            *clouds.each(whole, server_group='g').instances,
            coming,
        ],
        server_groups=[cluster.ServerGroup(id='g', policy='anti-affinity')],
        migrations=[
            cluster.Migration(
                instance=coming.uuid, source='x', destination='b'
            )
        ],
    )
    assert clouds.moves(clouds.plan(whole)) == []


@pytest.mark.parametrize('members', [1, 2, 6])
def test_affinity_is_never_moved_apart(members: int) -> None:
    whole = clouds.hot([clouds.host('b')], **grouped('affinity'))
    instances = [
        msgspec.structs.replace(one, server_group='g' if n < members else None)
        for n, one in enumerate(whole.instances)
    ]
    whole = msgspec.structs.replace(whole, instances=instances)
    moved = {one.instance for one in clouds.moves(clouds.plan(whole))}
    assert moved.isdisjoint(one.uuid for one in instances[:members])


@pytest.mark.parametrize(
    ('policy', 'chosen'), [('soft-anti-affinity', 'c'), ('soft-affinity', 'b')]
)
def test_a_soft_policy_decides_between_hosts(policy: str, chosen: str) -> None:
    whole = clouds.hot(
        [clouds.host('b', 1.0), clouds.host('c', 1.0)], **grouped(policy)
    )
    friend = clouds.instance(40, 'b', 0.1, server_group='g', opted_out=True)
    instances = [*clouds.each(whole, server_group='g').instances, friend]
    whole = msgspec.structs.replace(whole, instances=instances)
    moved = clouds.moves(clouds.plan(whole))
    assert moved[0].destination == chosen


def test_room_that_a_move_leaves_is_there_only_after_it() -> None:
    # Both hosts are full but for one: whoever goes first needs that room.
    tight = {
        'VCPU': cluster.Inventory(total=24),
        'MEMORY_MB': cluster.Inventory(total=6 * 8192),
    }
    whole = clouds.hot(
        [clouds.host('b', 2.0, inventories=tight)],
        host={'inventories': tight},
    )
    small = [clouds.instance(20 + n, 'b', 0.3) for n in range(6)]
    whole = msgspec.structs.replace(
        whole, instances=[*whole.instances, *small]
    )
    assert clouds.moves(clouds.plan(whole)) == []
    fewer = msgspec.structs.replace(whole, instances=[*whole.instances[:-1]])
    made = clouds.plan(fewer)
    assert len(clouds.moves(made)) >= 2
    assert judged(fewer, made, 'relieve') == []


def test_two_instances_change_places_where_no_other_move_helps() -> None:
    exact = {
        'VCPU': cluster.Inventory(total=64),
        'MEMORY_MB': cluster.Inventory(total=7 * 8192),
    }
    whole = clouds.hot(
        [clouds.host('b', 2.4, inventories=exact)],
        host={'inventories': exact},
    )
    small = [clouds.instance(20 + n, 'b', 0.4) for n in range(6)]
    made = clouds.plan(
        msgspec.structs.replace(whole, instances=[*whole.instances, *small])
    )
    moved = clouds.moves(made)
    assert {one.source for one in moved} == {'hot', 'b'}
    assert 'exchange' in {one.role for one in moved}


def test_an_evacuation_empties_a_host_and_says_who_stays() -> None:
    whole = clouds.hot([clouds.host('b'), clouds.host('c')], count=3)
    stays = msgspec.structs.replace(whole.instances[0], opted_out=True)
    whole = msgspec.structs.replace(
        whole, instances=[stays, *whole.instances[1:]]
    )
    said = orders.Orders(evacuate=('hot',))
    made = clouds.plan(whole, 'evacuate', said)
    assert {one.role for one in clouds.moves(made)} == {'evacuee'}
    assert len(clouds.moves(made)) == 2
    assert made.stays == [
        planning.Stay('hot', ['1 x it is never to be moved'])
    ]


def test_a_consolidation_empties_hosts_wholly_or_not_at_all() -> None:
    hosts = [clouds.host(name, 1.5) for name in 'abcd']
    instances = [
        clouds.instance(n + 1, 'abcd'[n // 3], 0.5) for n in range(12)
    ]
    whole = cluster.Cluster(
        time_us=clouds.NOW_US, hosts=hosts, instances=instances
    )
    made = clouds.plan(whole, 'consolidate')
    emptied = {one.source for one in clouds.moves(made)}
    assert emptied
    for name in emptied:
        left = [one for one in clouds.moves(made) if one.source == name]
        assert len(left) == 3
    (line,) = [
        part
        for part in made.recommendations[0].parts
        if part.name == 'hosts_in_use'
    ]
    assert line.after < line.before


def test_a_host_with_one_that_must_stay_is_not_consolidated() -> None:
    hosts = [clouds.host(name, 0.5) for name in 'ab']
    instances = [
        clouds.instance(1, 'a', 0.5, opted_out=True),
        clouds.instance(2, 'b', 0.5, opted_out=True),
        clouds.instance(3, 'a', 0.5),
    ]
    whole = cluster.Cluster(
        time_us=clouds.NOW_US, hosts=hosts, instances=instances
    )
    assert clouds.moves(clouds.plan(whole, 'consolidate')) == []


def test_balancing_lowers_the_spread_and_shows_it() -> None:
    whole = clouds.hot([clouds.host('b', 1.0)], count=3)
    assert clouds.moves(clouds.plan(whole)) == []
    made = clouds.plan(whole, 'balance')
    assert clouds.moves(made)
    parts = {part.name: part for part in made.recommendations[0].parts}
    assert parts['spread'].after < parts['spread'].before
    assert parts['spread'].statistic == 'deviation'


def test_a_plan_is_the_same_when_it_is_made_again() -> None:
    whole = random_cloud(9)
    first, second = clouds.plan(whole), clouds.plan(whole)
    assert first == second
    later = msgspec.structs.replace(whole, time_us=whole.time_us + 60 * 10**6)
    ids = {one.id for one in first.recommendations}
    assert {one.id for one in clouds.plan(later).recommendations} == ids


def test_the_fingerprint_is_of_facts_and_not_of_loads() -> None:
    whole = clouds.hot([clouds.host('b')])
    (one,) = clouds.plan(whole).recommendations
    warmer = msgspec.structs.replace(
        whole, hosts=[whole.hosts[0], clouds.host('b', 1.1)]
    )
    (same,) = clouds.plan(warmer).recommendations
    assert same.fingerprint == one.fingerprint
    other = msgspec.structs.replace(
        whole, hosts=[whole.hosts[0], clouds.host('b', traits=['CUSTOM_Y'])]
    )
    (new,) = clouds.plan(other).recommendations
    assert (new.id, new.fingerprint != one.fingerprint) == (one.id, True)


def test_a_plan_is_checked_again_against_the_cluster_as_it_is_now() -> None:
    whole = clouds.hot([clouds.host('b')])
    (one,) = clouds.plan(whole).recommendations
    told = validity.check(whole, one.moves, clouds.RULES)
    assert (told.verdict, told.refusals) == ('valid', [])
    closed = msgspec.structs.replace(
        whole, hosts=[whole.hosts[0], clouds.host('b', enabled=False)]
    )
    told = validity.check(closed, one.moves, clouds.RULES)
    assert told.verdict == 'invalid'
    assert 'ComputeFilter' in told.refusals[0]
    gone = msgspec.structs.replace(whole, instances=[])
    told = validity.check(gone, one.moves, clouds.RULES)
    assert told.verdict == 'invalid'


def test_what_is_lost_grows_faster_and_faster() -> None:
    knees = clouds.RULES.cpu_knees
    losses = [demand.lost(x / 4, 16.0, knees) for x in range(100)]
    steps = np.diff(losses)
    assert losses[0] == 0
    assert (np.diff(steps) >= -1e-12).all()
    assert steps[-1] == pytest.approx(0.25)
