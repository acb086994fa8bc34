# SPDX-License-Identifier: Apache-2.0
"""Whom to move so that fewer hosts do the work, and none is short."""

import dataclasses
import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.recommend import consolidation

NOW_S = 1_000_000.0
RULES = consolidation.Settings()
HOST = consolidation.Host(capacity=16.0, largest=16.0)


def instance(
    host: int, cores: float, *, memory: float = 4.0, moved_s: float = -math.inf
) -> consolidation.Instance:
    return consolidation.Instance(
        host=host,
        wanted=cores,
        expected=cores,
        variance=0.01,
        memory=memory,
        moved_s=moved_s,
    )


def decided(
    hosts: list[consolidation.Host],
    instances: list[consolidation.Instance],
) -> list[consolidation.Move]:
    return consolidation.decide(hosts, instances, NOW_S, RULES)


def after(
    instances: list[consolidation.Instance],
    moves: list[consolidation.Move],
) -> list[consolidation.Instance]:
    """The same instances where the moves put them."""
    result = list(instances)
    for move in moves:
        result[move.instance] = dataclasses.replace(
            result[move.instance],
            host=move.destination,
            moved_s=NOW_S,
            left=frozenset({move.source}),
        )
    return result


def test_a_short_host_gives_away_the_cheapest_that_is_enough() -> None:
    instances = [
        instance(0, 9.0, memory=64.0),
        instance(0, 5.0, memory=8.0),
        instance(0, 4.0, memory=16.0),
        instance(1, 10.0),
    ]
    moves = decided([HOST, HOST], instances)
    assert moves == [consolidation.Move(1, 0, 1, 'relieve')]


def test_where_none_is_enough_the_largest_goes_first() -> None:
    instances = [instance(0, 3.0) for _ in range(7)]
    instances += [instance(1, 1.0)]
    moves = decided([HOST, HOST], instances)
    assert [move.reason for move in moves] == ['relieve', 'relieve']


def test_what_is_alone_on_its_host_stays_even_if_that_is_short() -> None:
    assert decided([HOST, HOST], [instance(0, 17.0)]) == []


def test_the_least_used_host_is_emptied() -> None:
    instances = [instance(0, 8.0), instance(1, 1.0), instance(1, 1.0)]
    moves = decided([HOST, HOST], instances)
    assert {(one.instance, one.destination) for one in moves} == {
        (1, 0),
        (2, 0),
    }
    assert {one.reason for one in moves} == {'empty'}


def test_costly_hosts_are_emptied_onto_better_ones_that_are_off() -> None:
    costly = dataclasses.replace(HOST, rank=2.0)
    moves = decided(
        [costly, dataclasses.replace(HOST, rank=1.0)], [instance(0, 8.0)]
    )
    assert moves == [consolidation.Move(0, 0, 1, 'empty')]


def test_a_host_is_not_emptied_onto_one_that_is_off_and_no_better() -> None:
    assert decided([HOST, HOST], [instance(0, 8.0)]) == []


def test_a_host_is_emptied_whole_or_not_at_all() -> None:
    instances = [instance(0, 10.0), instance(1, 1.0), instance(1, 8.0)]
    assert decided([HOST, HOST], instances) == []


def test_room_for_the_variance_of_all_together_is_kept() -> None:
    """Alone they fit; with two deviations of their sum they do not."""
    calm = [instance(0, 8.0), instance(1, 6.0)]
    restless = [dataclasses.replace(one, variance=1.0) for one in calm]
    assert decided([HOST, HOST], calm)
    assert decided([HOST, HOST], restless) == []


def test_between_the_watermarks_nothing_moves() -> None:
    instances = [instance(0, 15.0), instance(0, 0.5), instance(1, 15.0)]
    assert decided([HOST, HOST], instances) == []


def test_who_moved_lately_stays() -> None:
    lately = NOW_S - RULES.cool_down_s + 1
    instances = [instance(0, 8.0), instance(1, 1.0, moved_s=lately)]
    assert [one.instance for one in decided([HOST, HOST], instances)] == [0]


def test_nobody_returns_to_where_it_came_from() -> None:
    short = [instance(0, 9.0), instance(0, 8.0), instance(1, 2.0)]
    back = [dataclasses.replace(one, left=frozenset({1})) for one in short[:2]]
    assert decided([HOST, HOST], short)
    assert decided([HOST, HOST], [*back, short[2]]) == []


def test_an_instance_goes_only_where_a_core_is_fast_enough() -> None:
    costly = dataclasses.replace(HOST, rank=2.0)
    fast = dataclasses.replace(HOST, rank=1.0)
    slow = dataclasses.replace(fast, largest=1.0)
    assert decided([costly, fast], [instance(0, 4.0)])
    assert decided([costly, slow], [instance(0, 4.0)]) == []


@pytest.mark.parametrize('value', [math.nan, math.inf, -1.0])
def test_of_a_host_that_is_not_known_nothing_is_decided(value: float) -> None:
    whole = instance(1, 1.0)
    for odd in (
        dataclasses.replace(whole, wanted=value),
        dataclasses.replace(whole, expected=value),
        dataclasses.replace(whole, variance=value),
        dataclasses.replace(whole, memory=value),
    ):
        assert decided([HOST, HOST], [instance(0, 8.0), odd]) == []


@pytest.mark.parametrize('capacity', [math.nan, 0.0, -4.0])
def test_a_host_without_capacity_takes_no_part(capacity: float) -> None:
    broken = consolidation.Host(capacity=capacity, largest=16.0)
    instances = [instance(0, 8.0), instance(1, 1.0)]
    assert decided([broken, HOST], instances) == []


def test_without_hosts_there_are_no_moves() -> None:
    assert decided([], []) == []


FLEETS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.floats(0.0, 8.0),
        st.floats(0.0, 8.0),
        st.floats(0.0, 4.0),
    ),
    max_size=30,
).map(
    lambda rows: [
        consolidation.Instance(host, wanted, expected, variance, 1.0)
        for host, wanted, expected, variance in rows
    ]
)


@given(FLEETS)
def test_no_move_makes_a_host_short_and_none_is_undone(
    fleet: list[consolidation.Instance],
) -> None:
    hosts = [HOST] * 6
    moves = decided(hosts, fleet)
    assert len({move.instance for move in moves}) == len(moves)
    later = after(fleet, moves)
    for host in {move.destination for move in moves}:
        members = [one for one in later if one.host == host]
        expected = sum(one.expected for one in members)
        deviation = math.sqrt(sum(one.variance for one in members))
        assert expected + RULES.deviations * deviation <= 16.0 + 1e-6
        assert sum(one.wanted for one in members) <= 16.0 + 1e-6
    again = {move.instance for move in decided(hosts, later)}
    assert not again & {move.instance for move in moves}


@given(FLEETS)
def test_hosts_in_use_never_become_more_unless_one_is_short(
    fleet: list[consolidation.Instance],
) -> None:
    hosts = [HOST] * 6
    wanted = numpy.zeros(6)
    for one in fleet:
        wanted[one.host] += one.wanted
    used = {one.host for one in fleet}
    later = {one.host for one in after(fleet, decided(hosts, fleet))}
    assert len(later) <= len(used) or (wanted > 16.0).any()
