# SPDX-License-Identifier: Apache-2.0
"""What instances wanted by the hours of the week: Monday's first is number 0.

An hour of UTC counts where it begins, also where a zone is half an hour off.
"""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import sizing, usage
from kvm_insight.report import period
from kvm_insight.store import report_query, report_spans

#: An instance -> the hours of a week, as ``sizing.Sized`` has them.
Weeks = Mapping[int, Sequence[sizing.Slot]]
#: Older hours tell nothing of now.
_LONGEST = 8 * sizing.WEEK
#: The first of January of 1970 was a Thursday.
_SHIFT = 72
_DAY = 24


def read(
    connection: sa.Connection,
    span: report_spans.Span,
    vcpus: Mapping[int, int],
    zone: datetime.tzinfo,
) -> Weeks:
    """Return the weeks of these instances in a span of hours, of all hours
    in which they had so many vCPUs."""
    found = {key: [(0, 0)] * sizing.WEEK for key in vcpus}
    first = max(span.first, span.end - _LONGEST)
    for begin, end, offset in pieces(first, span.end, zone):
        some = dataclasses.replace(
            span,
            first=begin,
            end=end,
            only=span.rows.c.instance_id.in_(list(vcpus)),
        )
        for row in connection.execute(_asked(some)):
            key, number, had, measured, wanted = row
            if had == vcpus[key]:
                slot = (number + offset + _SHIFT) % sizing.WEEK
                before = found[key][slot]
                found[key][slot] = (
                    before[0] + int(measured),
                    before[1] + int(wanted),
                )
    return found


def _asked(span: report_spans.Span) -> 'sa.Select[Any]':
    c = span.rows.c
    number = (c.hour % sizing.WEEK).label('number')
    return (
        sa.select(
            c.instance_id,
            number,
            c.vcpus,
            sa.func.sum(c.measured_us),
            sa.func.sum(report_query.wanted(span.rows)),
        )
        .where(span.scope())
        .group_by(c.instance_id, number, c.vcpus)
    )


def pieces(
    first: int, end: int, zone: datetime.tzinfo
) -> Iterator[tuple[int, int, int]]:
    """Yield stretches of hours, each with by how many hours the zone's are
    later: it changes with its summer time."""
    begin, offset = first, _offset(first, zone)
    for day in range(first, end, _DAY):
        stop = min(day + _DAY, end)
        if _offset(stop, zone) == offset and _offset(day, zone) == offset:
            continue
        for number in range(day, stop):
            now = _offset(number, zone)
            if now != offset:
                if begin < number:
                    yield begin, number, offset
                begin, offset = number, now
    if begin < end:
        yield begin, end, offset


def _offset(hour: int, zone: datetime.tzinfo) -> int:
    offset = period.local(hour * usage.HOUR_US, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 3600)
