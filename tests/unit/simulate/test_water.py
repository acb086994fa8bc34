# SPDX-License-Identifier: Apache-2.0
"""Water: shares by weight, waits that grow with load, chance in common."""

import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.simulate import plan, water

CALM = water.Nature(burstiness=0.5, carry=0.0, noise=0.0)
NEAR = 1e-6


def host(cpus: int, *sizes: int, **more: object) -> plan.Host:
    """Return guests that float over all CPUs."""
    guests = tuple(
        plan.Guest(
            name=f'g{at}',
            uuid=plan.uuid_of(1, f'g{at}'),
            cpus=(frozenset(range(cpus)),) * size,
            **more,  # type: ignore[arg-type]
        )
        for at, size in enumerate(sizes)
    )
    return plan.Host(name='h', cpus=cpus, guests=guests)


def settled(
    one: plan.Host, *cores: float, nature: water.Nature = CALM
) -> tuple[list[float], list[float]]:
    """Return run and delay of the last of some equal steps."""
    wanted = numpy.repeat(numpy.array(cores)[None, :, None], 6, axis=2)
    flow = water.flow(one, 5.0, wanted, nature)
    return flow.run[0, :, -1].tolist(), flow.delay[0, :, -1].tolist()


WANTS = st.lists(st.floats(0, 4), min_size=2, max_size=6)


@settings(deadline=None)
@given(WANTS, st.integers(1, 8))
def test_each_gets_what_it_wants_or_as_much_as_anybody(
    wants: list[float], cpus: int
) -> None:
    one = host(cpus, *(4 for _ in wants))
    run, delay = settled(one, *wants)
    assert sum(run) <= cpus + NEAR
    assert math.isclose(sum(run), min(sum(wants), cpus), abs_tol=1e-4)
    most = max(run)
    for got, wanted, waited in zip(run, wants, delay, strict=True):
        assert got <= wanted + NEAR
        assert got >= min(wanted, most) - 1e-4
        assert 0 <= waited <= 4 - got + NEAR


def test_weight_decides_who_gets_more_of_what_is_short() -> None:
    one = host(3, 4, 4)
    heavy = plan.Guest(
        name='heavy',
        uuid=plan.uuid_of(1, 'heavy'),
        cpus=(frozenset(range(3)),) * 4,
        weight=200,
    )
    one = plan.Host(name='h', cpus=3, guests=(one.guests[0], heavy))
    run, _ = settled(one, 4.0, 4.0)
    assert run == pytest.approx([1.0, 2.0], abs=1e-4)


def test_a_quota_throttles_and_leaves_the_rest_to_others() -> None:
    one = host(2, 2, 2, quota_cores=0.5)
    wanted = numpy.full((1, 2, 4), 1.0)
    flow = water.flow(one, 5.0, wanted, CALM)
    assert flow.run[0, :, -1] == pytest.approx([0.5, 0.5])
    assert flow.throttled[0, :, -1] == pytest.approx([0.5, 0.5])
    assert (flow.delay >= flow.throttled - NEAR).all()


def test_waiting_grows_before_the_cpus_are_full() -> None:
    one = host(4, 4, 4)
    waits = [sum(settled(one, load, load)[1]) for load in (0.5, 1.5, 1.9)]
    assert 0 <= waits[0] < waits[1] < waits[2]
    assert waits[0] < 0.05


def test_what_was_short_is_wanted_again_in_part() -> None:
    one = host(1, 1, 1)
    wanted = numpy.zeros((1, 2, 3))
    wanted[0, :, 0] = 1.0
    carry = water.Nature(carry=0.5, noise=0.0)
    flow = water.flow(one, 5.0, wanted, carry)
    assert flow.run[0, :, 1] == pytest.approx([0.25, 0.25])


def test_pinned_guests_only_share_with_those_on_their_cpu() -> None:
    places = (frozenset([0]), frozenset([0]), frozenset([1]))
    guests = tuple(
        plan.Guest(name=str(at), uuid=plan.uuid_of(1, str(at)), cpus=(cpus,))
        for at, cpus in enumerate(places)
    )
    one = plan.Host(name='h', cpus=2, guests=guests)
    run, delay = settled(one, 1.0, 1.0, 1.0)
    assert run == pytest.approx([0.5, 0.5, 1.0], abs=1e-3)
    assert delay[2] < 0.05


def test_cpu_sets_that_overlap_are_refused() -> None:
    places = (frozenset([0]), frozenset([0, 1]))
    guests = tuple(
        plan.Guest(name=str(at), uuid=plan.uuid_of(1, str(at)), cpus=(cpus,))
        for at, cpus in enumerate(places)
    )
    one = plan.Host(name='h', cpus=2, guests=guests)
    with pytest.raises(exception.ConfigError, match='slices'):
        water.flow(one, 5.0, numpy.zeros((1, 2, 1)), CALM)


def test_a_variant_beside_others_is_the_same_as_alone() -> None:
    rng = numpy.random.default_rng(1)
    one = host(4, 2, 2, 4)
    wanted = rng.uniform(0, 3, (3, 3, 20))
    nature = water.Nature(seed=5)
    both = water.flow(one, 5.0, wanted, nature)
    alone = water.flow(one, 5.0, wanted[1:2], nature)
    assert numpy.array_equal(both.delay[1], alone.delay[0])
