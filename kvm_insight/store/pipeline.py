# SPDX-License-Identifier: Apache-2.0
"""Pipeline: what the store knows of those who fill it."""

from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from kvm_insight.model import sample, vitals
from kvm_insight.store import hosts, paging, rollup, table

_HOST = table.HOST.c
_HOUR = rollup.HOST_HOUR.c


class _Told(msgspec.Struct):
    """The part of ``host_report.HostReport`` that is read here."""

    agent: sample.Agent | None = None


_DECODER = msgspec.json.Decoder(_Told)


def counts(store: sa.Connection, fresh_us: int) -> dict[str, int]:
    """Return how many hosts report, are silent, or never reported."""
    found = {}
    for state in ('reporting', 'silent', 'unknown'):
        query = sa.select(sa.func.count()).select_from(table.HOST)
        clause = hosts.in_state(state, fresh_us)
        found[state] = int(store.execute(query.where(clause)).scalar_one())
    return found


def silent(
    store: sa.Connection, fresh_us: int, most: int
) -> list[tuple[str, int]]:
    """Return those that are silent since when, the longest first."""
    query = (
        sa.select(_HOST.name, _HOST.report_us)
        .where(hosts.in_state('silent', fresh_us))
        .order_by(_HOST.report_us, _HOST.name)
        .limit(most)
    )
    return [(str(name), int(us)) for name, us in store.execute(query)]


def gaps(store: sa.Connection, since_hour: int, most: int) -> list[paging.Row]:
    """Return the hosts of which most samples are missing since then."""
    missing = sa.func.sum(_HOUR.missing)
    query = (
        sa.select(
            _HOST.name,
            sa.func.sum(_HOUR.samples).label('samples'),
            missing.label('missing'),
            sa.func.sum(_HOUR.measured_us).label('measured_us'),
            sa.func.count(sa.distinct(_HOUR.hour)).label('hours'),
        )
        .join_from(rollup.HOST_HOUR, table.HOST)
        .where(_HOUR.hour >= since_hour)
        .group_by(_HOST.name)
        .having(missing > 0)
        .order_by(missing.desc(), _HOST.name)
        .limit(most)
    )
    return paging.rows(store, query)


def agents(store: sa.Connection) -> Iterator[tuple[str, sample.Agent]]:
    """Yield what the newest report of each host says of its agent."""
    query = sa.select(_HOST.name, _HOST.record).where(
        _HOST.gone_us.is_(None), _HOST.record.is_not(None)
    )
    for name, record in store.execute(query.order_by(_HOST.name)):
        try:
            told = _DECODER.decode(record).agent
        except msgspec.MsgspecError:
            continue
        if told is not None:
            yield str(name), told


def newest(store: sa.Connection) -> int | None:
    """Return when the newest report or fact was made that is here."""
    report = store.execute(sa.select(sa.func.max(_HOST.report_us))).scalar()
    fact = sa.select(sa.func.max(table.FACT.c.updated_us))
    told = [us for us in (report, store.execute(fact).scalar()) if us]
    return max(told) if told else None


def offsets(store: sa.Connection) -> list[paging.Row]:
    """Return how far each partition was read."""
    offset = table.BUS_OFFSET.c
    query = sa.select(
        offset.topic, offset.partition, offset.next_offset, offset.generation
    )
    return paging.rows(store, query.order_by(offset.topic, offset.partition))


def vitals_of(store: sa.Connection, fresh_us: int) -> vitals.Store:
    """Return what there is, in numbers."""
    finding, advice = table.FINDING.c, table.RECOMMENDATION.c
    return vitals.Store(
        hosts=counts(store, fresh_us),
        findings=_counted(store, finding.verdict, finding.state == 'open'),
        recommendations=_counted(
            store, advice.state, advice.gone_us.is_(None)
        ),
        newest_us=newest(store),
        offsets={
            (row['topic'], row['partition']): row['next_offset']
            for row in offsets(store)
        },
    )


def _counted(
    store: sa.Connection,
    by: sa.ColumnElement[str],
    which: sa.ColumnElement[bool],
) -> dict[str, int]:
    query = sa.select(by, sa.func.count()).where(which).group_by(by)
    return {str(name): int(count) for name, count in store.execute(query)}
