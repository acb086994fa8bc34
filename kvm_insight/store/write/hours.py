# SPDX-License-Identifier: Apache-2.0
"""Hours of use into the database, and the days that they change."""

from collections.abc import Sequence

import sqlalchemy as sa

from kvm_insight.model import usage
from kvm_insight.store import rollup, table, text
from kvm_insight.store.write import days, hour_row, identity, told, upsert

#: Host, hour and part.
_Key = tuple[int, int, int]
_HOURS = 24


def write(
    connection: sa.Connection,
    records: Sequence[told.Told[usage.HostUsage]],
    oldest_hour: int = 0,
) -> None:
    """Write hours; what is known better already stays as it is.

    Hours before the oldest are left out: the days that they were part of
    could not be made again from what is left of them.
    """
    found = [
        one.record
        for one in records
        if one.record is not None and hour_row.hour(one.record) >= oldest_hour
    ]
    hosts = identity.hosts(connection, {one.host for one in found})
    best: dict[_Key, usage.HostUsage] = {}
    for one in found:
        key = (hosts[one.host], hour_row.hour(one), hour_row.part(one))
        if key not in best or one.samples > best[key].samples:
            best[key] = one
    fresh = _better(connection, best)
    if not fresh:
        return
    numbers = _known(connection, fresh)
    touched = days.Touched()
    _remove(connection, fresh, touched)
    upsert.put(
        connection,
        rollup.HOST_HOUR,
        [hour_row.of_host(one, key[0]) for key, one in fresh.items()],
    )
    rows = [
        row
        for key, one in fresh.items()
        for row in hour_row.of_instances(one, key[0], *numbers)
    ]
    upsert.put(connection, rollup.INSTANCE_HOUR, rows)
    for host_id, hour, _ in fresh:
        touched.hosts.add((hour // _HOURS, host_id))
    for row in rows:
        touched.instances.add((row['hour'] // _HOURS, row['instance_id']))
    days.remake(connection, touched)


def _better(
    connection: sa.Connection, best: dict[_Key, usage.HostUsage]
) -> dict[_Key, usage.HostUsage]:
    """Return those that tell more than what is there."""
    columns = rollup.HOST_HOUR.c
    query = sa.select(
        columns.host_id, columns.hour, columns.part, columns.samples
    )
    if not best:
        return {}
    hours = [key[1] for key in best]
    query = query.where(columns.hour.between(min(hours), max(hours)))
    there: dict[_Key, int] = {}
    hosts = {key[0] for key in best}
    for row in upsert.found(connection, query, columns.host_id, hosts):
        there[row.host_id, row.hour, row.part] = row.samples
    return {
        key: one
        for key, one in best.items()
        if key not in there or one.samples > there[key]
    }


def _remove(
    connection: sa.Connection,
    fresh: dict[_Key, usage.HostUsage],
    touched: days.Touched,
) -> None:
    """Take away what the same records said before, when they had less."""
    columns = rollup.INSTANCE_HOUR.c
    for host_id, hour, part in sorted(fresh):
        there = sa.and_(
            columns.host_id == host_id,
            columns.hour == hour,
            columns.part == part,
        )
        numbers = connection.scalars(
            sa.select(columns.instance_id).where(there)
        ).all()
        if numbers:
            connection.execute(rollup.INSTANCE_HOUR.delete().where(there))
        touched.instances.update((hour // _HOURS, one) for one in numbers)


def _known(
    connection: sa.Connection, fresh: dict[_Key, usage.HostUsage]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the numbers of all instances and projects."""
    named: dict[str, str | None] = {}
    seen = []
    for record in fresh.values():
        for one in record.instances:
            start_us = record.start_us
            seen.append(identity.Seen(one.uuid, start_us, start_us))
            if one.project_id:
                named[one.project_id] = one.project_name or named.get(
                    one.project_id
                )
    projects = identity.projects(connection, named)
    instances = identity.instances(connection, seen)
    _describe(connection, fresh, instances, projects)
    return instances, projects


def _describe(
    connection: sa.Connection,
    fresh: dict[_Key, usage.HostUsage],
    instances: dict[str, int],
    projects: dict[str, int],
) -> None:
    """Say what an instance is that no report has told of."""
    newest: dict[str, tuple[int, int, usage.Instance]] = {}
    for (host_id, _, _), record in fresh.items():
        for one in record.instances:
            mine = (record.start_us, host_id)
            if one.uuid not in newest or newest[one.uuid][:2] < mine:
                newest[one.uuid] = (*mine, one)
    if not newest:
        return
    columns = table.INSTANCE.c
    connection.execute(
        table.INSTANCE.update()
        .values({name: sa.bindparam(f'new_{name}') for name in _ATTRIBUTES})
        .where(
            columns.id == sa.bindparam('number'),
            columns.report_us.is_(None),
            columns.last_seen_us <= sa.bindparam('start_us'),
        ),
        [
            {
                'number': instances[uuid],
                'start_us': start_us,
                'new_host_id': host_id,
                'new_project_id': projects.get(one.project_id or ''),
                **_attributes(one),
            }
            for uuid, (start_us, host_id, one) in sorted(newest.items())
        ],
    )


_ATTRIBUTES = (
    'host_id',
    'project_id',
    'name',
    'domain_name',
    'flavor',
    'server_group',
    'vcpus',
    'memory_bytes',
)


def _attributes(one: usage.Instance) -> upsert.Row:
    return {
        'new_name': text.shown(one.instance_name),
        'new_domain_name': text.shown(one.name),
        'new_flavor': text.shown(one.flavor),
        'new_server_group': text.shown(one.server_group),
        'new_vcpus': min(one.vcpus, 2**31 - 1),
        'new_memory_bytes': one.memory_bytes,
    }
