# SPDX-License-Identifier: Apache-2.0
"""Hosts, as they are now; only for those who may see everything."""

import dataclasses
import json
from collections import Counter
from typing import Any

import sqlalchemy as sa

from kvm_insight.store import paging, table

_HOST = table.HOST.c


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """Which hosts; None is any."""

    availability_zone: str | None = None
    aggregate: str | None = None
    enabled: bool | None = None
    outlook_state: str | None = None
    #: One of those below.
    state: str | None = None
    #: A host whose newest report is older is silent.
    fresh_us: int = 0


def listed(
    store: sa.Connection, wanted: Filter, page: paging.Page
) -> list[paging.Row]:
    """Return a part of the hosts, and one more if there are more."""
    query = _counted().where(*_clauses(wanted))
    return paging.read(store, query, page, _HOST.name)


def one(store: sa.Connection, name: str) -> paging.Row | None:
    """Return a host with its newest report and outlook."""
    query = _columns(_instances(), _findings())
    query = query.add_columns(_HOST.record, _HOST.outlook)
    return paging.first(store, query.where(_HOST.name == name))


def record(store: sa.Connection, name: str) -> bytes | None:
    """Return a host's newest report, as it came."""
    found: bytes | None = store.execute(
        sa.select(_HOST.record).where(_HOST.name == name)
    ).scalar()
    return found


def number(store: sa.Connection, name: str) -> int | None:
    """Return the key by which its hours are kept."""
    return store.execute(
        sa.select(_HOST.id).where(_HOST.name == name)
    ).scalar()


def zones(store: sa.Connection) -> list[tuple[str, int]]:
    """Return all availability zones, and how many hosts each has."""
    zone = _HOST.availability_zone
    query = (
        sa.select(zone, sa.func.count())
        .where(zone.is_not(None), _HOST.gone_us.is_(None))
        .group_by(zone)
        .order_by(zone)
    )
    return [(str(name), int(count)) for name, count in store.execute(query)]


def aggregates(store: sa.Connection) -> list[tuple[str, int]]:
    """Return all host aggregates, and how many hosts each has."""
    query = sa.select(_HOST.aggregates).where(_HOST.gone_us.is_(None))
    count: Counter[str] = Counter()
    for names in store.execute(query).scalars():
        count.update(names or [])
    return sorted(count.items())


def _counted() -> sa.Select[Any]:
    """Return the query of many hosts: counts are made of all at once, as
    those of a thousand hosts one by one are a thousand searches."""
    instance, finding = table.INSTANCE.c, table.FINDING.c
    there = _count_by(instance.host_id, instance.gone_us.is_(None))
    open_ones = _count_by(finding.host_id, finding.state == 'open')
    whole: Any = table.HOST.outerjoin(
        there, there.c.host_id == _HOST.id
    ).outerjoin(open_ones, open_ones.c.host_id == _HOST.id)
    query = _columns(
        sa.func.coalesce(there.c.many, 0),
        sa.func.coalesce(open_ones.c.many, 0),
    )
    return query.select_from(whole)


def _count_by(
    host_id: sa.ColumnElement[int], which: sa.ColumnElement[bool]
) -> sa.Subquery:
    query = sa.select(
        host_id.label('host_id'), sa.func.count().label('many')
    ).where(which)
    return query.group_by(host_id).subquery()


def _columns(
    instances: sa.ColumnElement[int], findings: sa.ColumnElement[int]
) -> sa.Select[Any]:
    return sa.select(
        _HOST.name,
        _HOST.hypervisor_hostname,
        _HOST.compute_id,
        _HOST.availability_zone,
        _HOST.aggregates,
        _HOST.enabled,
        _HOST.maintenance,
        _HOST.report_us,
        _HOST.cpus,
        _HOST.wanted_cores,
        _HOST.waited_cores,
        _HOST.own_cores,
        _HOST.lost_cores,
        _HOST.memory_bytes,
        _HOST.memory_available_bytes,
        _HOST.ledger_source,
        _HOST.outlook_state,
        _HOST.gone_us,
        instances.label('instances'),
        findings.label('open_findings'),
    )


def _instances() -> sa.ScalarSelect[int]:
    instance = table.INSTANCE.c
    return (
        sa.select(sa.func.count())
        .where(instance.host_id == _HOST.id, instance.gone_us.is_(None))
        .correlate(table.HOST)
        .scalar_subquery()
    )


def _findings() -> sa.ScalarSelect[int]:
    finding = table.FINDING.c
    return (
        sa.select(sa.func.count())
        .where(finding.host_id == _HOST.id, finding.state == 'open')
        .correlate(table.HOST)
        .scalar_subquery()
    )


def _clauses(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.availability_zone is not None:
        found.append(_HOST.availability_zone == wanted.availability_zone)
    if wanted.aggregate is not None:
        # As the list is kept: the same for all kinds of databases.
        text = sa.cast(_HOST.aggregates, sa.Text)
        name = json.dumps(wanted.aggregate)
        found.append(text.contains(name, autoescape=True))
    if wanted.enabled is not None:
        found.append(_HOST.enabled.is_(wanted.enabled))
    if wanted.outlook_state is not None:
        found.append(_HOST.outlook_state == wanted.outlook_state)
    if wanted.state is not None:
        found.append(in_state(wanted.state, wanted.fresh_us))
    return found


def in_state(state: str, fresh_us: int) -> sa.ColumnElement[bool]:
    """Return what holds of hosts in a state; ``fresh_us`` as above."""
    is_gone = _HOST.gone_us.is_not(None)
    known = _HOST.report_us.is_not(None)
    clauses = {
        'gone': is_gone,
        'unknown': sa.and_(~is_gone, ~known),
        'silent': sa.and_(~is_gone, _HOST.report_us < fresh_us),
        'reporting': sa.and_(~is_gone, _HOST.report_us >= fresh_us),
    }
    return clauses[state]


def state(row: paging.Row, fresh_us: int) -> str:
    """Return the same of a row that was read."""
    if row['gone_us'] is not None:
        return 'gone'
    if row['report_us'] is None:
        return 'unknown'
    return 'silent' if row['report_us'] < fresh_us else 'reporting'


def members(store: sa.Connection) -> dict[str, list[paging.Row]]:
    """Return aggregate -> its hosts, as they are now."""
    query = sa.select(
        _HOST.name,
        _HOST.cpus,
        _HOST.wanted_cores,
        _HOST.waited_cores,
        _HOST.lost_cores,
        _HOST.outlook_state,
        _HOST.aggregates,
    ).where(_HOST.gone_us.is_(None))
    found: dict[str, list[paging.Row]] = {}
    for row in paging.rows(store, query.order_by(_HOST.name)):
        fields = dict(row)
        for aggregate in fields.pop('aggregates') or []:
            found.setdefault(aggregate, []).append(fields)
    return found
