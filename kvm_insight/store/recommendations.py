# SPDX-License-Identifier: Apache-2.0
"""Recommendations; only for those who may see everything."""

import dataclasses
from typing import Any

import sqlalchemy as sa

from kvm_insight.store import paging, table

_ONE = table.RECOMMENDATION.c
_MOVE = table.MOVE.c


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """Which recommendations; None is any."""

    state: str | None = None
    mode: str | None = None
    outcome: str | None = None
    instance: str | None = None
    host: str | None = None
    since_us: int | None = None
    until_us: int | None = None


def listed(
    store: sa.Connection, wanted: Filter, page: paging.Page
) -> list[paging.Row]:
    """Return a part of them, and one more if there are more."""
    query = _query().where(*_clauses(wanted))
    return paging.read(store, query, page, _ONE.id)


def one(store: sa.Connection, ident: str) -> paging.Row | None:
    """Return a recommendation."""
    query = _query().where(_ONE.id == ident)
    return paging.first(store, query)


def _query() -> sa.Select[Any]:
    return sa.select(
        _ONE.id,
        _ONE.created_us,
        _ONE.expires_us,
        _ONE.gain_core_s,
        _ONE.gone_us,
        _ONE.record,
    )


def _clauses(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    found = [
        _ONE[name] == value
        for name in ('state', 'mode', 'outcome')
        if (value := getattr(wanted, name)) is not None
    ]
    moves = sa.select(_MOVE.recommendation_id)
    if wanted.instance is not None:
        some = moves.where(_MOVE.instance_uuid == wanted.instance)
        found.append(_ONE.id.in_(some))
    if wanted.host is not None:
        ends = sa.or_(
            _MOVE.source == wanted.host, _MOVE.destination == wanted.host
        )
        found.append(_ONE.id.in_(moves.where(ends)))
    if wanted.since_us is not None:
        found.append(_ONE.created_us >= wanted.since_us)
    if wanted.until_us is not None:
        found.append(_ONE.created_us < wanted.until_us)
    return found
