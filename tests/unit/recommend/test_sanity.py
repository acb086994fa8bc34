# SPDX-License-Identifier: Apache-2.0
"""A cluster that contradicts itself: told why, and nothing follows from it."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moves import random_cluster

from kvm_insight import exception
from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import planning, sanity
from tests.unit.recommend import clouds


@pytest.mark.parametrize('name', random_cluster.HOST_FAULTS)
def test_a_host_that_is_wrong_takes_no_part(name: str) -> None:
    # With 1,000 megabytes in use a host is cool, and would be taken.
    bad = random_cluster.HOST_FAULTS[name](clouds.host('bad', 0.1))
    again = [bad] if name == 'twice' else []
    whole = clouds.hot([bad, *again, clouds.host('good')])
    made = clouds.plan(whole)
    assert {one.destination for one in clouds.moves(made)} == {'good'}
    if name not in ('stale', 'unmeasured'):
        assert {one.name for one in made.left_out} == {'bad'}
        assert all(one.reason for one in made.left_out)


@pytest.mark.parametrize('name', random_cluster.INSTANCE_FAULTS)
def test_an_instance_that_is_wrong_stays(name: str) -> None:
    whole = clouds.hot([clouds.host('b')], count=5)
    one = clouds.instance(9, 'hot', 4.0)
    changed = random_cluster.INSTANCE_FAULTS[name](one, 'b')
    instances = [*whole.instances, changed]
    if name == 'two_hosts':
        instances.append(one)
    made = clouds.plan(msgspec.structs.replace(whole, instances=instances))
    assert clouds.moves(made)
    assert one.uuid not in {move.instance for move in clouds.moves(made)}
    assert [x.name for x in made.left_out] == [one.uuid]


def test_a_vm_on_two_hosts_while_it_migrates_holds_both() -> None:
    one = clouds.instance(9, 'hot', 4.0)
    other = msgspec.structs.replace(one, host='b')
    running = cluster.Migration(
        instance=one.uuid, source='hot', destination='b'
    )
    whole = clouds.hot([clouds.host('b')], count=2)
    for listed in ([one], [other], [one, other]):
        whole_ = msgspec.structs.replace(
            whole,
            instances=[*whole.instances, *listed],
            migrations=[running],
        )
        held = sanity.held(whole_)
        assert held['hot', 'VCPU'] == 3 * 4
        assert held['b', 'VCPU'] == 4
        moved = clouds.moves(clouds.plan(whole_))
        assert one.uuid not in {move.instance for move in moved}


def test_a_cluster_without_hosts_is_an_error_in_words() -> None:
    empty = cluster.Cluster(time_us=clouds.NOW_US)
    with pytest.raises(exception.ClusterError, match='no hosts'):
        sanity.check(empty)
    made = clouds.plan(empty)
    assert made == planning.Plan([], error='the cluster has no hosts')


def test_where_all_is_wrong_the_error_says_what() -> None:
    bad = clouds.host('bad', aggregates=['nowhere'])
    whole = cluster.Cluster(time_us=clouds.NOW_US, hosts=[bad])
    made = clouds.plan(whole)
    assert made.error is not None
    assert 'unknown aggregate nowhere' in made.error


def test_a_cluster_without_instances_needs_nothing() -> None:
    whole = cluster.Cluster(
        time_us=clouds.NOW_US, hosts=[clouds.host('a'), clouds.host('b')]
    )
    for mode in MODES:
        made = clouds.plan(whole, mode)
        assert made == planning.Plan([])


def test_one_host_alone_gets_no_recommendation() -> None:
    made = clouds.plan(clouds.hot([]))
    assert clouds.moves(made) == []
    assert [one.host for one in made.stays] == ['hot']


MODES: tuple[recommendation.Mode, ...] = (
    'relieve',
    'balance',
    'consolidate',
    'evacuate',
)
NUMBERS = st.sampled_from(
    [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e-300, 1e300]
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from(MODES),
    st.lists(st.tuples(st.integers(0, 10**6), NUMBERS), max_size=6),
)
def test_no_number_makes_an_exception(
    seed: int, mode: recommendation.Mode, wrong: list[tuple[int, float]]
) -> None:
    dice = np.random.default_rng(seed)
    shape = random_cluster.Shape(4, 4, 2)
    whole = random_cluster.make(shape, dice)
    for at, number in wrong:
        whole = _spoiled(whole, at, number)
    made = clouds.plan(whole, mode)
    for one in made.recommendations:
        assert math.isfinite(one.gain_core_s)
        assert math.isfinite(one.score_after)


def _spoiled(
    whole: cluster.Cluster, at: int, number: float
) -> cluster.Cluster:
    hosts, instances = list(whole.hosts), list(whole.instances)
    h, i = at % len(hosts), at % len(instances)
    if at % 3 == 0:
        load = hosts[h].load
        names = ('capacity_cores', 'used_cores', 'lost_cores')
        assert load is not None
        load = msgspec.structs.replace(load, **{names[at % 7 % 3]: number})
        hosts[h] = msgspec.structs.replace(hosts[h], load=load)
    elif at % 3 == 1:
        kind = sorted(hosts[h].inventories)[0]
        one = msgspec.structs.replace(
            hosts[h].inventories[kind], allocation_ratio=number
        )
        new = {**hosts[h].inventories, kind: one}
        hosts[h] = msgspec.structs.replace(hosts[h], inventories=new)
    else:
        names = ('used_cores', 'lost_cores', 'caused_cores')
        load_ = instances[i].load
        assert load_ is not None
        load_ = msgspec.structs.replace(load_, **{names[at % 7 % 3]: number})
        instances[i] = msgspec.structs.replace(instances[i], load=load_)
    return msgspec.structs.replace(whole, hosts=hosts, instances=instances)


@pytest.mark.parametrize('cores', [1e-300, 0.0, 1e300])
def test_a_host_of_absurd_size_is_left_out(cores: float) -> None:
    whole = random_cluster.make(
        random_cluster.Shape(4, 4, 2), np.random.default_rng(0)
    )
    spoiled = whole.hosts[0]
    assert spoiled.load is not None
    load = msgspec.structs.replace(spoiled.load, capacity_cores=cores)
    spoiled = msgspec.structs.replace(spoiled, load=load)
    whole = msgspec.structs.replace(whole, hosts=[spoiled, *whole.hosts[1:]])
    made = clouds.plan(whole, 'balance')
    assert spoiled.name in {one.name for one in made.left_out}
