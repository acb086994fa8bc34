# SPDX-License-Identifier: Apache-2.0
"""Findings about one project's instances, and those that name them."""

import contextlib
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.model import codec, finding
from kvm_insight.report import value
from kvm_insight.store import table

#: The costliest of so many are told; a tenant reads no more.
MOST = 1_000


def found(
    connection: sa.Connection,
    project: int,
    since_us: int,
    until_us: int,
    now_us: int,
    opaque: Callable[[str, int], str] | None,
) -> tuple[list[value.Found], int]:
    """Return findings about the project's instances that were open in the
    period, and how many more there are; what is still open is so until now.
    """
    c = table.FINDING.c
    about = sa.and_(
        c.project_id == project,
        c.instance_id.is_not(None),
        _open(since_us, until_us, now_us),
    )
    whole = connection.scalar(sa.select(sa.func.count()).where(about))
    asked = (
        sa.select(c.id, c.opened_us, c.record)
        .where(about)
        .order_by(c.lost_us.desc(), c.id)
        .limit(MOST)
    )
    told = []
    for key, opened_us, record in connection.execute(asked):
        # One of a version to come is no reason to tell nothing at all.
        with contextlib.suppress(exception.CodecError):
            one = codec.decode(record, finding.Finding)
            name = opaque(key, opened_us) if opaque else None
            told.append(value.Found(one, name))
    return told, int(whole or 0) - len(told)


def blamed(
    connection: sa.Connection,
    project: int,
    since_us: int,
    until_us: int,
    now_us: int,
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
            _open(since_us, until_us, now_us),
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


def _open(since_us: int, until_us: int, now_us: int) -> sa.ColumnElement[bool]:
    c = table.FINDING.c
    end_us = sa.func.coalesce(c.closed_us, now_us)
    return sa.and_(c.opened_us < until_us, end_us >= since_us)
