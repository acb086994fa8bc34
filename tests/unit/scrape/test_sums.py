# SPDX-License-Identifier: Apache-2.0
"""A sum of parts that come, go and begin anew never falls."""

import hypothesis
from hypothesis import strategies as st

from kvm_insight.scrape import sums

PARTS = st.dictionaries(
    st.sampled_from(['vda', 'vdb', 'vdc']),
    st.none() | st.integers(0, 2**53),
)


def test_it_begins_at_zero_and_grows_with_its_parts() -> None:
    grown = sums.Sums()
    assert grown.total('a', 'n', {'vda': 100, 'vdb': 5}) == 0
    assert grown.total('a', 'n', {'vda': 110, 'vdb': 6}) == 11


def test_what_was_never_measured_is_none() -> None:
    grown = sums.Sums()
    assert grown.total('a', 'n', {}) is None
    assert grown.total('a', 'n', {'vda': None}) is None
    assert grown.total('a', 'n', {'vda': 7}) == 0


def test_a_part_that_goes_takes_nothing_with_it() -> None:
    grown = sums.Sums()
    grown.total('a', 'n', {'vda': 100, 'vdb': 50})
    assert grown.total('a', 'n', {'vda': 101}) == 1
    # Detached and attached again, it counts from zero.
    assert grown.total('a', 'n', {'vda': 101, 'vdb': 3}) == 4


def test_a_part_that_is_silent_for_a_while_is_not_counted_twice() -> None:
    grown = sums.Sums()
    grown.total('a', 'n', {'vda': 100})
    assert grown.total('a', 'n', {'vda': None}) == 0
    assert grown.total('a', 'n', {'vda': 120}) == 20


def test_parts_that_come_and_go_for_ever_are_not_all_remembered() -> None:
    grown = sums.Sums()
    grown.total('a', 'n', {'vnet0': 0})
    for number in range(1, 1000):
        assert grown.total('a', 'n', {f'vnet{number}': 1}) == number
    assert len(grown._parts['a']['n']) < 100


def test_who_is_gone_is_forgotten() -> None:
    grown = sums.Sums()
    grown.total('a', 'n', {'vda': 1})
    grown.grow('a', 'm', 3)
    grown.keep(['b'])
    assert grown.grown() == {}
    assert grown.total('a', 'n', {'vda': 9}) == 0


@hypothesis.given(st.lists(PARTS))
def test_it_never_falls(told: list[dict[str, int | None]]) -> None:
    grown = sums.Sums()
    last = 0
    for parts in told:
        total = grown.total('a', 'n', parts)
        if total is not None:
            assert total >= last
            last = total
