# SPDX-License-Identifier: Apache-2.0
"""How long a project's instances waited for one another, by hours.

Hours have one sum of all neighbours; whose these were is in the ledger of
the host's hour, which is read only where two of the project met.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import entity
from kvm_insight.store import charges, report_query, rollup

_AT_ONCE = 500


@dataclasses.dataclass(slots=True)
class Own:
    """Waits for others of the project, in µs."""

    #: By instance, by hour, and by both.
    instance: defaultdict[int, float]
    hour: defaultdict[int, float]
    both: defaultdict[tuple[int, int], float]


def read(
    connection: sa.Connection,
    span: report_query.Span,
    uuids: Mapping[int, str],
) -> Own:
    """Return what the ledgers of these hours say."""
    own = Own(defaultdict(float), defaultdict(float), defaultdict(float))
    entities = {entity.domain(uuid): key for key, uuid in uuids.items()}
    for hour, packed, rows in _met(connection, span):
        waited = _waited(charges.unpack(packed), entities, rows)
        for instance, us in waited.items():
            part, most = rows[instance]
            told = min(us * part, most * part)
            own.instance[instance] += told
            own.hour[hour] += told
            own.both[instance, hour] += told
    return own


#: Instance -> by what its charges are multiplied, and all its neighbours'.
_Rows = dict[int, tuple[float, int]]


def _met(
    connection: sa.Connection, span: report_query.Span
) -> Iterator[tuple[int, bytes, _Rows]]:
    """Return the ledgers of hours in which two of the project met."""
    key: Any = None
    packed: bytes = b''
    rows: _Rows = {}
    asked = _asked(span).execution_options(
        yield_per=_AT_ONCE, stream_results=True
    )
    with connection.execute(asked) as found:
        for host, hour, part, ledger, instance, multiplied, us in found:
            if (hour, host, part) != key:
                if len(rows) > 1:
                    yield key[0], packed, rows
                key, packed, rows = (hour, host, part), ledger, {}
            rows[instance] = float(multiplied), us
    if len(rows) > 1:
        yield key[0], packed, rows


def _asked(span: report_query.Span) -> sa.Select[Any]:
    one, host = span.rows.c, rollup.HOST_HOUR.c
    together = sa.and_(
        host.host_id == one.host_id,
        host.hour == one.hour,
        host.part == one.part,
    )
    return (
        sa.select(
            one.host_id,
            one.hour,
            one.part,
            host.charges,
            one.instance_id,
            report_query.factor(span.rows).label('multiplied'),
            one.waited_neighbour_us,
        )
        .join_from(span.rows, rollup.HOST_HOUR, together)
        .where(span.scope(), host.charges.is_not(None))
        .order_by(one.hour, one.host_id, one.part)
    )


def _waited(
    ledger: charges.Ledger, known: Mapping[str, int], rows: _Rows
) -> dict[int, int]:
    """Return how long each waited for others of the project."""
    own: dict[int, int] = {}
    for number, name in enumerate(ledger.entities):
        instance = known.get(name)
        if instance is not None and instance in rows:
            own[number] = instance
    waited: dict[int, int] = {}
    for victim, runner, us in ledger.charges:
        if victim in own and runner in own and victim != runner:
            waited[own[victim]] = waited.get(own[victim], 0) + us
    return waited
