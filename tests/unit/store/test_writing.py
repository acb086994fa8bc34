# SPDX-License-Identifier: Apache-2.0
"""What the records say is in the rows, and what was taken back is told."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.model import codec, control, finding, inventory, usage
from kvm_insight.store import charges, rollup, table
from kvm_insight.store.write import (
    account,
    batch,
    book,
    facts,
    findings,
    hour_row,
    hours,
    orders,
    recommendations,
    told,
)
from tests import kept
from tests.unit.store import made


def rows(database: sa.Engine, of: sa.Table) -> list[dict[str, object]]:
    return kept.tables(database)[of.name]


def test_a_ledger_is_split_by_class_and_agrees_with_the_model() -> None:
    one = made.golden('usage', usage.HostUsage)
    accounts = account.Account(one)
    for guest in one.instances:
        ample = msgspec.structs.replace(
            guest.cpu, delay_us=2**60, throttled_us=0
        )
        found = accounts.columns(guest.uuid, ample)
        waited = sum(found[f'waited_{kind}_us'] for kind in account.CLASSES)
        assert waited == sum(usage.row(one, guest.uuid).values())
        column = usage.column(one, guest.uuid)
        column.pop(f'domain:{guest.uuid}', None)
        assert found['caused_us'] == sum(
            us for who, us in column.items() if who.startswith('domain:')
        )


def test_causes_never_add_up_to_more_than_the_delay() -> None:
    one = made.golden('usage', usage.HostUsage)
    accounts = account.Account(one)
    for guest in one.instances:
        for delay_us in (0, 1, 7, 10**5):
            cpu = msgspec.structs.replace(
                guest.cpu, delay_us=delay_us, throttled_us=10**6
            )
            found = accounts.columns(guest.uuid, cpu)
            waited = sum(
                found[f'waited_{kind}_us'] for kind in account.CLASSES
            )
            assert delay_us - len(account.CLASSES) < waited <= delay_us
            own_us = found['waited_own_project_us']
            assert own_us <= found['waited_neighbour_us']


def test_a_day_stands_for_its_hours_unless_something_changed(
    database: sa.Engine,
) -> None:
    first, *rest = (made.hour('r/1', number) for number in range(3))
    guests = [
        msgspec.structs.replace(one, vcpus=one.vcpus + 1)
        for one in rest[-1].instances[:1]
    ]
    rest[-1] = msgspec.structs.replace(
        rest[-1], instances=[*guests, *rest[-1].instances[1:]]
    )
    with database.begin() as connection:
        hours.write(connection, [made.said(one) for one in [first, *rest]])
    days = {
        row['instance_id']: row for row in rows(database, rollup.INSTANCE_DAY)
    }
    for guest in first.instances:
        day = days[guest.uuid]
        assert day['uniform'] == (guest.uuid != guests[0].uuid)
        assert day['peak_delay_us'] == max(
            one.cpu.delay_us
            for record in [first, *rest]
            for one in record.instances
            if one.uuid == guest.uuid
        )


def test_an_hour_is_whole_in_its_rows(database: sa.Engine) -> None:
    one = made.golden('usage', usage.HostUsage)
    with database.begin() as connection:
        hours.write(connection, [made.said(one)])
        packed = connection.scalar(sa.select(rollup.HOST_HOUR.c.charges))
    assert charges.unpack(packed) == (one.entities, one.charges)
    (host,) = rows(database, rollup.HOST_HOUR)
    assert host['samples'] == one.samples
    assert host['busy_us'] == one.busy_us
    guests = {
        row['instance_id']: row for row in rows(database, rollup.INSTANCE_HOUR)
    }
    assert set(guests) == {each.uuid for each in one.instances}
    for each in one.instances:
        row = guests[each.uuid]
        assert row['run_us'] == each.cpu.run_us
        assert row['p95_cores'] == usage.quantile(each.cpu.histogram, 0.95)
        disk = each.disk
        assert row['disk_read_bytes'] == (disk.read_bytes if disk else None)


def test_a_day_is_the_sum_of_its_hours_and_its_quantiles_are_merged(
    database: sa.Engine,
) -> None:
    told_of = [made.hour('r/1', number) for number in range(4)]
    told_of += [made.hour('r/2', number) for number in range(4)]
    with database.begin() as connection:
        hours.write(connection, [made.said(one) for one in told_of])
    for row in rows(database, rollup.INSTANCE_DAY):
        parts = [
            each
            for one in told_of
            for each in one.instances
            if each.uuid == row['instance_id']
        ]
        whole = usage.merged(each.cpu.histogram for each in parts)
        assert row['delay_us'] == sum(each.cpu.delay_us for each in parts)
        assert row['p50_cores'] == usage.quantile(whole, 0.5)
        disks = [each.disk for each in parts if each.disk]
        assert row['disk_peak_bytes_s'] == max(
            (disk.peak_bytes_s for disk in disks), default=None
        )
    by_host = {row['host_id']: row for row in rows(database, rollup.HOST_DAY)}
    assert by_host['r/1']['busy_us'] == sum(
        one.busy_us for one in told_of if one.host == 'r/1'
    )


def test_what_was_not_measured_is_no_zero(database: sa.Engine) -> None:
    one = msgspec.structs.replace(
        made.hour('r/1', 0),
        instances=[usage.Instance(uuid=made.uuid(1), vcpus=1)],
        charges=[],
    )
    with database.begin() as connection:
        hours.write(connection, [made.said(one)])
    (guest,) = rows(database, rollup.INSTANCE_DAY)
    assert guest['disk_read_bytes'] is None
    assert guest['p95_cores'] is None
    assert guest['measured_us'] == 0
    (host,) = rows(database, rollup.HOST_DAY)
    assert (host['run_us'], host['own_run_us']) == (None, None)


def test_an_hour_of_a_host_without_guests_is_written(
    database: sa.Engine,
) -> None:
    full = made.hour('r/1', 0)
    bare = msgspec.structs.replace(
        full, instances=[], entities=['host'], charges=[]
    )
    with database.begin() as connection:
        hours.write(connection, [made.said(bare)])
    (host,) = rows(database, rollup.HOST_HOUR)
    assert host['measured_us'] == bare.measured_us
    (day,) = rows(database, rollup.HOST_DAY)
    assert day['measured_us'] == bare.measured_us


def test_hours_whose_day_is_purged_are_left_out(database: sa.Engine) -> None:
    first = hour_row.hour(made.hour('r/1', 0))
    said = [made.said(made.hour('r/1', number)) for number in range(2)]
    with database.begin() as connection:
        hours.write(connection, said, oldest_hour=first + 1)
    (host,) = rows(database, rollup.HOST_HOUR)
    assert host['hour'] == first + 1


def test_a_finding_that_was_taken_back_while_open_is_closed(
    database: sa.Engine,
) -> None:
    one = made.incident('x', 1, closed=False)
    with database.begin() as connection:
        findings.write(connection, [made.said(one, 'x')])
        findings.write(connection, [made.gone('x', 77)])
    (row,) = rows(database, table.FINDING)
    assert (row['state'], row['closed_us']) == ('closed', 77)
    assert rows(database, table.AGGRESSOR)
    with database.connect() as connection:
        query = sa.select(table.FINDING.c.record)
        told_of = connection.execute(query).scalar_one()
    record = codec.decode(told_of, finding.Finding)
    assert (record.state, record.closed_us) == ('closed', 77)
    assert record.closed_reason == 'gone'


def test_a_finding_that_was_told_again_is_open(database: sa.Engine) -> None:
    one = made.incident('x', 1, closed=False)
    with database.begin() as connection:
        said = [made.gone('x', 77), made.said(one, 'x')]
        findings.write(connection, said)  # type: ignore[arg-type]
    (row,) = rows(database, table.FINDING)
    assert row['state'] == 'open'


def test_a_recommendation_that_was_taken_back_stays_known(
    database: sa.Engine,
) -> None:
    one = made.advice('x', 1, 'executed')
    with database.begin() as connection:
        said = [made.said(one, 'x'), made.gone('x', 77)]
        recommendations.write(connection, said)  # type: ignore[arg-type]
    (row,) = rows(database, table.RECOMMENDATION)
    assert row['gone_us'] == 77
    assert row['outcome'] == (one.outcome.verdict if one.outcome else None)
    assert len(rows(database, table.MOVE)) == len(one.moves)


def test_orders_hold_until_they_are_taken_back(database: sa.Engine) -> None:
    said = [made.mute('r/1', 'ann'), made.mute('r/2', 'bob')]
    keyed = [made.said(one, control.key(one)) for one in said]
    with database.begin() as connection:
        orders.write(connection, keyed)
        orders.write(connection, [made.gone(keyed[0].key)])  # type: ignore[list-item]
    (row,) = rows(database, table.ORDER)
    assert (row['subject'], row['kind']) == ('r/2', 'mute')


def told_facts(one: Any) -> told.Told[inventory.Facts]:
    return made.said(one, inventory.key(one))


def test_facts_go_where_they_are_looked_for(database: sa.Engine) -> None:
    said = [
        told_facts(made.golden(f'inventory_{name}', kind))
        for name, kind in (
            ('host', inventory.HostFacts),
            ('project', inventory.ProjectFacts),
            ('outlook', inventory.Outlook),
            ('flavor', inventory.FlavorFacts),
            ('planner', inventory.PlannerStatus),
        )
    ]
    place, project, outlook = (one.record for one in said[:3])
    assert isinstance(place, inventory.HostFacts)
    assert isinstance(project, inventory.ProjectFacts)
    assert isinstance(outlook, inventory.Outlook)
    with database.begin() as connection:
        facts.write(connection, said)
    hosts = {row['name']: row for row in rows(database, table.HOST)}
    assert hosts[place.host]['aggregates'] == place.aggregates
    assert hosts[outlook.host]['outlook_state'] == outlook.state
    (named,) = rows(database, table.PROJECT)
    assert named['name'] == project.name
    keys = {row['key'] for row in rows(database, table.FACT)}
    assert keys == {one.key for one in (said[1], *said[3:])}
    with database.begin() as connection:
        back = [made.gone(one.key) for one in said]
        facts.write(connection, back)  # type: ignore[arg-type]
    assert rows(database, table.FACT) == []
    hosts = {row['name']: row for row in rows(database, table.HOST)}
    assert hosts[place.host]['enabled'] is None
    assert hosts[outlook.host]['outlook'] is None


def test_names_that_no_column_takes_are_no_trouble(
    database: sa.Engine,
) -> None:
    long = 'x' * 1000 + '\0'
    one = made.hour('r/1', 0)
    guest = msgspec.structs.replace(
        one.instances[0], name=long, project_id=long, project_name=long
    )
    one = msgspec.structs.replace(one, instances=[guest], agent_id=long)
    with database.begin() as connection:
        hours.write(connection, [made.said(one)])
    (project,) = rows(database, table.PROJECT)
    assert len(str(project['uuid'])) == len(str(project['name'])) == 255


def test_who_was_held_up_writes_nothing(database: sa.Engine) -> None:
    into = book.Book(database)
    old = into.claim('t', 0, 5, 10)
    new = into.claim('t', 0, 6, 0)
    assert (new.next_offset, new.generation) == (10, 6)
    one = made.said(made.mute('r/1', 'ann'), 'k')
    with pytest.raises(exception.StoreLost):
        into.write(old, 11, orders.write, [one])
    assert rows(database, table.ORDER) == []
    into.write(new, 11, orders.write, [one])
    with pytest.raises(exception.StoreLost):
        into.write(new, 12, orders.write, [one])
    # A group that was empty counts from one again.
    again = into.claim('t', 0, 1, 0)
    assert (again.next_offset, again.generation) == (11, 7)


def test_one_record_that_is_refused_costs_no_other(
    database: sa.Engine,
) -> None:
    into = book.Book(database)
    said = [
        told.Told(at, f'k{at}', made.mute(f'r/{at}', 'ann'), b'{}', at)
        for at in range(9)
    ]

    def write(
        connection: sa.Connection, some: 'list[told.Told[control.Order]]'
    ) -> None:
        orders.write(connection, some)
        if any(one.offset in (3, 4, 8) for one in some):
            raise exception.StoreRefused('not this')

    refused: list[int] = []
    held = batch.put(
        into,
        into.claim('t', 0, 1, 0),
        write,  # type: ignore[arg-type]
        said,
        9,
        lambda one, why: refused.append(one.offset),
    )
    assert refused == [3, 4, 8]
    assert held.next_offset == 9
    assert into.claim('t', 0, 1, 0).next_offset == 9
    keys = {row['key'] for row in rows(database, table.ORDER)}
    assert keys == {f'k{at}' for at in (0, 1, 2, 5, 6, 7)}
