# SPDX-License-Identifier: Apache-2.0
"""Demand: spans of any length become a trace that keeps what they sum to."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.simulate import demand

Spans = list[tuple[float, float]]


def laid_out(lasts: list[float], values: list[float]) -> demand.Floats:
    """Lay out spans that follow each other, from 1000 s on."""
    ends = 1000 + numpy.cumsum(numpy.array(lasts))
    made = demand.laid_out(
        ends, numpy.array(lasts), numpy.array(values), 300.0
    )
    assert made.every_s == 300.0
    return made.values


def test_a_long_span_fills_its_steps_and_a_short_one_its_part() -> None:
    found = laid_out([600.0, 100.0, 200.0], [0.5, 0.9, 0.3])
    assert found == pytest.approx([0.5, 0.5, 0.5])


def test_what_was_not_measured_is_no_number() -> None:
    found = laid_out([300.0, 300.0, 100.0, 200.0], [0.1, numpy.nan, 0.4, 0.4])
    assert found == pytest.approx([0.1, numpy.nan, 0.4], nan_ok=True)
    assert numpy.isnan(laid_out([600.0], [numpy.nan])).all()


def test_a_second_that_clocks_are_off_is_no_gap() -> None:
    ends, lasts = numpy.array([300.0, 601.0]), numpy.array([300.0, 300.0])
    found = demand.laid_out(ends, lasts, numpy.array([0.2, 0.4]), 300.0)
    assert found.values[:2] == pytest.approx([0.2, 0.4])


def test_more_steps_than_fit_are_refused() -> None:
    ends, lasts = numpy.array([0.0, 1e12]), numpy.array([1.0, 1.0])
    with pytest.raises(ValueError, match='steps of 300 s'):
        demand.laid_out(ends, lasts, numpy.array([0.2, 0.4]), 300.0)


@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.floats(0, 100)),
        min_size=1,
        max_size=40,
    ),
    st.randoms(use_true_random=False),
)
def test_the_sum_is_kept_in_any_order(spans: Spans, chance: object) -> None:
    lasts, values = numpy.array(spans, numpy.float64).T
    ends = numpy.cumsum(lasts)
    order = numpy.arange(len(ends))
    chance.shuffle(order)  # type: ignore[attr-defined]
    made = demand.laid_out(ends[order], lasts[order], values[order], 100.0)
    steps = numpy.full(len(made.values), 100.0)
    steps[-1] -= len(steps) * 100.0 - ends[-1]
    # The last step may be a sliver, of which nothing is known.
    known = numpy.isfinite(made.values)
    assert known[:-1].all()
    summed = float((made.values * steps)[known].sum())
    slack = 0.0 if known[-1] else 100.0
    assert summed == pytest.approx(
        float(lasts @ values), rel=1e-6, abs=slack + 1e-6
    )
