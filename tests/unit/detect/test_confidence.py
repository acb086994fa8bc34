# SPDX-License-Identifier: Apache-2.0
"""How sure a verdict is, once it is known how often such ones are right."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.detect import confidence


def test_the_tables_never_fall() -> None:
    for of_kind, table in confidence.TABLES.items():
        for before, after in itertools.pairwise(table):
            assert before[0] <= after[0], of_kind
            assert before[1] <= after[1], of_kind


@given(st.sampled_from([*sorted(confidence.TABLES), 'else']), st.floats(0, 1))
def test_a_confidence_is_a_part(of_kind: str, raw: float) -> None:
    assert 0 <= confidence.calibrated(of_kind, raw) <= 1


def test_an_unknown_kind_is_as_sure_as_the_rules_think() -> None:
    assert confidence.calibrated('else', 0.42) == 0.42
