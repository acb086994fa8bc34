# SPDX-License-Identifier: Apache-2.0
"""Paging: a part of a list that goes on where the one before ended.

What stands between is found by the database, so that the last part costs as
much as the first. Rows without the value that is sorted by are always last.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight import exception

Row = Mapping[str, Any]
Column = sa.ColumnElement[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Which part; ``after`` is the value of the last one's id column."""

    limit: int
    key: str
    descending: bool = False
    after: str | None = None


def read(
    store: sa.Connection,
    query: sa.Select[Any],
    page: Page,
    ident: Column,
) -> list[Row]:
    """Return one row more than the page has, if there are more.

    ``query`` has a column labelled as the key. Raises MarkerUnknown if what
    the part should begin after is not in the whole list.
    """
    key = query.selected_columns[page.key]
    if isinstance(key, sa.Label):
        key = key.element
    if page.after is not None:
        marker = query.with_only_columns(key, ident)
        found = store.execute(marker.where(ident == page.after)).first()
        if found is None:
            raise exception.MarkerUnknown(page.after)
        query = query.where(_beyond(key, ident, tuple(found), page))
    query = query.order_by(*_order(key, ident, page)).limit(page.limit + 1)
    return rows(store, query)


def rows(store: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    """Return all of them, column by name."""
    found = store.execute(query)
    # Which the database library has as a kind of string of its own.
    names = [str(name) for name in found.keys()]  # noqa: SIM118
    return [dict(zip(names, row, strict=True)) for row in found]


def first(store: sa.Connection, query: sa.Select[Any]) -> Row | None:
    """Return the first; None if there is none."""
    return next(iter(rows(store, query.limit(1))), None)


def _beyond(
    key: Column, ident: Column, marker: Sequence[Any], page: Page
) -> sa.ColumnElement[bool]:
    """Return what holds for all rows after the marker."""
    value, last = marker
    later = ident < last if page.descending else ident > last
    if value is None:
        return sa.and_(key.is_(None), later)
    further = key < value if page.descending else key > value
    return sa.or_(further, sa.and_(key == value, later), key.is_(None))


def _order(key: Column, ident: Column, page: Page) -> list[Column]:
    columns = [key, ident]
    if page.descending:
        columns = [one.desc() for one in columns]
    if isinstance(key, sa.Column) and not key.nullable:
        return columns
    return [sa.case((key.is_(None), 1), else_=0), *columns]
