# SPDX-License-Identifier: Apache-2.0
"""The longest waits of a project's instances: which hours they were."""

import dataclasses
from collections.abc import Iterator

import sqlalchemy as sa

from kvm_insight.report import tenant, value
from kvm_insight.store import report_query, report_spans, rollup, table

_HOURS = 24


def worst(
    connection: sa.Connection, spans: report_spans.Spans
) -> Iterator[value.Stretch]:
    """Return hours, or days where no hour is kept: among them as many of the
    longest as a report tells."""
    if not spans.kept[-1].is_hours:
        yield from _longest(connection, spans.kept[-1])
        return
    for span in spans.by_instance:
        if span.is_hours:
            yield from _longest(connection, span)
        elif span is not spans.kept[0]:
            hours = _of_peaks(connection, span)
            if hours is not None:
                yield from _longest(connection, hours)


def _of_peaks(
    connection: sa.Connection, days: report_spans.Span
) -> report_spans.Span | None:
    """Return the hours of the days with the longest waits: a longest hour
    is in one of as many days."""
    c, hour = rollup.INSTANCE_DAY.c, rollup.INSTANCE_HOUR.c
    asked = (
        sa.select(c.instance_id, c.day)
        .where(days.scope(), c.peak_delay_us > 0)
        .order_by(c.peak_delay_us.desc(), c.day.desc(), c.instance_id.desc())
        .limit(tenant.WORST)
    )
    found = [
        sa.and_(
            hour.instance_id == row.instance_id,
            hour.hour.between(row.day * _HOURS, row.day * _HOURS + _HOURS - 1),
        )
        for row in connection.execute(asked)
    ]
    if not found:
        return None
    return dataclasses.replace(
        days,
        rows=rollup.INSTANCE_HOUR,
        first=days.first * _HOURS,
        end=days.end * _HOURS,
        only=sa.or_(*found),
    )


def _longest(
    connection: sa.Connection, span: report_spans.Span
) -> Iterator[value.Stretch]:
    c, i = span.rows.c, table.INSTANCE.c
    delay = sa.func.sum(c.delay_us)
    # An hour on two hosts is two rows.
    asked = (
        sa.select(
            i.uuid,
            span.number.label('number'),
            *report_query.sums(span.rows),
        )
        .select_from(span.rows.join(table.INSTANCE))
        .where(span.scope())
        .group_by(i.uuid, c.instance_id, span.number)
        .order_by(delay.desc(), span.number.desc(), c.instance_id.desc())
        .limit(tenant.WORST)
    )
    for row in connection.execute(asked).mappings():
        yield value.Stretch(
            row['number'] * span.length_us,
            span.length_us,
            report_query.sums_of(row),
            row['uuid'],
        )
