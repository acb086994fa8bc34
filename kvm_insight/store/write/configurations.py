# SPDX-License-Identifier: Apache-2.0
"""Configuration findings, and whose instances they are about."""

from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa

from kvm_insight.model import codec, configuration
from kvm_insight.store import table, text
from kvm_insight.store.write import identity, told, upsert

_Finding = told.Told[configuration.Finding]
#: How far it is: the later word counts.
_Stand = tuple[int, bool]
_OF = table.CONFIGURATION_FINDING


def write(connection: sa.Connection, records: Sequence[_Finding]) -> None:
    """Write the newest word of each; what was taken back stays known."""
    kept = told.newest(records, _stand)
    known = _known(connection, kept)
    numbers = _Numbers(connection, records)
    rows = [
        numbers.row(key, one)
        for key, one in kept.items()
        if key not in known or _stand(one) >= known[key]
    ]
    upsert.put(connection, _OF, rows)
    last = {one.key: one for one in records}
    _close(connection, [one for one in last.values() if one.record is None])


def _stand(one: _Finding) -> _Stand:
    assert one.record is not None
    return one.record.updated_us, one.record.state == 'closed'


def _known(
    connection: sa.Connection, keys: Collection[str]
) -> dict[str, _Stand]:
    columns = _OF.c
    query = sa.select(columns.id, columns.updated_us, columns.state)
    rows = upsert.found(connection, query, columns.id, keys)
    return {row.id: (row.updated_us, row.state == 'closed') for row in rows}


class _Numbers:
    """Hosts, instances and projects of some findings.

    Of older words, too: whatever order they come in, all are known after.
    """

    def __init__(
        self, connection: sa.Connection, said: Sequence[_Finding]
    ) -> None:
        found = [one.record for one in said if one.record]
        self._hosts = identity.hosts(connection, {one.host for one in found})
        seen, named = [], {}
        for one in found:
            party = one.party
            if party is None:
                continue
            if party.uuid is not None:
                us = one.opened_us
                seen.append(identity.Seen(party.uuid, us, us))
            if party.project_id:
                named[party.project_id] = party.project_name
        self._instances = identity.instances(connection, seen)
        self._projects = identity.projects(connection, named)

    def row(self, key: str, said: _Finding) -> upsert.Row:
        """Return the finding's row."""
        one = said.record
        assert one is not None
        party = one.party
        return {
            'id': key,
            'check': text.key(one.check),
            'host_id': self._hosts[one.host],
            'instance_id': party and self._instances.get(party.uuid or ''),
            'project_id': party and self._projects.get(party.project_id or ''),
            'severity': one.severity,
            'state': one.state,
            'opened_us': one.opened_us,
            'updated_us': one.updated_us,
            'closed_us': one.closed_us,
            'record': said.raw,
        }


def _close(connection: sa.Connection, gone: Sequence[_Finding]) -> None:
    """Close what was taken back while it was open: nobody else will."""
    columns = _OF.c
    times = {text.key(one.key): one.bus_us for one in gone}
    query = sa.select(columns.id, columns.record).where(
        columns.state == 'open'
    )
    rows = [
        _closed(row.id, row.record, times[row.id])
        for row in upsert.found(connection, query, columns.id, times)
    ]
    if rows:
        connection.execute(
            _OF.update()
            .values(
                state='closed',
                closed_us=sa.bindparam('time_us'),
                record=sa.bindparam('told'),
            )
            .where(columns.id == sa.bindparam('key')),
            sorted(rows, key=lambda row: str(row['key'])),
        )


def _closed(key: str, record: bytes, time_us: int) -> upsert.Row:
    one = codec.decode(record, configuration.Finding)
    over = msgspec.structs.replace(
        one, state='closed', closed_us=time_us, closed_reason='gone'
    )
    return {'key': key, 'time_us': time_us, 'told': codec.encode(over)}
