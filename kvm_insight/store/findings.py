# SPDX-License-Identifier: Apache-2.0
"""Findings: of a project those whose victim is an instance of it.

Those that name one of its instances are not among them: their number would
tell how many others there are. Ledger and report have them as one sum.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa

from kvm_insight.store import paging, scope, table

_FINDING = table.FINDING.c
_AGGRESSOR = table.AGGRESSOR.c


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """Which findings; None is any."""

    state: str | None = None
    resource: str | None = None
    verdict: str | None = None
    #: Victim's or aggressor's UUID.
    instance: str | None = None
    project_id: str | None = None
    host: str | None = None
    #: Open at some time from then on, and until then.
    since_us: int | None = None
    until_us: int | None = None


def listed(
    store: sa.Connection,
    whose: scope.Scope,
    wanted: Filter,
    page: paging.Page,
) -> list[paging.Row]:
    """Return a part of the findings, and one more if there are more."""
    query = _query(whose).where(*_clauses(whose, wanted))
    return paging.read(store, query, page, _FINDING.id)


def one(
    store: sa.Connection, whose: scope.Scope, ident: str
) -> paging.Row | None:
    """Return a finding; None where there is none in the scope."""
    query = _query(whose).where(_FINDING.id == ident)
    return paging.first(store, query)


def ids_opened(
    store: sa.Connection, whose: scope.Scope, opened_us: int
) -> list[str]:
    """Return the ids of those that were opened at that very time."""
    query = sa.select(_FINDING.id).where(
        _FINDING.opened_us == opened_us, _in(whose)
    )
    return list(store.execute(query).scalars())


def _query(whose: scope.Scope) -> sa.Select[Any]:
    return (
        sa.select(
            _FINDING.id,
            table.HOST.c.name.label('host'),
            _FINDING.state,
            _FINDING.opened_us,
            _FINDING.updated_us,
            _FINDING.closed_us,
            _FINDING.severity_cores,
            _FINDING.record,
        )
        .select_from(table.FINDING.join(table.HOST))
        .where(_in(whose))
    )


def _in(whose: scope.Scope) -> sa.ColumnElement[bool]:
    return whose.holds(_FINDING.project_id)


def _clauses(
    whose: scope.Scope, wanted: Filter
) -> list[sa.ColumnElement[bool]]:
    found = [
        _FINDING[name] == value
        for name in ('state', 'resource', 'verdict')
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.instance is not None:
        found.append(_about(whose, wanted.instance))
    if wanted.project_id is not None:
        found.append(_FINDING.project_id == scope.numbered(wanted.project_id))
    if wanted.host is not None:
        found.append(table.HOST.c.name == wanted.host)
    if wanted.since_us is not None:
        closed = _FINDING.closed_us
        found.append(sa.or_(closed.is_(None), closed >= wanted.since_us))
    if wanted.until_us is not None:
        found.append(_FINDING.opened_us < wanted.until_us)
    return found


def _about(whose: scope.Scope, uuid: str) -> sa.ColumnElement[bool]:
    """Return what holds where the instance, if it is in the scope, is victim
    or, for operators, aggressor: a project cannot ask whom its neighbours
    are said to harm."""
    instance = table.INSTANCE.c
    number = (
        sa.select(instance.id)
        .where(instance.uuid == uuid, whose.holds(instance.project_id))
        .scalar_subquery()
    )
    named = sa.select(_AGGRESSOR.finding_id).where(
        _AGGRESSOR.instance_id == number
    )
    return sa.or_(_FINDING.instance_id == number, _FINDING.id.in_(named))
