# SPDX-License-Identifier: Apache-2.0
"""Part after part, each row is read once, in order."""

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import pool

from kvm_insight import exception
from kvm_insight.store import paging

ROWS = sa.Table(
    'rows',
    sa.MetaData(),
    sa.Column('name', sa.String(9), primary_key=True),
    sa.Column('value', sa.Double),
    sa.Column('sure', sa.Integer, nullable=False),
)
QUERY = sa.select(ROWS.c.name, ROWS.c.value, ROWS.c.sure)


def filled(values: list[float | None]) -> sa.Engine:
    made = sa.create_engine('sqlite://', poolclass=pool.StaticPool)
    ROWS.create(made)
    with made.begin() as store:
        for number, value in enumerate(values):
            columns = {'value': value, 'sure': number % 2}
            store.execute(
                sa.insert(ROWS).values(name=f'n{number:03}', **columns)
            )
    return made


def whole(
    database: sa.Engine, limit: int, key: str, descending: bool
) -> list[dict[str, Any]]:
    found: list[Any] = []
    after = None
    with database.connect() as store:
        while True:
            page = paging.Page(limit, key, descending, after)
            some = paging.read(store, QUERY, page, ROWS.c.name)
            assert len(some) <= limit + 1
            found += some[:limit]
            if len(some) <= limit:
                return found
            after = some[limit - 1]['name']


@given(
    st.lists(st.none() | st.sampled_from([0.0, 0.1, 1e300, -1.5])),
    st.integers(1, 5),
    st.sampled_from(['value', 'name', 'sure']),
    st.booleans(),
)
def test_all_rows_come_once_and_in_order(
    values: list[float | None], limit: int, key: str, descending: bool
) -> None:
    database = filled(values)
    found = whole(database, limit, key, descending)
    database.dispose()
    assert len({row['name'] for row in found}) == len(found) == len(values)
    told = [row[key] for row in found if row[key] is not None]
    assert told == sorted(told, reverse=descending)
    # What is not known is last, whichever way.
    assert [row[key] for row in found][: len(told)] == told


def test_a_marker_that_is_not_in_the_list_is_unknown() -> None:
    database = filled([1.0, None])
    with database.connect() as store:
        for query in (QUERY, QUERY.where(ROWS.c.sure == 0)):
            page = paging.Page(1, 'value', after='n001')
            if query is QUERY:
                paging.read(store, query, page, ROWS.c.name)
                continue
            with pytest.raises(exception.MarkerUnknown):
                paging.read(store, query, page, ROWS.c.name)
    database.dispose()
