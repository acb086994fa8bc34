# SPDX-License-Identifier: Apache-2.0
"""All that a store has, in a form in which two of them compare."""

import itertools
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from kvm_insight.store import schema, table

Rows = list[dict[str, Any]]
#: Numbers are given as they come, and the bus's place is no effect.
_OURS = {'bus_offset', 'secret'}
_NAMED = {table.PROJECT: 'uuid', table.HOST: 'name', table.INSTANCE: 'uuid'}


def tables(database: sa.Engine) -> dict[str, Rows]:
    """Return all rows by table, with names for numbers, sorted."""
    with database.connect() as connection:
        names = {
            f'{of.name}_id': {
                row.id: row[1]
                for row in connection.execute(sa.select(of.c.id, of.c[column]))
            }
            for of, column in _NAMED.items()
        }
        return {
            of.name: _rows(connection, of, names)
            for of in schema.metadata().sorted_tables
            if of.name not in _OURS
        }


def settled(database: sa.Engine) -> dict[str, Rows]:
    """Return them without what the next report will say.

    Of an instance that only hours tell of, and two hosts in the same hour,
    either may be the last; and whether it is gone is not known.
    """
    found = tables(database)
    for row in found['instance']:
        if row['report_us'] is None:
            del row['host_id'], row['gone_us']
    return found


def differences(
    one: Mapping[str, Rows], other: Mapping[str, Rows]
) -> list[str]:
    """Return in what they differ, in words that are short enough to read."""
    found = []
    for name in one.keys() | other.keys():
        for row, twin in itertools.zip_longest(one[name], other[name]):
            if row != twin:
                names = (row or {}).keys() | (twin or {}).keys()
                parts = [
                    f'{column}: {(row or {}).get(column)!r:.60}'
                    f' != {(twin or {}).get(column)!r:.60}'
                    for column in sorted(names)
                    if (row or {}).get(column) != (twin or {}).get(column)
                ]
                found.append(f'{name}: {"; ".join(parts)}')
    return found[:9]


def _rows(
    connection: sa.Connection,
    of: sa.Table,
    names: Mapping[str, Mapping[int, str]],
) -> Rows:
    found = []
    for row in connection.execute(sa.select(of)).mappings():
        values = dict(row)
        if of in _NAMED:
            del values['id']
        for column, known in names.items():
            if values.get(column) is not None:
                values[column] = known[values[column]]
        found.append(values)
    return sorted(found, key=repr)
