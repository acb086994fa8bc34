# SPDX-License-Identifier: Apache-2.0
"""CPU lists as Linux writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import cpulist


@given(st.frozensets(st.integers(0, 4095)))
def test_what_is_rendered_is_parsed_again(cpus: frozenset[int]) -> None:
    assert cpulist.parse(cpulist.render(cpus)) == cpus


def test_ranges_are_as_linux_writes_them() -> None:
    assert cpulist.render([8, 3, 2, 1, 0]) == '0-3,8'
    assert cpulist.parse('0-3,8\n') == frozenset({0, 1, 2, 3, 8})
    assert cpulist.parse('') == frozenset()


@pytest.mark.parametrize('text', ['a', '3-1', '-1', '0-99999999999', '1-2-3'])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cpulist.parse(text)
