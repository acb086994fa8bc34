# SPDX-License-Identifier: Apache-2.0
"""What the planner says and people said, as it is on the bus now."""

from collections.abc import Sequence
from typing import TypeVar

import sqlalchemy as sa

from kvm_insight.model import codec, control, sample
from kvm_insight.store import paging, table

Record = TypeVar('Record', bound=sample.Wire)

_FACT = table.FACT.c
_ORDER = table.ORDER.c


def fact(store: sa.Connection, key: str, kind: type[Record]) -> Record | None:
    """Return what lies under a key of ``inventory``."""
    query = sa.select(_FACT.record).where(_FACT.key == key)
    value = store.execute(query).scalar()
    return None if value is None else codec.decode(value, kind)


def facts(
    store: sa.Connection, kind: type[Record]
) -> list[tuple[int, Record]]:
    """Return all of one kind, each with when it was said."""
    tag = str(kind.__struct_config__.tag)
    query = (
        sa.select(_FACT.updated_us, _FACT.record)
        .where(_FACT.schema == tag)
        .order_by(_FACT.key)
    )
    return [
        (updated_us, codec.decode(value, kind))
        for updated_us, value in store.execute(query)
    ]


def orders(
    store: sa.Connection,
    kinds: Sequence[control.Kind],
    page: paging.Page,
    subject: str | None = None,
) -> list[tuple[str, control.Order]]:
    """Return a part of the orders of these kinds by their keys, and one
    more if there are more."""
    query = sa.select(_ORDER.key, _ORDER.record).where(_ORDER.kind.in_(kinds))
    if subject is not None:
        query = query.where(_ORDER.subject == subject)
    found = paging.read(store, query, page, _ORDER.key)
    return [
        (row['key'], codec.decode(row['record'], control.Order))
        for row in found
    ]


def order(store: sa.Connection, key: str) -> control.Order | None:
    """Return the newest word in one matter."""
    query = sa.select(_ORDER.record).where(_ORDER.key == key)
    value = store.execute(query).scalar()
    return None if value is None else codec.decode(value, control.Order)
