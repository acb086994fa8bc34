# SPDX-License-Identifier: Apache-2.0
"""Configuration findings: of a project those about its own instances, and of
these such as nobody else's instances have a part in."""

import dataclasses
from typing import Any

import sqlalchemy as sa

from kvm_insight.advise import registry
from kvm_insight.store import paging, scope, table

_ONE = table.CONFIGURATION_FINDING.c


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """Which of them; None is any."""

    check: str | None = None
    severity: str | None = None
    state: str | None = None
    instance: str | None = None
    project_id: str | None = None
    host: str | None = None


def listed(
    store: sa.Connection,
    whose: scope.Scope,
    wanted: Filter,
    page: paging.Page,
) -> list[paging.Row]:
    """Return a part of them, and one more if there are more."""
    query = _query(whose).where(*_clauses(wanted), _told(whose))
    return paging.read(store, query, page, _ONE.id)


def ids_opened(
    store: sa.Connection, whose: scope.Scope, opened_us: int
) -> list[str]:
    """Return the ids of those that were opened at that very time."""
    query = sa.select(_ONE.id).where(
        _ONE.opened_us == opened_us,
        whose.holds(_ONE.project_id),
        _told(whose),
    )
    return list(store.execute(query).scalars())


def _query(whose: scope.Scope) -> sa.Select[Any]:
    whole = (
        table.CONFIGURATION_FINDING.join(table.HOST)
        .outerjoin(table.INSTANCE, _ONE.instance_id == table.INSTANCE.c.id)
        .outerjoin(table.PROJECT, _ONE.project_id == table.PROJECT.c.id)
    )
    return (
        sa.select(
            _ONE.id,
            _ONE.check,
            table.HOST.c.name.label('host'),
            table.INSTANCE.c.uuid.label('instance'),
            table.PROJECT.c.uuid.label('project_id'),
            _ONE.severity,
            _ONE.state,
            _ONE.opened_us,
            _ONE.updated_us,
            _ONE.closed_us,
            _ONE.record,
        )
        .select_from(whole)
        .where(whose.holds(_ONE.project_id))
    )


def _told(whose: scope.Scope) -> sa.ColumnElement[bool]:
    if isinstance(whose, scope.Everything):
        return sa.true()
    # Not what is left out: a check that is not known here may be private.
    return _ONE.check.in_(sorted(registry.TOLD))


def _clauses(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    found = [
        _ONE[name] == value
        for name in ('check', 'severity', 'state')
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.instance is not None:
        found.append(table.INSTANCE.c.uuid == wanted.instance)
    if wanted.project_id is not None:
        found.append(_ONE.project_id == scope.numbered(wanted.project_id))
    if wanted.host is not None:
        found.append(table.HOST.c.name == wanted.host)
    return found
