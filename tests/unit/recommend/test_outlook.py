# SPDX-License-Identifier: Apache-2.0
"""What instances will want soon."""

import numpy
import pytest

from kvm_insight.recommend import outlook


def seen(values: list[float], limit: float = 4.0) -> outlook.Outlook:
    made = outlook.Outlook(numpy.array([limit]))
    for value in values:
        made.update(numpy.array([value]))
    return made


def test_the_first_value_is_the_level() -> None:
    assert seen([2.0]).level[0] == 2.0


def test_an_unknown_instance_may_deviate_by_its_limit() -> None:
    small, large = seen([1.0], 1.0), seen([1.0], 16.0)
    assert large.variance[0] == pytest.approx(256 * small.variance[0])


def test_a_steady_instance_loses_its_variance() -> None:
    assert seen([2.0] * 100).variance[0] < 0.001


def test_a_rise_is_followed_at_once_and_a_fall_slowly() -> None:
    before = [1.0] * 50
    risen = seen([*before, 4.0, 4.0, 4.0]).level[0]
    fallen = seen([4.0] * 50 + [1.0] * 3).level[0]
    assert risen > 3.0
    assert fallen > 3.0


def test_variance_is_that_of_the_values() -> None:
    values = numpy.random.default_rng(1).normal(2.0, 0.5, 4000)
    made = outlook.Outlook(numpy.array([4.0]))
    found = []
    for value in values:
        made.update(numpy.array([value]))
        found.append(made.variance[0])
    assert numpy.mean(found[100:]) == pytest.approx(0.25, rel=0.15)


def test_what_was_not_measured_changes_no_level() -> None:
    known = seen([2.0] * 10)
    level = known.level[0]
    known.update(numpy.array([numpy.nan]))
    assert known.level[0] == pytest.approx(level)
    assert numpy.isfinite(known.variance).all()
