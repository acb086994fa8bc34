# SPDX-License-Identifier: Apache-2.0
"""Advice of a report: by hours of its own instances, and of nobody else."""

import datetime
import zoneinfo
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from kvm_insight.model import codec, tenant_report, usage
from kvm_insight.report import page, period
from kvm_insight.store import report_source, report_week, rollup
from tests.unit.report import material
from tests.unit.store import filling
from tests.unit.store.test_report_source import BLUE, RED, hour

HOUR_US = usage.HOUR_US
DAY = 24
WEB, OFFICE, NOTHING, FOREIGN = (
    f'0000000{number}-0000-4000-8000-000000000001' for number in range(4)
)
GIB = 1 << 30
#: The first of November of 2026 is a Sunday.
FIRST_DAY = 6


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    with filling.memory() as database, database.begin() as opened:
        yield opened


def instance(
    uuid: str, name: str, cores: float, project: str = BLUE, vcpus: int = 4
) -> usage.Instance:
    return usage.Instance(
        uuid=uuid,
        instance_name=name,
        project_id=project,
        flavor='m1.large',
        vcpus=vcpus,
        memory_bytes=8 * GIB,
        cpu=usage.Cpu(
            measured_us=HOUR_US,
            run_us=int(cores * HOUR_US),
            histogram=[(usage.bin_of(cores), 36_000)],
        ),
        network=usage.Network(measured_us=HOUR_US, rx_bytes=1000),
        memory=usage.Memory(measured_us=HOUR_US, peak_rss_bytes=6 * GIB),
    )


def office(number: int, shift: int = 0) -> float:
    """Somebody works with it from eight to five of Monday to Friday."""
    day, at = divmod(number + shift + FIRST_DAY * DAY, DAY)
    return 2.4 if day % 7 < 5 and 8 <= at < 17 else 0.01


def fill(connection: sa.Connection, days: int = 30) -> None:
    made = filling.Filling(connection)
    made.hours(
        hour(
            number,
            'secret-host',
            instance(WEB, 'web', 0.5),
            instance(OFFICE, 'office', office(number)),
            instance(NOTHING, 'nothing', 0.01),
            instance(FOREIGN, 'secret-vm', 0.01, RED),
        )
        for number in range(days * DAY)
    )


def report(
    connection: sa.Connection, zone: str = 'UTC'
) -> tenant_report.TenantReport:
    whose = report_source.project(connection, BLUE)
    assert whose is not None
    when = period.month('2026-11', zoneinfo.ZoneInfo(zone), zone)
    return report_source.report(connection, whose, when, material.END_US)


def test_each_is_told_what_it_does_not_need_the_worst_first(
    connection: sa.Connection,
) -> None:
    fill(connection)
    one = report(connection)
    assert [(each.check, each.name) for each in one.advice] == [
        ('sizing.idle', 'nothing'),
        ('sizing.oversized', 'web'),
        ('sizing.left-running', 'office'),
    ]
    assert one.advice_checks == 5
    assert one.advice_unknown == {}
    assert one.saving is not None
    assert (one.saving.instances, one.saving.vcpus) == (3, 4 + 3)
    assert one.saving.memory_bytes == 8 * GIB
    hours = 30 * DAY * 3600
    off = 4 * hours * 108 / 168
    assert one.saving.core_s == pytest.approx(7 * hours + off)
    again = codec.decode(codec.encode(one), tenant_report.TenantReport)
    assert again == one


def test_the_verdict_of_advice_is_the_one_of_the_report(
    connection: sa.Connection,
) -> None:
    fill(connection, 20)
    one = report(connection)
    advised = {
        each.instance
        for each in one.advice
        if each.check in {'sizing.oversized', 'sizing.idle'}
    }
    assert advised
    assert advised == {
        each.uuid
        for each in one.instances
        if each.sizing.verdict == 'oversized'
    }


def test_nothing_of_another_project_is_advised(
    connection: sa.Connection,
) -> None:
    fill(connection, 10)
    whole = codec.encode(report(connection)).decode()
    assert 'secret' not in whole
    assert FOREIGN not in whole


def test_working_hours_are_those_of_the_zone(
    connection: sa.Connection,
) -> None:
    made = filling.Filling(connection)
    # At that time it is 9 hours later in Tokyo.
    made.hours(
        hour(n, 'h', instance(OFFICE, 'office', office(n, shift=9)))
        for n in range(28 * DAY)
    )
    told = [each.check for each in report(connection, 'Asia/Tokyo').advice]
    assert told == ['sizing.left-running']
    assert 'Asia/Tokyo' in report(connection, 'Asia/Tokyo').advice[0].text
    assert report(connection).advice == []


def test_what_was_before_a_resize_tells_nothing(
    connection: sa.Connection,
) -> None:
    made = filling.Filling(connection)
    sizes = [4] * 27 * DAY + [2] * DAY
    made.hours(
        hour(n, 'h', instance(NOTHING, 'nothing', 0.01, vcpus=vcpus))
        for n, vcpus in enumerate(sizes)
    )
    one = report(connection)
    assert 'sizing.idle' in one.advice_unknown
    # Of the day and the two days since, in which it is there.
    assert [each.check for each in one.advice] == ['sizing.oversized']
    assert one.advice[0].saved_core_s == 3 * DAY * 3600


def test_gaps_and_little_data_are_told_and_are_no_advice(
    connection: sa.Connection,
) -> None:
    fill(connection, 3)
    one = report(connection)
    assert one.advice == []
    assert one.saving == tenant_report.Saving()
    assert one.advice_unknown['sizing.left-running'] == 3
    note = next(n for n in one.notes if 'sizing.idle' in n)
    assert '3 instances' in note


def test_the_page_has_what_to_do(connection: sa.Connection) -> None:
    fill(connection, 20)
    text = page.text(report(connection), datetime.UTC)
    assert 'openstack server shelve' in text
    assert 'sizing.idle' in text
    assert 'What could be given back, of 3 instances' in text


@pytest.mark.parametrize(
    ('zone', 'at', 'slot'),
    [
        ('UTC', '2026-11-02T00:00', 0),
        ('UTC', '2026-11-01T23:00', 167),
        ('Europe/Berlin', '2026-11-02T00:00', 0),
        ('Asia/Kolkata', '2026-11-02T08:30', 8),
        # Clocks go back at three: two hours are the second one of Sunday.
        ('Europe/Berlin', '2026-10-25T02:00', 146),
        ('America/New_York', '2026-11-01T12:00', 156),
    ],
)
def test_an_hour_is_of_the_week_of_its_zone(
    zone: str, at: str, slot: int
) -> None:
    where = zoneinfo.ZoneInfo(zone)
    number = period.moment(at, where) // HOUR_US
    for first in (number, number - 30):
        assert hours(first, number + 30, where)[number - first] == slot


def hours(first: int, end: int, zone: datetime.tzinfo) -> list[int]:
    """Return the hour of the week of each hour."""
    told = [
        (number + offset + 72) % 168
        for begin, stop, offset in report_week.pieces(first, end, zone)
        for number in range(begin, stop)
    ]
    assert len(told) == end - first
    return told


def test_both_hours_of_a_change_of_clocks_count_as_one() -> None:
    where = zoneinfo.ZoneInfo('Europe/Berlin')
    begin = period.moment('2026-10-25T00:00', where) // HOUR_US
    told = hours(begin, begin + 25, where)
    assert told.count(146) == 2
    assert len(set(told)) == 24


def test_days_tell_no_hours_of_a_week(connection: sa.Connection) -> None:
    fill(connection, 20)
    connection.execute(sa.delete(rollup.INSTANCE_HOUR))
    one = report(connection)
    assert one.resolution == 'day'
    assert 'sizing.left-running' not in {n.check for n in one.advice}
    assert one.advice_unknown == {'sizing.left-running': 1}
