# SPDX-License-Identifier: Apache-2.0
"""The right size: by what was wanted, and only if enough was measured."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import sizing as sizes
from kvm_insight.model import tenant_report, usage
from kvm_insight.report import sizing
from tests.unit.report import material

DAYS_US = 10 * 24 * material.HOUR_US


def sized(*parts: tuple[float, int], vcpus: int = 4) -> sizes.Sized:
    """Cores and for how many of a hundred parts they were wanted."""
    return sizes.Sized(
        vcpus=vcpus,
        since_us=material.BEGIN_US,
        measured_us=DAYS_US,
        wanted_us=DAYS_US,
        throttled_us=0,
        histogram=usage.merged(
            [[(usage.bin_of(cores), part)] for cores, part in parts]
        ),
    )


def judged(
    one: sizes.Sized | None, coverage: float | None = 1.0
) -> tenant_report.Sizing:
    return sizing.of(material.use(sized=one), coverage, sizes.RULE)


@pytest.mark.parametrize(
    ('parts', 'verdict', 'proposed'),
    [
        ([(0.5, 100)], 'oversized', 1),
        ([(0.5, 98), (1.7, 2)], 'oversized', 3),
        ([(0.5, 98), (2.5, 2)], 'fits', None),
        ([(2.0, 100)], 'fits', None),
        ([(1.0, 90), (3.9, 10)], 'undersized', None),
    ],
)
def test_the_verdict_is_by_high_quantiles(
    parts: list[tuple[float, int]], verdict: str, proposed: int | None
) -> None:
    told = judged(sized(*parts))
    assert (told.verdict, told.proposed_vcpus) == (verdict, proposed)
    assert told.p50_cores is not None


def test_one_vcpu_is_never_too_many() -> None:
    assert judged(sized((0.01, 100), vcpus=1)).verdict == 'fits'


def test_who_is_stopped_by_its_quota_is_not_oversized() -> None:
    stopped = dataclasses.replace(
        sized((0.2, 100)), throttled_us=DAYS_US // 10
    )
    assert judged(stopped).verdict == 'undersized'
    assert 'CPU limit' in judged(stopped).reason


def test_too_little_data_gives_no_verdict() -> None:
    short = dataclasses.replace(
        sized((0.2, 100)), measured_us=23 * material.HOUR_US
    )
    assert judged(short).verdict == 'unknown'
    assert judged(sized((0.2, 100)), 0.4).verdict == 'unknown'
    assert judged(sized((0.2, 100)), None).verdict == 'unknown'
    assert judged(None).verdict == 'unknown'
    assert judged(None).p99_cores is None
    assert judged(sized((0.2, 100), vcpus=0)).verdict == 'unknown'


@given(
    st.lists(st.tuples(st.floats(0, 64), st.integers(1, 1000)), min_size=1),
    st.integers(1, 64),
)
def test_a_proposal_is_smaller_and_would_have_been_enough(
    parts: list[tuple[float, int]], vcpus: int
) -> None:
    told = judged(sized(*parts, vcpus=vcpus))
    if told.verdict == 'oversized':
        assert told.proposed_vcpus is not None
        assert told.p99_cores is not None
        assert told.p99_cores <= told.proposed_vcpus < vcpus
    else:
        assert told.proposed_vcpus is None
