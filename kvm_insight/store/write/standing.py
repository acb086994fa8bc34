# SPDX-License-Identifier: Apache-2.0
"""Standing: how far findings of either kind are, and closing those that were
taken back."""

from collections.abc import Collection, Sequence
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from kvm_insight.model import codec, configuration, finding
from kvm_insight.store import text
from kvm_insight.store.write import told, upsert

Kind = TypeVar('Kind', finding.Finding, configuration.Finding)
#: The later word counts, and of two at once the one that closes.
Stand = tuple[int, bool]


def of(one: told.Told[Kind]) -> Stand:
    """Return how far it is by what was said."""
    assert one.record is not None
    return one.record.updated_us, one.record.state == 'closed'


def known(
    connection: sa.Connection, rows: sa.Table, keys: Collection[str]
) -> dict[str, Stand]:
    """Return how far those are that have a row."""
    c = rows.c
    query = sa.select(c.id, c.updated_us, c.state)
    found = upsert.found(connection, query, c.id, keys)
    return {row.id: (row.updated_us, row.state == 'closed') for row in found}


def close(
    connection: sa.Connection,
    rows: sa.Table,
    kind: type[Kind],
    records: Sequence[told.Told[Kind]],
) -> None:
    """Close what was taken back while it was open: nobody else will.

    Its record says so, too: that is what API and reports read.
    """
    last = {one.key: one for one in records}
    times = {
        text.key(one.key): one.bus_us
        for one in last.values()
        if one.record is None
    }
    c = rows.c
    query = sa.select(c.id, c.record).where(c.state == 'open')
    over = [
        _closed(kind, row.id, row.record, times[row.id])
        for row in upsert.found(connection, query, c.id, times)
    ]
    if not over:
        return
    said = {
        'state': 'closed',
        'closed_us': sa.bindparam('time_us'),
        'record': sa.bindparam('told'),
    }
    if 'closed_reason' in c:
        said['closed_reason'] = 'gone'
    connection.execute(
        rows.update().values(said).where(c.id == sa.bindparam('key')),
        sorted(over, key=lambda row: str(row['key'])),
    )


def _closed(
    kind: type[Kind], key: str, record: bytes, time_us: int
) -> upsert.Row:
    one = msgspec.structs.replace(
        codec.decode(record, kind),
        state='closed',
        closed_us=time_us,
        closed_reason='gone',
    )
    return {'key': key, 'time_us': time_us, 'told': codec.encode(one)}
