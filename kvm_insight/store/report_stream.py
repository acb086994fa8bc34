# SPDX-License-Identifier: Apache-2.0
"""What a report needs of each hour by itself, read one after the other.

Histograms, which no database adds up; the newest words; the longest waits;
who waited for neighbours. Little is kept, however many hours there are.
"""

import array
import dataclasses
import heapq
from collections.abc import Iterator
from typing import Any

import numpy
import sqlalchemy as sa
from numpy import typing as npt

from kvm_insight.model import usage
from kvm_insight.report import value
from kvm_insight.store import histogram, report_ledger, report_query

_AT_ONCE = 1_000
#: So many long waits are kept of the whole project.
_WORST = 10

#: Delay, the hour's number, the instance.
Wait = tuple[int, int, int]


@dataclasses.dataclass(slots=True)
class Gathered:
    """One instance's hours so far."""

    vcpus: int
    since_us: int
    measured_us: int = 0
    wanted_us: int = 0
    throttled_us: int = 0
    usable_bytes: int | None = None
    bins: npt.NDArray[numpy.int64] = dataclasses.field(
        default_factory=lambda: numpy.zeros(usage.BINS, numpy.int64)
    )

    def resize(self, vcpus: int, since_us: int) -> None:
        """Begin anew: what was wanted of other vCPUs tells nothing."""
        self.vcpus, self.since_us = vcpus, since_us
        self.measured_us = self.wanted_us = self.throttled_us = 0
        self.bins[:] = 0

    def add(self, flat: list[int]) -> None:
        """Add histograms, one after the other."""
        pairs = numpy.frombuffer(array.array('q', flat), numpy.int64)
        bins = numpy.minimum(pairs[::2], usage.BINS - 1)
        added = numpy.bincount(bins, pairs[1::2], usage.BINS)
        self.bins += added.astype(numpy.int64)

    def sized(self) -> value.Sized:
        """Return what tells the right size."""
        filled = numpy.flatnonzero(self.bins).tolist()
        return value.Sized(
            vcpus=self.vcpus,
            since_us=self.since_us,
            measured_us=self.measured_us,
            wanted_us=self.wanted_us,
            throttled_us=self.throttled_us,
            histogram=[(number, int(self.bins[number])) for number in filled],
        )


class Stream:
    """Reads spans, the older one first."""

    def __init__(self, connection: sa.Connection) -> None:
        """Read from there."""
        self._connection = connection
        self.known: dict[int, Gathered] = {}
        #: A heap by length: the shortest of the longest waits first.
        self.waits: dict[int, list[Wait]] = {}

    def read(self, span: report_query.Span) -> report_ledger.Waits:
        """Take all of a span's rows in; return who waited for neighbours."""
        longest = self.waits.setdefault(span.length_us, [])
        neighbours = report_ledger.Waits()
        rows = self._rows(span)
        row = next(rows, None)
        while row is not None:
            row = self._instance(row, rows, span, longest, neighbours)
        return neighbours

    def _instance(
        self,
        row: Any,
        rows: Iterator[Any],
        span: report_query.Span,
        longest: list[Wait],
        neighbours: report_ledger.Waits,
    ) -> Any:
        """Take all rows of one instance; return the first of the next."""
        key, length_us = row.instance_id, span.length_us
        one = self.known.get(key)
        if one is None:
            one = Gathered(row.vcpus, row.number * length_us)
            self.known[key] = one
        flat: list[int] = []
        delays: dict[int, int] = {}
        while row is not None and row[0] == key:
            _, number, delay, vcpus, measured, wanted, throttled, *more = row
            if vcpus != one.vcpus and measured:
                flat.clear()
                one.resize(vcpus, number * length_us)
            one.measured_us += measured
            one.wanted_us += int(wanted)
            one.throttled_us += throttled
            # An hour on two hosts is two rows.
            delays[number] = delays.get(number, 0) + delay
            packed, usable, host, part, waited, factor = more
            flat += histogram.flat(packed)
            if usable is not None:
                one.usable_bytes = usable
            if waited and host is not None:
                place = host, number, part
                neighbours.add(place, key, waited, factor)
            row = next(rows, None)
        one.add(flat)
        for number, delay in delays.items():
            _push(longest, (delay, number, key))
        return row

    def _rows(self, span: report_query.Span) -> Iterator[Any]:
        c = span.rows.c
        nowhere = (sa.null().label('host_id'), sa.null().label('part'))
        columns = (
            c.instance_id,
            span.number.label('number'),
            c.delay_us,
            c.vcpus,
            c.measured_us,
            report_query.wanted(span.rows).label('wanted'),
            c.throttled_us,
            c.histogram,
            c.memory_usable_bytes,
            *((c.host_id, c.part) if span.is_hours else nowhere),
            c.waited_neighbour_us,
            report_query.factor(span.rows).label('factor'),
        )
        asked = (
            sa.select(*columns)
            .where(span.scope())
            .order_by(c.instance_id, span.number)
            .execution_options(yield_per=_AT_ONCE, stream_results=True)
        )
        with self._connection.execute(asked) as found:
            yield from found


def _push(waits: list[Wait], one: Wait) -> None:
    if len(waits) < _WORST:
        heapq.heappush(waits, one)
    elif one > waits[0]:
        heapq.heapreplace(waits, one)
