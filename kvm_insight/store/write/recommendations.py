# SPDX-License-Identifier: Apache-2.0
"""Recommendations, their moves, and what came of them."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from kvm_insight.model import recommendation
from kvm_insight.store import table, text
from kvm_insight.store.write import told, upsert

_Said = told.Told[recommendation.Recommendation]


def write(connection: sa.Connection, records: Sequence[_Said]) -> None:
    """Write the last word of each; what was taken back stays known.

    Within a generation the bus's order counts; an older one says nothing.
    """
    kept = told.newest(records, _generation)
    known = _known(connection, kept)
    fresh = {
        key: one
        for key, one in kept.items()
        if _generation(one) >= known.get(key, 0)
    }
    upsert.put(
        connection,
        table.RECOMMENDATION,
        [_row(key, one) for key, one in fresh.items()],
    )
    for part in upsert.chunks(sorted(fresh)):
        connection.execute(
            table.MOVE.delete().where(table.MOVE.c.recommendation_id.in_(part))
        )
    rows = [row for key, one in fresh.items() for row in _moves(key, one)]
    upsert.put(connection, table.MOVE, rows)
    _gone(connection, records)


def _generation(one: _Said) -> int:
    assert one.record is not None
    return one.record.generation


def _known(
    connection: sa.Connection, keys: Mapping[str, _Said]
) -> dict[str, int]:
    columns = table.RECOMMENDATION.c
    query = sa.select(columns.id, columns.generation)
    rows = upsert.found(connection, query, columns.id, keys)
    return {row.id: row.generation for row in rows}


def _row(key: str, said: _Said) -> upsert.Row:
    one = said.record
    assert one is not None
    return {
        'id': key,
        'state': one.state,
        'mode': one.mode,
        'generation': one.generation,
        'gain_core_s': one.gain_core_s,
        'cost_core_s': one.cost_core_s,
        'risk': one.risk,
        'created_us': one.created_us,
        'expires_us': one.expires_us,
        'outcome': one.outcome.verdict if one.outcome else None,
        'gone_us': None,
        'record': said.raw,
    }


def _moves(key: str, said: _Said) -> list[upsert.Row]:
    assert said.record is not None
    return [
        {
            'recommendation_id': key,
            'position': position,
            'instance_uuid': one.instance,
            'source': text.key(one.source, text.HOST),
            'destination': text.key(one.destination, text.HOST),
        }
        for position, one in enumerate(said.record.moves)
    ]


def _gone(connection: sa.Connection, records: Sequence[_Said]) -> None:
    """Say of those that the bus has no more when that was."""
    last = {one.key: one for one in records}
    rows = [
        {'name': text.key(key), 'time_us': one.bus_us}
        for key, one in sorted(last.items())
        if one.record is None
    ]
    if rows:
        columns = table.RECOMMENDATION.c
        connection.execute(
            table.RECOMMENDATION.update()
            .values(gone_us=sa.bindparam('time_us'))
            .where(
                columns.id == sa.bindparam('name'), columns.gone_us.is_(None)
            ),
            rows,
        )
