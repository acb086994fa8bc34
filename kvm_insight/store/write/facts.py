# SPDX-License-Identifier: Apache-2.0
"""What the planner tells of the cloud; the bus's order counts.

Where a host is and what is expected of it goes into its row, a project's name
into that one's, all the rest is kept as it was told.
"""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from kvm_insight.model import inventory
from kvm_insight.store import table, text
from kvm_insight.store.write import identity, told, upsert

Facts = inventory.Facts
_Told = told.Told[inventory.Facts]

_HOST = 'host/'
_OUTLOOK = 'outlook/'
_NOWHERE = {
    'new_availability_zone': None,
    'new_aggregates': sa.null(),
    'new_enabled': None,
    'new_maintenance': None,
}
_UNKNOWN = {'new_outlook': None, 'new_outlook_state': None}


def write(connection: sa.Connection, records: Sequence[_Told]) -> None:
    """Write the last word under each key."""
    last = {one.key: one for one in records}
    hosts = {
        key.removeprefix(_HOST): one
        for key, one in last.items()
        if key.startswith(_HOST)
    }
    outlooks = {
        key.removeprefix(_OUTLOOK): one
        for key, one in last.items()
        if key.startswith(_OUTLOOK)
    }
    rest = {
        key: one
        for key, one in last.items()
        if not key.startswith((_HOST, _OUTLOOK))
    }
    numbers = identity.hosts(connection, {*hosts, *outlooks})
    _update(connection, numbers, {n: _place(one) for n, one in hosts.items()})
    _update(
        connection, numbers, {n: _outlook(one) for n, one in outlooks.items()}
    )
    _projects(connection, rest.values())
    _keep(connection, rest)


def _place(one: _Told) -> upsert.Row:
    record = one.record
    if not isinstance(record, inventory.HostFacts):
        return {**_NOWHERE, 'new_aggregates': None}
    return {
        'new_availability_zone': text.shown(record.availability_zone),
        'new_aggregates': [text.shown(name) for name in record.aggregates],
        'new_enabled': record.enabled,
        'new_maintenance': record.maintenance,
    }


def _outlook(one: _Told) -> upsert.Row:
    record = one.record
    if not isinstance(record, inventory.Outlook):
        return _UNKNOWN
    return {'new_outlook': one.raw, 'new_outlook_state': record.state}


def _update(
    connection: sa.Connection,
    numbers: Mapping[str, int],
    rows: Mapping[str, upsert.Row],
) -> None:
    if not rows:
        return
    names = next(iter(rows.values()))
    connection.execute(
        table.HOST.update()
        .values({name[4:]: sa.bindparam(name) for name in names})
        .where(table.HOST.c.id == sa.bindparam('number')),
        sorted(
            ({'number': numbers[name], **row} for name, row in rows.items()),
            key=lambda row: row['number'],
        ),
    )


def _projects(connection: sa.Connection, told_of: Iterable[_Told]) -> None:
    """Name projects, also such as are named otherwise."""
    named = {
        one.record.project_id: one.record.name
        for one in told_of
        if isinstance(one.record, inventory.ProjectFacts)
    }
    if not named:
        return
    numbers = identity.projects(connection, named)
    connection.execute(
        table.PROJECT.update()
        .values(name=sa.bindparam('word'))
        .where(table.PROJECT.c.id == sa.bindparam('number')),
        sorted(
            (
                {'number': numbers[uuid], 'word': text.shown(name)}
                for uuid, name in named.items()
            ),
            key=lambda row: str(row['number']),
        ),
    )


def _keep(connection: sa.Connection, rest: Mapping[str, _Told]) -> None:
    kept = {text.key(key, text.KEY): one for key, one in rest.items()}
    gone = [key for key, one in kept.items() if one.record is None]
    for part in upsert.chunks(sorted(gone)):
        connection.execute(
            table.FACT.delete().where(table.FACT.c.key.in_(part))
        )
    upsert.put(
        connection,
        table.FACT,
        [
            {
                'key': key,
                'schema': str(one.record.__struct_config__.tag),
                'updated_us': one.bus_us,
                'record': one.raw,
            }
            for key, one in kept.items()
            if one.record is not None
        ],
    )
