# SPDX-License-Identifier: Apache-2.0
"""A bus that is away is said once, and so is its return."""

import pytest

from kvm_insight import exception
from kvm_insight.bus import trouble

AWAY = exception.BusUnavailable('nobody answers')


def test_it_is_not_over_before_the_bus_was_ever_there() -> None:
    one = trouble.Trouble()
    assert not one.is_over
    one.end()
    assert one.is_over


def test_it_is_said_once_and_taken_back_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = trouble.Trouble()
    for _ in range(3):
        one.begin(AWAY)
        assert not one.is_over
    for _ in range(3):
        one.end()
        assert one.is_over
    assert [record.message for record in caplog.records] == [
        'bus: nobody answers; trying again',
        'bus: back',
    ]
