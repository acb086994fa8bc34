# SPDX-License-Identifier: Apache-2.0
"""Rows that are inserted, or that replace what is there by their key."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

Row = dict[str, Any]
Item = TypeVar('Item')

#: Values in one IN; SQLite takes 32766 parameters in a statement.
MOST = 500


def put(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row]
) -> None:
    """Insert rows; those that are there get all columns that are given.

    All rows have the same columns. They go in by their key, so that two
    writers take their locks in the same order.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key.columns]
    ordered = sorted(rows, key=lambda row: [row[name] for name in keys])
    statement = _put(connection.dialect.name, table, tuple(rows[0]))
    connection.execute(statement, ordered)


def add(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    key: sa.Column[Any],
) -> None:
    """Insert rows whose unique ``key`` is not there yet; leave others."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: row[key.name])
    statement = _add(connection.dialect.name, table, key.name)
    connection.execute(statement, ordered)


def chunks(items: Iterable[Item], most: int = MOST) -> Iterator[list[Item]]:
    """Yield the items in lists of so many."""
    rest = iter(items)
    while part := list(itertools.islice(rest, most)):
        yield part


def found(
    connection: sa.Connection,
    statement: sa.Select[Any],
    column: sa.Column[Any],
    values: Iterable[Any],
) -> Iterator[sa.Row[Any]]:
    """Yield the rows of a query that have one of these values."""
    for part in chunks(sorted(values)):
        yield from connection.execute(statement.where(column.in_(part)))


@functools.cache
def _put(kind: str, table: sa.Table, columns: tuple[str, ...]) -> Any:
    keys = [column.name for column in table.primary_key.columns]
    rest = [name for name in columns if name not in keys]
    if kind == 'mysql':
        made = mysql.insert(table)
        return made.on_duplicate_key_update(_taken(made.inserted, rest))
    insert = postgresql.insert if kind == 'postgresql' else sqlite.insert
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=keys, set_=_taken(statement.excluded, rest)
    )


@functools.cache
def _add(kind: str, table: sa.Table, key: str) -> Any:
    if kind == 'mysql':
        made = mysql.insert(table)
        # INSERT IGNORE would let pass what else is wrong, too.
        same = {key: table.c[key]}
        return made.on_duplicate_key_update(same)
    insert = postgresql.insert if kind == 'postgresql' else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=[key])


def _taken(new: Any, names: Iterable[str]) -> Mapping[str, Any]:
    return {name: new[name] for name in names}
