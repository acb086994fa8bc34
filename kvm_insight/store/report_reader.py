# SPDX-License-Identifier: Apache-2.0
"""One project's instances with all that they did, read span by span."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from kvm_insight.report import value
from kvm_insight.store import (
    report_ledger,
    report_query,
    report_stream,
    table,
)


class Reader:
    """Reads spans of one project, the older one first."""

    def __init__(
        self,
        connection: sa.Connection,
        spans: Sequence[report_query.Span],
    ) -> None:
        """Read what has to be read hour by hour."""
        self._connection = connection
        self._spans = spans
        self._stream = report_stream.Stream(connection)
        c = table.INSTANCE.c
        asked = sa.select(c.id, c.uuid).where(c.project_id == spans[0].project)
        self._uuids = {row.id: row.uuid for row in connection.execute(asked)}
        self._own: dict[str, report_ledger.Own] = {}
        for span in spans:
            waits = self._stream.read(span)
            if span.is_hours:
                longest = self._stream.waits[span.length_us]
                self._own[span.rows.name] = report_ledger.read(
                    connection,
                    span,
                    waits,
                    self._uuids,
                    [(key, number) for _, number, key in longest],
                )

    def uses(
        self, since_us: int, until_us: int, now_us: int
    ) -> list[value.Use]:
        """Return each instance that was there, or of which there is data;
        who is not known to be gone is there until now."""
        summed = self._summed()
        c = table.INSTANCE.c
        asked = sa.select(
            c.id,
            c.uuid,
            c.name,
            c.flavor,
            c.vcpus,
            c.memory_bytes,
            c.first_seen_us,
            c.last_seen_us,
            c.gone_us,
        ).where(c.project_id == self._spans[0].project)
        return [
            self._use(row, summed[row.id])
            for row in self._connection.execute(asked)
            if row.id in summed or _lived(row, since_us, until_us, now_us)
        ]

    def _summed(self) -> dict[int, list[tuple[report_query.Span, Any]]]:
        """Return each instance's sums, by days and by hours."""
        summed = defaultdict(list)
        for span in self._spans:
            c = span.rows.c
            asked = (
                sa.select(
                    c.instance_id,
                    *report_query.sums(span.rows),
                    *report_query.devices(span.rows),
                )
                .where(span.scope())
                .group_by(c.instance_id)
            )
            for row in self._connection.execute(asked).mappings():
                summed[row['instance_id']].append((span, row))
        return summed

    def _use(
        self, row: Any, parts: Sequence[tuple[report_query.Span, Any]]
    ) -> value.Use:
        gathered = self._stream.known.get(row.id)
        rows = [part for _, part in parts]
        memory = report_query.device_of('memory', rows)
        if memory is not None and gathered is not None:
            memory = msgspec.structs.replace(
                memory, usable_bytes=gathered.usable_bytes
            )
        sums = [
            report_query.sums_of(part, self._waited_own(span, row.id))
            for span, part in parts
        ]
        return value.Use(
            uuid=row.uuid,
            name=row.name,
            flavor=row.flavor,
            vcpus=row.vcpus,
            memory_bytes=row.memory_bytes,
            first_seen_us=row.first_seen_us,
            last_seen_us=row.last_seen_us,
            gone=row.gone_us is not None,
            sums=value.added(sums),
            sized=gathered.sized() if gathered else None,
            disk=report_query.device_of('disk', rows),
            network=report_query.device_of('network', rows),
            memory=memory,
        )

    def _waited_own(
        self, span: report_query.Span, instance: int
    ) -> float | None:
        own = self._own.get(span.rows.name)
        return None if own is None else own.instance[instance]

    def stretches(self) -> Iterator[value.Stretch]:
        """Return the sums of all instances by hours, and by days."""
        for span in self._spans:
            own = self._own.get(span.rows.name)
            asked = (
                sa.select(
                    span.number.label('number'),
                    *report_query.sums(span.rows),
                )
                .where(span.scope())
                .group_by(span.number)
            )
            for row in self._connection.execute(asked).mappings():
                number = row['number']
                waited = None if own is None else own.hour[number]
                yield value.Stretch(
                    number * span.length_us,
                    span.length_us,
                    report_query.sums_of(row, waited),
                )

    def worst(self) -> Iterator[value.Stretch]:
        """Return the longest waits: hours, or days where no hour is kept."""
        span = self._spans[-1]
        own = self._own.get(span.rows.name)
        c = span.rows.c
        for _, number, instance in self._stream.waits[span.length_us]:
            asked = sa.select(*report_query.sums(span.rows)).where(
                span.scope(),
                c.instance_id == instance,
                span.number == number,
            )
            row = self._connection.execute(asked).mappings().one()
            waited = None if own is None else own.both[instance, number]
            yield value.Stretch(
                number * span.length_us,
                span.length_us,
                report_query.sums_of(row, waited),
                self._uuids[instance],
            )


def _lived(row: Any, since_us: int, until_us: int, now_us: int) -> bool:
    """Say whether an instance was there in the period."""
    last_us = row.last_seen_us
    if row.gone_us is None:
        last_us = max(last_us, now_us)
    return bool(last_us > since_us and row.first_seen_us < until_us)
