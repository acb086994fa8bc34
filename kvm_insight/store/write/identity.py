# SPDX-License-Identifier: Apache-2.0
"""Numbers of projects, hosts and instances; who is new gets one.

Rows are added in the order of their names, and never changed here but for
when an instance was seen first and last: several recorders do this at once.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from kvm_insight.store import table, text
from kvm_insight.store.write import upsert


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """An instance that was somewhere at some time."""

    uuid: str
    first_us: int
    last_us: int

    def joined(self, other: 'Seen') -> 'Seen':
        """Return both as one."""
        first_us = min(self.first_us, other.first_us)
        return Seen(self.uuid, first_us, max(self.last_us, other.last_us))


def projects(
    connection: sa.Connection, named: Mapping[str, str | None]
) -> dict[str, int]:
    """Return UUID -> number; names are taken where there is none yet."""
    kept = {text.key(uuid): uuid for uuid in named}
    columns = table.PROJECT.c
    query = sa.select(columns.uuid, columns.id, columns.name)

    def read(keys: Iterable[str]) -> dict[str, tuple[int, str | None]]:
        rows = upsert.found(connection, query, columns.uuid, keys)
        return {row.uuid: (row.id, row.name) for row in rows}

    there = read(kept)
    missing = [key for key in kept if key not in there]
    rows = [{'uuid': key, 'name': None} for key in missing]
    upsert.add(connection, table.PROJECT, rows, columns.uuid)
    there |= read(missing)
    nameless = [
        {'number': there[key][0], 'word': text.shown(named[uuid])}
        for key, uuid in sorted(kept.items())
        if there[key][1] is None and named[uuid]
    ]
    if nameless:
        connection.execute(
            table.PROJECT.update()
            .values(name=sa.bindparam('word'))
            .where(
                columns.id == sa.bindparam('number'), columns.name.is_(None)
            ),
            nameless,
        )
    return {uuid: there[key][0] for key, uuid in kept.items()}


def hosts(connection: sa.Connection, names: Iterable[str]) -> dict[str, int]:
    """Return name -> number."""
    kept = {text.key(name, text.HOST): name for name in names}
    columns = table.HOST.c
    query = sa.select(columns.name, columns.id)
    there: dict[str, int] = {}
    for attempt in range(2):
        missing = [key for key in kept if key not in there]
        if attempt:
            rows = [{'name': key} for key in missing]
            upsert.add(connection, table.HOST, rows, columns.name)
        found = upsert.found(connection, query, columns.name, missing)
        there |= {row.name: row.id for row in found}
    return {name: there[key] for key, name in kept.items()}


def instances(
    connection: sa.Connection, seen: Iterable[Seen], *, later: bool = True
) -> dict[str, int]:
    """Return UUID -> number, and keep when they were seen.

    Without ``later`` it is the caller who says until when.
    """
    joined: dict[str, Seen] = {}
    for one in seen:
        other = joined.get(one.uuid)
        joined[one.uuid] = one if other is None else other.joined(one)
    columns = table.INSTANCE.c
    query = sa.select(
        columns.uuid, columns.id, columns.first_seen_us, columns.last_seen_us
    )
    there = {
        row.uuid: row
        for row in upsert.found(connection, query, columns.uuid, joined)
    }
    missing = [one for uuid, one in joined.items() if uuid not in there]
    rows = [
        {
            'uuid': one.uuid,
            'first_seen_us': one.first_us,
            'last_seen_us': one.last_us,
        }
        for one in missing
    ]
    upsert.add(connection, table.INSTANCE, rows, columns.uuid)
    there |= {
        row.uuid: row
        for row in upsert.found(
            connection, query, columns.uuid, [one.uuid for one in missing]
        )
    }
    numbers = {uuid: int(row.id) for uuid, row in there.items()}
    earlier = {
        numbers[uuid]: one.first_us
        for uuid, one in sorted(joined.items())
        if one.first_us < there[uuid].first_seen_us
    }
    moved = {
        numbers[uuid]: one.last_us
        for uuid, one in sorted(joined.items())
        if later and one.last_us > there[uuid].last_seen_us
    }
    _move(connection, columns.first_seen_us, earlier, later=False)
    _move(connection, columns.last_seen_us, moved, later=True)
    return numbers


def _move(
    connection: sa.Connection,
    column: sa.Column[int],
    times: Mapping[int, int],
    *,
    later: bool,
) -> None:
    """Move a time, if nobody has moved it farther meanwhile."""
    if not times:
        return
    when: sa.BindParameter[int] = sa.bindparam('when_us')
    connection.execute(
        table.INSTANCE.update()
        .values({column.name: when})
        .where(
            table.INSTANCE.c.id == sa.bindparam('number'),
            column < when if later else column > when,
        ),
        [
            {'number': number, 'when_us': us}
            for number, us in sorted(times.items())
        ],
    )
