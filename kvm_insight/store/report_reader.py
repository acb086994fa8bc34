# SPDX-License-Identifier: Apache-2.0
"""One project's instances with all that they did, read span by span."""

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from kvm_insight.advise.instance import week
from kvm_insight.model import usage
from kvm_insight.report import value
from kvm_insight.store import (
    report_query,
    report_spans,
    report_stream,
    report_week,
    table,
)


class Reader:
    """Reads the spans of one project."""

    def __init__(
        self,
        connection: sa.Connection,
        spans: report_spans.Spans,
        zone: datetime.tzinfo = datetime.UTC,
    ) -> None:
        """Read from there; weeks are the zone's."""
        self._connection = connection
        self._spans = spans
        self._zone = zone

    def uses(
        self, since_us: int, until_us: int, now_us: int
    ) -> list[value.Use]:
        """Return each instance that was there, or of which there is data;
        who is not known to be gone is there until now."""
        stream = report_stream.Stream(self._connection)
        for span in self._spans.by_instance:
            stream.read(span)
        weeks = self._weeks(stream)
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
        ).where(c.project_id == self._spans.kept[0].project)
        return [
            _use(row, summed[row.id], stream.known.get(row.id), weeks)
            for row in self._connection.execute(asked)
            if row.id in summed or _lived(row, since_us, until_us, now_us)
        ]

    def _weeks(self, stream: report_stream.Stream) -> report_week.Weeks:
        """Return the weeks of those of which they tell anything: they are
        in hours, of which there are many."""
        asked = {
            key: one.vcpus
            for key, one in stream.known.items()
            if week.by_day(one.sized(0)) is None
        }
        span = self._spans.kept[-1]
        if not asked or not span.is_hours:
            return {}
        return report_week.read(self._connection, span, asked, self._zone)

    def _summed(self) -> dict[int, list[report_query.Row]]:
        """Return each instance's sums, by days and by hours."""
        summed = defaultdict[int, list[report_query.Row]](list)
        for span in self._spans.by_instance:
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
            found = self._connection.execute(asked)
            names = tuple(found.keys())
            for row in found:
                summed[row[0]].append(dict(zip(names, row, strict=True)))
        return summed

    def stretches(self) -> Iterator[value.Stretch]:
        """Return the sums of all instances by hours, and by days."""
        for span in self._spans.by_time:
            asked = (
                sa.select(
                    span.number.label('number'),
                    *report_query.sums(span.rows),
                )
                .where(span.scope())
                .group_by(span.number)
            )
            for row in self._connection.execute(asked).mappings():
                yield value.Stretch(
                    row['number'] * span.length_us,
                    span.length_us,
                    report_query.sums_of(row),
                )


def _use(
    row: Any,
    parts: Sequence[report_query.Row],
    gathered: report_stream.Gathered | None,
    weeks: report_week.Weeks,
) -> value.Use:
    memory = report_query.device_of('memory', parts)
    if memory is not None and gathered is not None:
        memory = msgspec.structs.replace(
            memory, usable_bytes=gathered.usable_bytes
        )
    # A day does not tell its first hour.
    first_us = row.first_seen_us // usage.HOUR_US * usage.HOUR_US
    return value.Use(
        uuid=row.uuid,
        name=row.name,
        flavor=row.flavor,
        vcpus=row.vcpus,
        memory_bytes=row.memory_bytes,
        first_seen_us=row.first_seen_us,
        last_seen_us=row.last_seen_us,
        gone=row.gone_us is not None,
        sums=value.added([report_query.sums_of(part) for part in parts]),
        sized=gathered.sized(first_us, weeks.get(row.id, ()))
        if gathered
        else None,
        disk=report_query.device_of('disk', parts),
        network=report_query.device_of('network', parts),
        memory=memory,
    )


def _lived(row: Any, since_us: int, until_us: int, now_us: int) -> bool:
    """Say whether an instance was there in the period."""
    last_us = row.last_seen_us
    if row.gone_us is None:
        last_us = max(last_us, now_us)
    return bool(last_us > since_us and row.first_seen_us < until_us)
