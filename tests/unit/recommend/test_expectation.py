# SPDX-License-Identifier: Apache-2.0
"""What is expected of hosts and instances, and when nothing is."""

import pytest

from kvm_insight.model import host_report, inventory, usage
from kvm_insight.recommend import expectation, history, overlay, pressed
from tests.scenario import small_cloud as cloud

GUESTS = cloud.guests()
DAYS_H = 48


def past(guests: list[cloud.Guest], hours: int) -> history.History:
    found = history.History(72)
    for one in cloud.hours(guests, hours):
        found.take(one)
    return found


def reports(guests: list[cloud.Guest]) -> overlay.Reports:
    return {one.host: one for one in cloud.reports(guests)}


@pytest.fixture(scope='module')
def outlook() -> expectation.Outlook:
    return expectation.Expectation().outlook(
        past(GUESTS, DAYS_H), reports(GUESTS), {}, cloud.NOW_US
    )


def test_a_steady_past_is_expected_to_go_on(
    outlook: expectation.Outlook,
) -> None:
    web = cloud.uuid_of('web-0')
    for uuid, cores in ((web, 1.5), (cloud.uuid_of('agg-0'), 4.0)):
        assert [one.horizon_s for one in outlook.peaks[uuid]] == [
            3600,
            6 * 3600,
            24 * 3600,
        ]
        for one in outlook.peaks[uuid]:
            assert one.p50_cores <= one.p95_cores
            assert one.p50_cores == pytest.approx(cores, rel=0.3)
    assert outlook.peaks['r/0'][0].p95_cores >= 8.5


def test_a_host_that_will_want_too_much_is_hot(
    outlook: expectation.Outlook,
) -> None:
    hot, cool = outlook.hosts['r/0'], outlook.hosts['r/3']
    assert (hot.state, cool.state) == ('hot', 'cool')
    assert hot.probability > 0.5 > cool.probability
    assert hot.limit_cores == pytest.approx(0.85 * 8 - 0.2)
    assert hot.now == []


def test_the_answer_is_the_same_whoever_asks_and_when() -> None:
    one, other = expectation.Expectation(), expectation.Expectation()
    known = past(GUESTS, DAYS_H)
    first = one.outlook(known, reports(GUESTS), {}, cloud.NOW_US)
    again = one.outlook(known, reports(GUESTS), {}, cloud.NOW_US + 1)
    assert first == again
    assert other.outlook(known, reports(GUESTS), {}, cloud.NOW_US) == first


def test_history_goes_where_the_instance_goes() -> None:
    known = past(GUESTS, DAYS_H)
    there = cloud.moved(GUESTS, 'agg-0', 'r/3')
    found = expectation.Expectation().outlook(
        known, reports(there), {}, cloud.NOW_US
    )
    assert found.hosts['r/0'].high_cores < found.hosts['r/0'].limit_cores
    assert found.peaks['r/3'][0].p50_cores > 4.0


@pytest.mark.parametrize('hours', [0, 3])
def test_without_a_past_nothing_is_expected(hours: int) -> None:
    found = expectation.Expectation().outlook(
        past(GUESTS, hours), reports(GUESTS), {}, cloud.NOW_US
    )
    assert found.peaks == {}
    assert {one.state for one in found.hosts.values()} == {'unknown'}


def test_an_old_past_says_nothing_of_now() -> None:
    known = past(GUESTS, DAYS_H)
    late_us = cloud.NOW_US + 6 * usage.HOUR_US
    told = expectation.Expectation().outlook(
        known, reports(GUESTS), {}, late_us
    )
    assert told.peaks == {}


def test_a_host_with_a_stranger_is_not_foretold() -> None:
    known = past(GUESTS, DAYS_H)
    more = [*GUESTS, cloud.Guest('new', 'r/3', 1.0)]
    found = expectation.Expectation().outlook(
        known, reports(more), {}, cloud.NOW_US
    )
    assert found.hosts['r/3'].state == 'unknown'
    assert found.hosts['r/4'].state == 'cool'


def minutes(*suffering: float | None) -> list[host_report.Minute]:
    return [
        host_report.Minute(
            wanted_cores=4.0 if one is not None else None,
            waited_cores=4.0 * one if one is not None else None,
            memory_full=one,
        )
        for one in suffering
    ]


@pytest.mark.parametrize(
    ('suffering', 'found'),
    [
        ((0.5, 0.5, 0.0, 0.5, 0.0), ['cpu', 'memory']),
        ((0.5, 0.5, 0.0, 0.0, 0.0), []),
        ((0.06, 0.06, 0.06, 0.06, 0.06), ['memory']),
        ((None, None, None, 0.5, 0.5), []),
    ],
)
def test_most_of_the_last_minutes_make_a_host_hot(
    suffering: tuple[float | None, ...], found: list[inventory.Resource]
) -> None:
    report = host_report.HostReport(
        host='r/0',
        time_us=1,
        agent_id='a',
        sequence=1,
        window_s=120,
        cpus=8,
        minutes=minutes(*suffering),
    )
    assert pressed.resources(report) == found
