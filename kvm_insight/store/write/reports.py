# SPDX-License-Identifier: Apache-2.0
"""Hosts as they are, and the instances that are on them."""

import collections
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from kvm_insight.model import host_report
from kvm_insight.store import table, text
from kvm_insight.store.write import identity, told, upsert

#: A report that is older by more than this is from a clock that was set back,
#: and not one that comes late.
SET_BACK_US = 3_600_000_000

_Report = told.Told[host_report.HostReport]


def write(connection: sa.Connection, records: Sequence[_Report]) -> None:
    """Write reports in their order, and who is there no longer."""
    for part in _rounds(records):
        _write(connection, part)


def _rounds(records: Sequence[_Report]) -> list[dict[str, _Report]]:
    """Return parts in which each host is once; what came of them does not
    depend on how many came together."""
    rounds: list[dict[str, _Report]] = []
    turns: collections.Counter[str] = collections.Counter()
    for one in records:
        turn = turns[one.key]
        turns[one.key] += 1
        if turn == len(rounds):
            rounds.append({})
        rounds[turn][one.key] = one
    return rounds


def _write(connection: sa.Connection, part: Mapping[str, _Report]) -> None:
    said = {
        key: one.record for key, one in part.items() if one.record is not None
    }
    # A key is the host's name; of one that is gone nothing else is told.
    hosts = identity.hosts(
        connection, {one.host for one in said.values()} | set(part)
    )
    times = _times(connection, hosts.values())
    fresh = {
        hosts[one.host]: part[key]
        for key, one in said.items()
        if is_newer(one.time_us, times.get(hosts[one.host]))
    }
    _hosts(connection, fresh)
    _instances(connection, fresh)
    gone = {
        hosts[key]: one.bus_us
        for key, one in part.items()
        if one.record is None
    }
    _gone(connection, gone)


def is_newer(time_us: int, known_us: int | None) -> bool:
    """Say whether something told at a time replaces what is known."""
    return (
        known_us is None
        or time_us > known_us
        or time_us < known_us - SET_BACK_US
    )


def _times(
    connection: sa.Connection, numbers: Iterable[int]
) -> dict[int, int | None]:
    columns = table.HOST.c
    query = sa.select(columns.id, columns.report_us)
    rows = upsert.found(connection, query, columns.id, set(numbers))
    return {row.id: row.report_us for row in rows}


def _hosts(connection: sa.Connection, fresh: Mapping[int, _Report]) -> None:
    rows = [
        _host_row(number, one.record, one.raw)
        for number, one in sorted(fresh.items())
        if one.record is not None
    ]
    if rows:
        names = [name for name in rows[0] if name != 'number']
        connection.execute(
            table.HOST.update()
            .values({name[4:]: sa.bindparam(name) for name in names})
            .where(table.HOST.c.id == sa.bindparam('number')),
            rows,
        )


def _host_row(
    number: int, one: host_report.HostReport, raw: bytes
) -> upsert.Row:
    return {
        'number': number,
        'new_hypervisor_hostname': text.shown(one.hypervisor_hostname),
        'new_compute_id': text.shown(one.compute_id, 36),
        'new_report_us': one.time_us,
        'new_cpus': min(one.cpus, 2**31 - 1),
        'new_wanted_cores': one.wanted_cores,
        'new_waited_cores': one.waited_cores,
        'new_own_cores': one.own_cores,
        'new_lost_cores': one.lost_cores,
        'new_memory_bytes': one.memory_bytes,
        'new_memory_available_bytes': one.memory_available_bytes,
        'new_ledger_source': one.ledger_source,
        'new_record': raw,
        'new_gone_us': None,
    }


def _instances(
    connection: sa.Connection, fresh: Mapping[int, _Report]
) -> None:
    reports = {
        number: one.record
        for number, one in fresh.items()
        if one.record is not None
    }
    projects = identity.projects(
        connection,
        {
            one.project_id: one.project_name
            for report in reports.values()
            for one in report.instances
            if one.project_id
        },
    )
    instances = identity.instances(
        connection,
        [
            identity.Seen(one.uuid, report.time_us, report.time_us)
            for report in reports.values()
            for one in report.instances
        ],
        # Below, with all the rest: a row that is written twice costs twice.
        later=False,
    )
    rows = [
        {
            **_instance_row(instances[one.uuid], one),
            'new_host_id': number,
            'new_project_id': projects.get(one.project_id or ''),
            'new_report_us': report.time_us,
            'new_gone_us': None,
            'back_us': report.time_us + SET_BACK_US,
        }
        for number, report in reports.items()
        for one in report.instances
    ]
    _update(connection, rows)
    _missing(connection, reports)


def _update(connection: sa.Connection, rows: list[upsert.Row]) -> None:
    """Describe instances, if no newer report has them."""
    if not rows:
        return
    names = [name for name in rows[0] if name.startswith('new_')]
    columns = table.INSTANCE.c
    time_us: sa.BindParameter[int] = sa.bindparam('new_report_us')
    last_us = sa.case(
        (columns.last_seen_us < time_us, time_us), else_=columns.last_seen_us
    )
    # Of an instance that two of these hosts report the newer one stays.
    rows.sort(key=lambda row: (row['number'], row['new_report_us']))
    connection.execute(
        table.INSTANCE.update()
        .values({name[4:]: sa.bindparam(name) for name in names})
        .values(last_seen_us=last_us)
        .where(
            columns.id == sa.bindparam('number'),
            sa.or_(
                columns.report_us.is_(None),
                columns.report_us < time_us,
                columns.report_us > sa.bindparam('back_us'),
            ),
        ),
        rows,
    )


def _instance_row(number: int, one: host_report.Instance) -> upsert.Row:
    return {
        'number': number,
        'new_name': text.shown(one.instance_name),
        'new_domain_name': text.shown(one.name),
        'new_flavor': text.shown(one.flavor),
        'new_server_group': text.shown(one.server_group),
        'new_state': text.shown(one.state),
        'new_vcpus': min(one.vcpus, 2**31 - 1),
        'new_memory_bytes': one.memory_bytes,
        'new_wanted_cores': one.wanted_cores,
        'new_waited_cores': one.waited_cores,
    }


def _missing(
    connection: sa.Connection,
    reports: Mapping[int, host_report.HostReport],
) -> None:
    """Say of those that were on a host and are not now that they are gone;
    whoever is elsewhere by now is not meant."""
    if not reports:
        return
    columns = table.INSTANCE.c
    seen_us = sa.func.coalesce(columns.report_us, columns.last_seen_us)
    connection.execute(
        table.INSTANCE.update()
        .values(gone_us=sa.bindparam('time_us'))
        .where(
            columns.host_id == sa.bindparam('number'),
            columns.gone_us.is_(None),
            seen_us < sa.bindparam('time_us'),
        ),
        [
            {'number': number, 'time_us': one.time_us}
            for number, one in sorted(reports.items())
        ],
    )


def _gone(connection: sa.Connection, gone: Mapping[int, int]) -> None:
    """Say of hosts whose report was taken back that they are gone, and all
    that was on them."""
    if not gone:
        return
    rows = [
        {'number': number, 'time_us': us}
        for number, us in sorted(gone.items())
    ]
    for of, number in (
        (table.HOST, table.HOST.c.id),
        (table.INSTANCE, table.INSTANCE.c.host_id),
    ):
        connection.execute(
            of.update()
            .values(gone_us=sa.bindparam('time_us'))
            .where(number == sa.bindparam('number'), of.c.gone_us.is_(None)),
            rows,
        )
