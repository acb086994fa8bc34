# SPDX-License-Identifier: Apache-2.0
"""Instances, as they are now or were last seen."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from kvm_insight.store import paging, scope, table

_INSTANCE = table.INSTANCE.c
#: How many a query may name; SQLite takes 32,766.
_MANY = 5000


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """Which instances; None is any."""

    name: str | None = None
    flavor: str | None = None
    state: str | None = None
    server_group: str | None = None
    project_id: str | None = None
    host: str | None = None
    gone: bool | None = None


def listed(
    store: sa.Connection,
    whose: scope.Scope,
    wanted: Filter,
    page: paging.Page,
) -> list[paging.Row]:
    """Return a part of the instances, and one more if there are more."""
    query = _query(whose).where(*_clauses(wanted))
    return paging.read(store, query, page, _INSTANCE.uuid)


def one(
    store: sa.Connection, whose: scope.Scope, uuid: str
) -> paging.Row | None:
    """Return an instance; None where there is none in the scope."""
    query = _query(whose).where(_INSTANCE.uuid == uuid)
    return paging.first(store, query)


def known(
    store: sa.Connection, whose: scope.Scope, uuids: Iterable[str]
) -> dict[str, paging.Row]:
    """Return UUID -> uuid, name and project of those in the scope."""
    found: dict[str, paging.Row] = {}
    names = sorted(set(uuids))
    for begin in range(0, len(names), _MANY):
        some = names[begin : begin + _MANY]
        query = (
            sa.select(
                _INSTANCE.uuid,
                _INSTANCE.name,
                table.PROJECT.c.uuid.label('project_id'),
                table.PROJECT.c.name.label('project_name'),
            )
            .select_from(table.INSTANCE.outerjoin(table.PROJECT))
            .where(_INSTANCE.uuid.in_(some), whose.holds(_INSTANCE.project_id))
        )
        found.update({row['uuid']: row for row in paging.rows(store, query)})
    return found


def _query(whose: scope.Scope) -> sa.Select[Any]:
    whole = table.INSTANCE.outerjoin(table.PROJECT).outerjoin(
        table.HOST, _INSTANCE.host_id == table.HOST.c.id
    )
    return (
        sa.select(
            _INSTANCE.uuid,
            _INSTANCE.name,
            table.PROJECT.c.uuid.label('project_id'),
            table.PROJECT.c.name.label('project_name'),
            table.HOST.c.name.label('host'),
            _INSTANCE.domain_name,
            _INSTANCE.flavor,
            _INSTANCE.server_group,
            _INSTANCE.state,
            _INSTANCE.vcpus,
            _INSTANCE.memory_bytes,
            _INSTANCE.wanted_cores,
            _INSTANCE.waited_cores,
            _INSTANCE.first_seen_us,
            _INSTANCE.last_seen_us,
            _INSTANCE.gone_us,
            _findings(whose).label('open_findings'),
        )
        .select_from(whole)
        .where(whose.holds(_INSTANCE.project_id))
    )


def _findings(whose: scope.Scope) -> sa.ScalarSelect[int]:
    finding = table.FINDING.c
    return (
        sa.select(sa.func.count())
        .where(
            finding.instance_id == _INSTANCE.id,
            finding.state == 'open',
            whose.holds(finding.project_id),
        )
        .correlate(table.INSTANCE)
        .scalar_subquery()
    )


def _clauses(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    found = [
        _INSTANCE[name] == value
        for name in ('name', 'flavor', 'state', 'server_group')
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.project_id is not None:
        found.append(_INSTANCE.project_id == scope.numbered(wanted.project_id))
    if wanted.host is not None:
        found.append(table.HOST.c.name == wanted.host)
    if wanted.gone is not None:
        is_there = _INSTANCE.gone_us.is_(None)
        found.append(~is_there if wanted.gone else is_there)
    return found
