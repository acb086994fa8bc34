# SPDX-License-Identifier: Apache-2.0
"""Load: what is excess, and what is usual."""

import numpy
import pytest

from kvm_insight.simulate import demand, load, plan

SECONDS = 3600
STEP_S = 5.0
AT = demand.times(SECONDS, STEP_S)


def host(**more: object) -> plan.Host:
    guests = tuple(
        plan.Guest(
            name=name,
            uuid=plan.uuid_of(1, name),
            cpus=(frozenset(range(4)),) * 4,
            **more,  # type: ignore[arg-type]
        )
        for name in 'ab'
    )
    return plan.Host(name='h', cpus=4, guests=guests)


def innocent(
    quiet: load.Floats,
    extra: load.Floats,
    *,
    usual: bool = False,
    **more: object,
) -> load.Floats:
    """Return the first guest's demand without excess."""
    both = numpy.array([quiet, quiet])
    wanted = numpy.array([quiet + extra, quiet])
    wants = load.Load(STEP_S, both, wanted, numpy.array([usual, usual]))
    found: load.Floats = load.innocent(host(**more), wants)[0]
    return found


def test_what_was_put_on_top_is_excess() -> None:
    quiet = numpy.full(len(AT), 1.0)
    found = innocent(quiet, 2 * demand.span(AT, 1803.0, 2222.0))
    assert found == pytest.approx(quiet)


def test_what_rises_above_its_own_level_is_excess() -> None:
    quiet = 1 + 2 * demand.span(AT, 1800.0, 2400.0)
    found = innocent(quiet, 0 * quiet)
    assert found.max() == pytest.approx(1.0)


def test_ordinary_noise_is_no_excess() -> None:
    quiet = demand.steady(numpy.random.default_rng(1), AT, 0.05)
    assert innocent(quiet, 0 * quiet) == pytest.approx(quiet)


def test_a_usual_rise_is_no_excess() -> None:
    quiet = 1 + 2 * demand.span(AT, 1800.0, 2400.0)
    assert innocent(quiet, 0 * quiet, usual=True) == pytest.approx(quiet)


def test_a_newcomer_may_have_its_entitlement() -> None:
    quiet = 4 * demand.span(AT, 1800.0, 3600.0)
    found = innocent(quiet, 0 * quiet, starts_s=1800.0)
    assert found[-1] == pytest.approx(2.0)


def test_a_trace_goes_round_and_bridges_what_is_missing() -> None:
    rng = numpy.random.default_rng(2)
    values = numpy.array([1.0, numpy.nan, 3.0])
    found = demand.traced(rng, AT, values, 300.0, 0.0)
    assert numpy.isfinite(found).all()
    assert found[60] == pytest.approx(2.0, rel=0.5)
    nothing = demand.traced(rng, AT, numpy.array([numpy.nan]), 300.0, 0.0)
    assert not nothing.any()
