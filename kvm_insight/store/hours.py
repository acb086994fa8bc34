# SPDX-License-Identifier: Apache-2.0
"""Hours and days of hosts and instances, and who waited for whom in them.

Of one hour there may be two rows, where a clock was set back; they add up.
"""

from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from kvm_insight.model import entity, usage
from kvm_insight.store import charges, paging, rollup, scope, table

Step = Literal['hour', 'day']
#: Victim and runner -> µs.
Matrix = dict[tuple[str, str], int]

_STEP_US = {'hour': usage.HOUR_US, 'day': 24 * usage.HOUR_US}
_HOST_TABLES = {'hour': rollup.HOST_HOUR, 'day': rollup.HOST_DAY}
_INSTANCE_TABLES = {'hour': rollup.INSTANCE_HOUR, 'day': rollup.INSTANCE_DAY}
#: Large, and of no use to who looks at single hours.
_HIDDEN = {'charges', 'histogram', 'host_id', 'instance_id', 'project_id'}


class Account(NamedTuple):
    """What one instance waited and was waited for."""

    measured_us: int
    delay_us: int
    #: Entity -> µs.
    suffered: dict[str, int]
    caused: dict[str, int]


def step_us(step: Step) -> int:
    """Return how long an hour or a day is."""
    return _STEP_US[step]


def of_host(
    store: sa.Connection, number: int, step: Step, since_us: int, until_us: int
) -> list[paging.Row]:
    """Return the host's hours or days, the oldest first, with their
    ``start_us``."""
    kept = _HOST_TABLES[step]
    query = (
        sa.select(*_columns(kept))
        .where(
            kept.c.host_id == number, *_within(kept, step, since_us, until_us)
        )
        .order_by(kept.c[step])
    )
    return _begun(paging.rows(store, query), step)


def of_instance(
    store: sa.Connection,
    whose: scope.Scope,
    uuid: str,
    step: Step,
    since_us: int,
    until_us: int,
) -> list[paging.Row]:
    """Return the instance's hours or days, as far as it was the scope's."""
    kept = _INSTANCE_TABLES[step]
    whole: Any = kept.join(table.INSTANCE).outerjoin(
        table.PROJECT, kept.c.project_id == table.PROJECT.c.id
    )
    columns = [*_columns(kept), table.PROJECT.c.uuid.label('project_id')]
    if step == 'hour':
        whole = whole.join(table.HOST, kept.c.host_id == table.HOST.c.id)
        columns.append(table.HOST.c.name.label('host'))
    query = (
        sa.select(*columns)
        .select_from(whole)
        .where(
            table.INSTANCE.c.uuid == uuid,
            whose.holds(kept.c.project_id),
            *_within(kept, step, since_us, until_us),
        )
        .order_by(kept.c[step])
    )
    return _begun(paging.rows(store, query), step)


def matrix(
    store: sa.Connection, number: int, since_us: int, until_us: int
) -> tuple[int, Matrix]:
    """Return how long a host was measured, and who waited for whom."""
    hour = rollup.HOST_HOUR.c
    query = sa.select(hour.measured_us, hour.charges).where(
        hour.host_id == number,
        *_within(rollup.HOST_HOUR, 'hour', since_us, until_us),
    )
    measured_us, found = 0, Matrix()
    for us, packed in store.execute(query):
        measured_us += us
        ledger = charges.unpack(packed)
        names = ledger.entities
        for victim, runner, waited_us in ledger.charges:
            pair = names[victim], names[runner]
            found[pair] = found.get(pair, 0) + waited_us
    return measured_us, found


def account(
    store: sa.Connection,
    whose: scope.Scope,
    uuid: str,
    since_us: int,
    until_us: int,
) -> Account:
    """Return what an instance waited, as far as it was the scope's."""
    kept, host = rollup.INSTANCE_HOUR, rollup.HOST_HOUR
    same = sa.and_(
        host.c.host_id == kept.c.host_id,
        host.c.hour == kept.c.hour,
        host.c.part == kept.c.part,
    )
    query = (
        sa.select(kept.c.measured_us, kept.c.delay_us, host.c.charges)
        .select_from(kept.join(table.INSTANCE).outerjoin(host, same))
        .where(
            table.INSTANCE.c.uuid == uuid,
            whose.holds(kept.c.project_id),
            *_within(kept, 'hour', since_us, until_us),
        )
    )
    measured_us = delay_us = 0
    suffered: dict[str, int] = {}
    caused: dict[str, int] = {}
    for measured, delay, packed in store.execute(query):
        measured_us += measured
        delay_us += delay
        _add(charges.unpack(packed), entity.domain(uuid), suffered, caused)
    return Account(measured_us, delay_us, suffered, caused)


def _add(
    ledger: charges.Ledger,
    own: str,
    suffered: dict[str, int],
    caused: dict[str, int],
) -> None:
    """Add its row and its column; what it waited for itself is in the row."""
    names = ledger.entities
    if own not in names:
        return
    me = names.index(own)
    for victim, runner, us in ledger.charges:
        if victim == me:
            suffered[names[runner]] = suffered.get(names[runner], 0) + us
        elif runner == me:
            caused[names[victim]] = caused.get(names[victim], 0) + us


def _columns(kept: sa.Table) -> list[sa.Column[Any]]:
    return [one for one in kept.c if one.name not in _HIDDEN]


def _within(
    kept: sa.Table, step: Step, since_us: int, until_us: int
) -> list[sa.ColumnElement[bool]]:
    """Return what holds of all that have a part of that time in them."""
    long_us = _STEP_US[step]
    return [
        kept.c[step] >= since_us // long_us,
        kept.c[step] < -(-until_us // long_us),
    ]


def _begun(found: list[paging.Row], step: Step) -> list[paging.Row]:
    long_us = _STEP_US[step]
    return [{**row, 'start_us': row[step] * long_us} for row in found]
