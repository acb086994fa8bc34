# SPDX-License-Identifier: Apache-2.0
"""What a fleet is told to write, and what may not be changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.bus import port, sizing, topic


def test_five_hundred_hosts_write_what_the_design_says() -> None:
    plan = sizing.plan(sizing.Fleet(hosts=500, replication=3, days=2))
    assert plan.samples_per_s == 50
    assert plan.bytes_per_day == pytest.approx(58e9, rel=0.01)
    assert plan.kept_bytes == 6 * plan.bytes_per_day
    assert any('58.3 GB a day' in line for line in plan.lines())


@given(
    st.integers(1, 10**5),
    st.floats(0.1, 600),
    st.floats(0.1, 60),
    st.integers(1, 300),
)
def test_any_fleet_can_be_told(
    hosts: int, interval_s: float, days: float, domains: int
) -> None:
    plan = sizing.plan(
        sizing.Fleet(
            hosts=hosts, interval_s=interval_s, days=days, domains=domains
        )
    )
    assert plan.bytes_per_day >= 0
    assert len(plan.lines()) == 5 + len(plan.topics)
    samples = plan.topics[0]
    assert samples.retention_s is not None
    assert samples.retention_s >= 3600


def test_only_what_is_missing_is_created() -> None:
    wanted = topic.layout('p.')
    there = {one.name: one.partitions for one in wanted[1:]}
    assert sizing.missing(wanted, there) == wanted[:1]
    assert sizing.missing(wanted, {'other': 3}) == wanted


def test_another_number_of_partitions_is_refused_with_the_remedy() -> None:
    with pytest.raises(exception.ConfigError, match='--partitions 6'):
        sizing.missing([port.Topic('t', 12)], {'t': 6})
