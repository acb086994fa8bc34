# SPDX-License-Identifier: Apache-2.0
"""A report is read for one project: all of it, and nothing else."""

import datetime
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa

from kvm_insight.model import codec, tenant_report, usage
from kvm_insight.report import period
from kvm_insight.store import report_source
from tests.unit.report import material
from tests.unit.store import filling

HOUR_US = usage.HOUR_US
BEGIN = material.BEGIN_US // HOUR_US
BLUE, RED = material.PROJECT, 'secret-project'
ONE, TWO = material.ONE, material.TWO
FOREIGN = 'eeeeeeee-0000-4000-8000-00000000000e'


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    with filling.memory() as database, database.begin() as opened:
        yield opened


def instance(
    uuid: str, project: str, name: str, delay_us: int = 0, vcpus: int = 4
) -> usage.Instance:
    return usage.Instance(
        uuid=uuid,
        name=f'domain-{name}',
        instance_name=name,
        project_id=project,
        vcpus=vcpus,
        cpu=usage.Cpu(
            measured_us=HOUR_US,
            run_us=HOUR_US // 2,
            delay_us=delay_us,
            throttled_us=delay_us // 10,
            polled_us=HOUR_US // 10,
            histogram=[(usage.bin_of(0.5), 36_000)],
            lost_us={'antagonist': delay_us // 2},
        ),
        disk=usage.Disk(measured_us=HOUR_US, read_bytes=7, peak_bytes_s=3),
        memory=usage.Memory(measured_us=HOUR_US, usable_bytes=delay_us),
    )


def hour(
    number: int, host: str, *instances: usage.Instance, charged: int = 0
) -> usage.HostUsage:
    """An hour in which everybody charges everybody the same."""
    names = ['host', *(f'domain:{one.uuid}' for one in instances)]
    return usage.HostUsage(
        host=host,
        start_us=(BEGIN + number) * HOUR_US,
        agent_id='secret-agent',
        first_sequence=1,
        last_sequence=2,
        measured_us=HOUR_US,
        instances=list(instances),
        entities=names,
        charges=[
            (victim, runner, charged)
            for victim in range(1, len(names))
            for runner in range(len(names))
            if charged
        ],
    )


def report(
    connection: sa.Connection,
    when: period.Period = material.NOVEMBER,
    made_us: int = material.END_US,
) -> tenant_report.TenantReport:
    whose = report_source.project(connection, BLUE)
    assert whose is not None
    return report_source.report(connection, whose, when, made_us)


def test_nothing_of_another_project_is_in_it(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    fill.hour(
        hour(
            0,
            'secret-host',
            instance(ONE, BLUE, 'web', 1000),
            instance(FOREIGN, RED, 'secret-vm', 5000),
            charged=100,
        )
    )
    fill.incident(material.found(material.party(FOREIGN, RED, 'secret-vm')))
    theirs = material.found(
        material.party(ONE, BLUE, 'web'),
        victim=material.party(FOREIGN, RED, 'secret-vm'),
    )
    fill.incident(
        codec.decode(  # another id
            codec.encode(theirs).replace(b'secret-finding-id', b'secret-2'),
            type(theirs),
        )
    )
    one = report(connection)
    assert [each.name for each in one.instances] == ['web']
    assert len(one.findings) == len(one.caused) == 1
    assert one.totals.cpu.waited_core_s == 0.001
    whole = codec.encode(one).decode()
    for word in ('secret', 'eeeeeeee', 'user-7'):
        assert word not in whole


def test_waits_for_one_s_own_are_told_from_those_for_others(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    delay_us = 40_000_000
    fill.hour(
        hour(
            0,
            'one',
            instance(ONE, BLUE, 'web', delay_us),
            instance(TWO, BLUE, 'batch', delay_us),
            instance(FOREIGN, RED, 'x', delay_us),
            charged=5_000_000,
        )
    )
    causes = report(connection).totals.cpu.causes
    assert causes.own_project == 10.0
    assert causes.other_projects == 10.0
    assert causes.own_threads == causes.host == 10.0
    # Throttled, for which the ledger charged nobody.
    assert causes.quota == 8.0
    assert causes.unattributed == 32.0


def test_charges_beyond_the_delay_are_taken_off_in_proportion(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    fill.hour(
        hour(
            0,
            'one',
            instance(ONE, BLUE, 'web', 4_000_000),
            instance(TWO, BLUE, 'batch', 4_000_000),
            charged=5_000_000,
        )
    )
    cpu = report(connection).totals.cpu
    causes = cpu.causes
    assert cpu.waited_core_s == 8.0
    assert causes.own_project == pytest.approx(8 * 5 / 15.4, abs=0.01)
    assert causes.own_project == causes.own_threads == causes.host
    assert causes.other_projects == causes.unattributed == 0.0


def test_two_records_of_an_hour_have_a_ledger_each(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    both = [instance(uuid, BLUE, uuid[-1], 20_000_000) for uuid in (ONE, TWO)]
    fill.hour(hour(0, 'one', *both, charged=5_000_000))
    fill.hour(hour(0, 'one', *both, charged=1_000_000), part=7)
    assert report(connection).totals.cpu.causes.own_project == 12.0


def test_an_hour_on_two_hosts_is_one_hour(connection: sa.Connection) -> None:
    fill = filling.Filling(connection)
    for host in ('one', 'two'):
        fill.hour(hour(3, host, instance(ONE, BLUE, 'web', 6_000_000)))
    one = report(connection)
    (worst,) = one.worst
    assert worst.waited_core_s == 12.0
    assert worst.start_us == (BEGIN + 3) * HOUR_US
    assert one.totals.disk is not None
    assert one.totals.disk.read_bytes == 14


def test_hours_that_begin_outside_do_not_count(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    for number in (-1, 0, 719, 720):
        fill.hour(hour(number, 'one', instance(ONE, BLUE, 'web', 10**6)))
    one = report(connection)
    assert one.totals.cpu.waited_core_s == 2.0
    assert one.resolution == 'hour'
    assert sum(slot.waited_core_s for slot in one.timeline) == 2.0


def test_what_has_no_hours_any_more_is_told_by_days(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    for number in [*range(0, 25 * 24, 24), *range(25 * 24 - 3, 30 * 24)]:
        fill.hour(hour(number, 'one', instance(ONE, BLUE, 'web', 10**6)))
    fill.purged(BEGIN + 25 * 24 - 3)
    one = report(connection)
    assert one.resolution == 'mixed'
    assert one.totals.cpu.waited_core_s == 25 + 3 + 5 * 24
    assert {each.length_s for each in one.worst} == {3_600.0}
    fill.purged(BEGIN + 30 * 24)
    one = report(connection)
    assert one.resolution == 'day'
    assert one.totals.cpu.waited_core_s == 25 + 3 + 5 * 24
    assert {each.length_s for each in one.worst} == {86_400.0}


def test_hours_are_used_where_nothing_was_purged_yet(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    fill.hour(hour(5, 'one', instance(ONE, BLUE, 'web', 10**6)))
    one = report(connection)
    assert one.resolution == 'hour'
    assert one.worst[0].length_s == 3600.0


def test_a_right_size_is_told_from_what_it_is_now(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    for number in range(30):
        vcpus = 2 if number < 10 else 8
        one = instance(ONE, BLUE, 'web', 10**6, vcpus)
        fill.hour(hour(number, 'one', one))
    (told,) = report(connection).instances
    assert told.sizing.vcpus == 8
    assert told.sizing.since_us == (BEGIN + 10) * HOUR_US
    assert told.sizing.measured_s == 20 * 3600.0
    assert told.memory is not None
    assert told.memory.usable_bytes == 10**6


def test_an_instance_without_data_is_in_it(connection: sa.Connection) -> None:
    fill = filling.Filling(connection)
    fill.instance(
        instance(ONE, BLUE, 'silent'), material.BEGIN_US - 2 * HOUR_US
    )
    (one,) = report(connection).instances
    assert (one.name, one.coverage) == ('silent', 0.0)
    connection.execute(sa.text('UPDATE instance SET gone_us = 5'))
    assert report(connection).instances == []


def test_projects_are_found_by_their_id_alone(
    connection: sa.Connection,
) -> None:
    filling.Filling(connection).project(BLUE, 'shop')
    assert report_source.project(connection, 'shop') is None
    (one,) = report_source.projects(connection)
    assert (one.uuid, one.name) == (BLUE, 'shop')
    assert report_source.known(connection, one) is None


def test_a_period_in_another_zone_begins_there(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    for number in (-2, -1, 0):
        fill.hour(hour(number, 'one', instance(ONE, BLUE, 'web', 10**6)))
    zone = datetime.timezone(datetime.timedelta(hours=1, minutes=30))
    when = period.month('2026-11', zone, '+01:30')
    one = report(connection, when)
    assert one.totals.cpu.waited_core_s == 2.0
    assert any('in which it begins' in note for note in one.notes)


def test_what_is_open_without_end_is_so_until_now_and_not_after(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    fill.hour(hour(0, 'one', instance(ONE, BLUE, 'web', 10**6)))
    theirs = material.party(TWO, RED, 'x')
    for ident, victim in (('1', None), ('2', theirs)):
        one = material.found(
            material.party(ONE, BLUE, 'web'), victim=victim, closed_us=None
        )
        fill.incident(msgspec.structs.replace(one, id=ident))
    now_us = material.BEGIN_US + 5 * HOUR_US
    there = report(connection, made_us=now_us)
    assert len(there.instances) == len(there.findings) == 1
    assert len(there.caused) == 1
    for month, made_us in (('2026-12', now_us), ('2026-10', now_us)):
        when = period.month(month, datetime.UTC, 'UTC')
        one_month = report(connection, when, made_us)
        assert one_month.instances == []
        assert one_month.findings == []
        assert one_month.caused == []


def test_nothing_is_gone_of_what_was_measured_from_its_first_hour_on(
    connection: sa.Connection,
) -> None:
    fill = filling.Filling(connection)
    fill.hour(hour(27 * 24 + 6, 'one', instance(ONE, BLUE, 'web', 10**6)))
    # Of another project there are days before its hours.
    theirs = instance(FOREIGN, RED, 'x', 10**6)
    fill.hour(hour(24 * 24, 'one', theirs))
    fill.hour(hour(25 * 24 + 2, 'one', theirs))
    fill.purged(BEGIN + 25 * 24)
    one = report(connection)
    assert one.resolution == 'hour'
    assert not any('not kept' in note for note in one.notes)
    assert one.totals.cpu.waited_core_s == 1.0


def test_a_store_without_a_row_has_hours(connection: sa.Connection) -> None:
    one = instance(ONE, BLUE, 'silent')
    filling.Filling(connection).instance(one, material.BEGIN_US)
    assert report(connection).resolution == 'hour'
