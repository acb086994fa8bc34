# SPDX-License-Identifier: Apache-2.0
"""What the exact ledger thinks of itself."""

import pytest

from kvm_insight import exception
from kvm_insight.observe.ledger import health

AT_REST = health.Counts()


def test_a_row_that_agrees_with_the_kernel_is_trusted() -> None:
    assert health.confidence({'host': 1_000_000}, 1_000_500, 0.0) == 1.0
    assert health.confidence({}, 0, 0.0) == 1.0


def test_confidence_falls_with_what_is_missing() -> None:
    row = {'host': 900_000, 'unattributed': 100_000}
    assert health.confidence(row, 1_000_000, 0.0) == 0.9
    assert health.confidence(row, 1_000_000, 0.1) == 0.81
    assert health.confidence({'host': 500_000}, 1_000_000, 0.0) < 0.55
    assert health.confidence({}, 1_000_000, 1.0) == 0.0


def test_a_row_without_run_delay_is_judged_by_the_rest() -> None:
    assert health.confidence({'host': 5}, None, 0.0) == 1.0


def test_completeness_is_rows_over_run_delay() -> None:
    check = health.SelfCheck()
    assert check.judge(999, 1_000, AT_REST) == 0.999
    assert check.judge(0, 0, AT_REST) is None


@pytest.mark.parametrize(('charged', 'delay'), [(0, 600_000), (600_000, 0)])
def test_rows_far_from_run_delay_fail(charged: int, delay: int) -> None:
    with pytest.raises(exception.LedgerError, match='run delay'):
        health.SelfCheck().judge(charged, delay, AT_REST)


def test_little_waiting_proves_nothing() -> None:
    health.SelfCheck().judge(0, 400_000, AT_REST)


def test_an_old_mismatch_is_forgotten() -> None:
    check = health.SelfCheck()
    check.judge(0, 400_000, AT_REST)
    for _ in range(3):
        check.judge(9_000_000, 9_000_000, AT_REST)
    assert check.judge(300_000, 300_000, AT_REST) == 1.0


def test_many_unreported_switches_fail() -> None:
    before = health.Counts(switches=100, missed=1)
    happened = health.Counts(switches=190, missed=11).since(before)
    assert happened.missed_share == 0.1
    assert before.since(before).missed_share == 0.0
    with pytest.raises(exception.LedgerError, match='not reported'):
        health.SelfCheck().judge(600_000, 600_000, happened)


def test_switches_of_cpus_at_rest_are_missed_and_cost_nobody() -> None:
    check = health.SelfCheck()
    for _ in range(5):
        check.judge(2_000, 2_000, health.Counts(switches=900, missed=100))
    busy = health.Counts(switches=90_000, missed=100)
    assert check.judge(9_000_000, 9_000_000, busy) == 1.0
