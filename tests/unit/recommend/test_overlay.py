# SPDX-License-Identifier: Apache-2.0
"""What is measured, laid over what Nova said."""

import dataclasses

import msgspec
import pytest

from kvm_insight.model import cluster
from kvm_insight.recommend import overlay
from tests.scenario import small_cloud as cloud

GUESTS = cloud.guests()
BY_NAME = {one.name: one for one in GUESTS}
FOUND = cloud.found(BY_NAME['vic-0'], BY_NAME['agg-0'], cloud.NOW_US)
WHOLE = cloud.described(GUESTS)


def laid(
    guests: list[cloud.Guest], whole: cluster.Cluster = WHOLE
) -> cluster.Cluster:
    told = {one.host: one for one in cloud.reports(guests, [FOUND])}
    return overlay.laid(whole, told, cloud.NOW_US + 5, {})


def instance(whole: cluster.Cluster, name: str) -> cluster.Instance:
    return next(one for one in whole.instances if one.name == name)


def test_hosts_and_instances_have_their_loads() -> None:
    now = laid(GUESTS)
    hot = now.hosts[0].load
    assert hot is not None
    assert hot.used_cores == pytest.approx(9.0)
    assert hot.capacity_cores == pytest.approx(7.8)
    assert hot.lost_cores == pytest.approx(0.6)
    victim, aggressor = instance(now, 'vic-0'), instance(now, 'agg-0')
    assert victim.load is not None
    assert aggressor.load is not None
    assert victim.load.verdict == 'antagonist'
    assert victim.load.lost_cores == pytest.approx(0.6)
    assert aggressor.load.caused_cores == pytest.approx(0.54)
    assert aggressor.load.verdict is None
    assert victim.load.findings == aggressor.load.findings == [FOUND.id]
    assert now.time_us == cloud.NOW_US + 5


def test_an_instance_is_where_it_is_seen() -> None:
    now = laid(cloud.moved(GUESTS, 'agg-0', 'r/3'))
    assert instance(now, 'agg-0').host == 'r/3'
    assert instance(now, 'agg-0').task is None


def test_whose_seat_is_not_known_any_more_is_not_touched() -> None:
    cell = cluster.GuestCell(host_cell=0, vcpus=4, memory_bytes=1)
    whole = msgspec.structs.replace(
        WHOLE,
        instances=[
            msgspec.structs.replace(one, numa=[cell])
            for one in WHOLE.instances
        ],
    )
    now = laid(cloud.moved(GUESTS, 'agg-0', 'r/3'), whole)
    assert instance(now, 'agg-0').task == overlay.MOVED
    assert instance(now, 'vic-0').task is None


def test_who_is_seen_on_two_hosts_is_not_touched() -> None:
    twice = [*GUESTS, dataclasses.replace(BY_NAME['agg-0'], host='r/3')]
    now = laid(twice)
    assert instance(now, 'agg-0').host == 'r/0'
    assert instance(now, 'agg-0').task == 'migrating'
    elsewhere = cloud.moved(twice, 'agg-0', 'r/4')
    elsewhere.append(dataclasses.replace(BY_NAME['agg-0'], host='r/3'))
    now = laid(elsewhere)
    assert instance(now, 'agg-0').task is not None
    assert instance(now, 'agg-0').load is None


def test_who_is_not_reported_has_no_load() -> None:
    now = laid([one for one in GUESTS if one.name != 'agg-0'])
    assert instance(now, 'agg-0').load is None
    told = {one.host: one for one in cloud.reports(GUESTS)}
    del told['r/0']
    now = overlay.laid(WHOLE, told, cloud.NOW_US, {})
    assert now.hosts[0].load is None
    assert instance(now, 'vic-0').load is None


def test_a_host_that_is_not_described_places_nobody() -> None:
    now = laid(GUESTS, msgspec.structs.replace(WHOLE, hosts=WHOLE.hosts[1:]))
    assert instance(now, 'agg-0').host == 'r/0'


def test_old_reports_say_nothing() -> None:
    told = {one.host: one for one in cloud.reports(GUESTS)}
    late_us = cloud.NOW_US + 900 * 1_000_000
    assert overlay.fresh(told, late_us, 900) == told
    assert overlay.fresh(told, late_us + 1, 900) == {}
