# SPDX-License-Identifier: Apache-2.0
"""Findings about one project's instances, and those that name them."""

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import codec, finding
from kvm_insight.report import value
from kvm_insight.store import table

_AT_ONCE = 500


def found(
    connection: sa.Connection,
    project: int,
    since_us: int,
    until_us: int,
    opaque: Callable[[str], str] | None,
) -> Iterator[value.Found]:
    """Return findings about the project's instances that were open in the
    period."""
    c = table.FINDING.c
    asked = (
        sa.select(c.id, c.record)
        .where(
            c.project_id == project,
            c.instance_id.is_not(None),
            _open(since_us, until_us),
        )
        .order_by(c.opened_us, c.id)
        .execution_options(yield_per=_AT_ONCE, stream_results=True)
    )
    with connection.execute(asked) as rows:
        for key, record in rows:
            yield value.Found(
                codec.decode(record, finding.Finding),
                opaque(key) if opaque else None,
            )


def blamed(
    connection: sa.Connection, project: int, since_us: int, until_us: int
) -> Iterator[value.Blamed]:
    """Return findings of others that name one of the project's instances.

    Who it was that waited is not read.
    """
    aggressor, of = table.AGGRESSOR.c, table.FINDING.c
    asked = (
        sa.select(
            table.INSTANCE.c.uuid,
            table.INSTANCE.c.name,
            of.resource,
            of.opened_us,
            of.closed_us,
            aggressor.waited_us,
            sa.func.coalesce(of.project_id == project, sa.false()),
        )
        .join_from(table.AGGRESSOR, table.FINDING)
        .join(table.INSTANCE, table.INSTANCE.c.id == aggressor.instance_id)
        .where(
            aggressor.project_id == project,
            table.INSTANCE.c.project_id == project,
            sa.or_(
                of.instance_id.is_(None),
                of.instance_id != aggressor.instance_id,
            ),
            _open(since_us, until_us),
        )
        .order_by(of.opened_us)
    )
    for row in connection.execute(asked):
        uuid, name, resource, opened_us, closed_us, waited_us, own = row
        yield value.Blamed(
            uuid=uuid,
            name=name,
            resource=resource,
            opened_us=opened_us,
            closed_us=closed_us,
            waited_us=waited_us,
            own=bool(own),
        )


def _open(since_us: int, until_us: int) -> sa.ColumnElement[Any]:
    c = table.FINDING.c
    return sa.and_(
        c.opened_us < until_us,
        sa.or_(c.closed_us.is_(None), c.closed_us >= since_us),
    )
