# SPDX-License-Identifier: Apache-2.0
"""What a change of final places is said to cost is what it costs."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moves import random_cluster

from kvm_insight.model import cluster
from kvm_insight.recommend import (
    field,
    orders,
    pairs,
    places,
    prospects,
    sanity,
)
from tests.unit.recommend import clouds

SEEDS = st.integers(0, 10**6)


def some_places(seed: int) -> places.Places:
    shape = random_cluster.Shape(5, 8, 3, grouped=0.8, tight=0.4)
    whole = random_cluster.make(shape, np.random.default_rng(seed))
    where = field.Field(
        whole, sanity.check(whole), clouds.RULES, orders.Orders(), 'relieve'
    )
    return places.Places(where, list(range(len(where.board.hosts))), {})


def wander(
    where: places.Places, seen: prospects.Prospects, dice: np.random.Generator
) -> None:
    """Let a few go anywhere, looking at all prospects in between."""
    for _ in range(6):
        open_ = np.argwhere(np.isfinite(seen.arrivals()))
        if len(open_):
            n, b = open_[int(dice.integers(len(open_)))]
            where.go(int(n), int(b))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_what_is_kept_of_prospects_is_what_a_fresh_look_tells(
    seed: int,
) -> None:
    where = some_places(seed)
    seen = prospects.Prospects(where)
    wander(where, seen, np.random.default_rng(seed))
    fresh = prospects.Prospects(where)
    assert np.array_equal(seen.arrivals(), fresh.arrivals())
    assert np.array_equal(seen.reliefs(), fresh.reliefs())


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_one_that_goes_changes_the_value_as_told(seed: int) -> None:
    where, dice = some_places(seed), np.random.default_rng(seed)
    seen = prospects.Prospects(where)
    wander(where, seen, dice)
    change = seen.arrivals() - seen.reliefs()[:, None]
    for n, b in dice.permutation(np.argwhere(np.isfinite(change)))[:10]:
        before, here = where.value(), int(where.at[n])
        where.go(int(n), int(b))
        assert where.value() - before == pytest.approx(change[n, b], abs=1e-6)
        where.go(int(n), here)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_two_that_change_places_change_the_value_as_told(seed: int) -> None:
    where, dice = some_places(seed), np.random.default_rng(seed)
    wander(where, prospects.Prospects(where), dice)
    told = pairs.Pairs(where)
    for a in range(len(where.hosts)):
        i, j, change = told.swapped(told.into(a), a)
        for n in dice.permutation(len(change))[:10]:
            before, there = where.value(), int(where.at[j[n]])
            where.go(int(j[n]), a)
            where.go(int(i[n]), there)
            gone = where.value() - before
            assert gone == pytest.approx(change[n], abs=1e-6)
            where.go(int(i[n]), a)
            where.go(int(j[n]), there)


def test_where_one_forecast_is_against_the_best_move_another_is_made() -> None:
    def vm(number: int, low: float, high: float) -> cluster.Instance:
        return clouds.instance(
            number,
            'hot',
            load=cluster.InstanceLoad(
                used_cores=0.1, peaks=[forecast(low, high)]
            ),
        )

    def forecast(low: float, high: float) -> cluster.Peak:
        return cluster.Peak(horizon_s=3600, p50_cores=low, p95_cores=high)

    load = cluster.HostLoad(
        time_us=clouds.NOW_US,
        capacity_cores=16.0,
        used_cores=9.0,
        peaks=[forecast(11.5, 16.0)],
    )
    hosts = [clouds.host('hot', load=load), clouds.host('cool')]
    spiky, steady, rest = vm(1, 0.0, 5.0), vm(2, 0.5, 2.0), vm(3, 9.0, 9.0)
    made = clouds.plan(
        cluster.Cluster(
            time_us=clouds.NOW_US,
            hosts=hosts,
            instances=[
                spiky,
                steady,
                msgspec.structs.replace(rest, opted_out=True),
            ],
        )
    )
    assert [one.instance for one in clouds.moves(made)] == [steady.uuid]
    (one,) = made.recommendations
    price = clouds.RULES.worth * one.cost_core_s
    assert min(one.gain_core_s, one.gain_p95_core_s) >= price
