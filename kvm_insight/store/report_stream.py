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
#: Numbers of histograms that are added up together.
_TOGETHER = 100_000
Numbers = npt.NDArray[numpy.int64]

#: Delay, the hour's number, the instance.
Wait = tuple[int, int, int]


@dataclasses.dataclass(slots=True)
class Gathered:
    """One instance's hours so far."""

    vcpus: int
    since_us: int
    bins: Numbers
    measured_us: int = 0
    wanted_us: int = 0
    throttled_us: int = 0
    usable_bytes: int | None = None

    def resize(self, vcpus: int, since_us: int) -> None:
        """Begin anew: what was wanted of other vCPUs tells nothing."""
        self.vcpus, self.since_us = vcpus, since_us
        self.measured_us = self.wanted_us = self.throttled_us = 0
        self.bins[:] = 0

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
        #: Histograms one after the other: whose, how long each, and all.
        self._whose: list[Gathered] = []
        self._lengths: list[int] = []
        self._flat: list[int] = []

    def read(self, span: report_query.Span) -> report_ledger.Waits:
        """Take all of a span's rows in; return who waited for neighbours."""
        length_us = span.length_us
        longest = self.waits.setdefault(length_us, [])
        neighbours = report_ledger.Waits()
        # In the order of hours, which is the one that an index has.
        hour, delays = -1, dict[int, int]()
        for row in self._rows(span):
            # One by one: a month has a million rows.
            key, number, delay, vcpus, measured, wanted, throttled = row[:7]
            packed, usable, host, part, waited, factor = row[7:]
            if number != hour:
                _longest(longest, hour, delays)
                hour, delays = number, {}
            # An hour on two hosts is two rows.
            delays[key] = delays.get(key, 0) + delay
            one = self.known.get(key)
            if one is None or (one.vcpus != vcpus and measured):
                one = self._begin(key, vcpus, number * length_us)
            one.measured_us += measured
            one.wanted_us += int(wanted)
            one.throttled_us += throttled
            if usable is not None:
                one.usable_bytes = usable
            if waited and host is not None:
                place = host, number, part
                neighbours.add(place, key, waited, factor)
            self._add(one, histogram.flat(packed))
        _longest(longest, hour, delays)
        self._settle()
        return neighbours

    def _begin(self, key: int, vcpus: int, start_us: int) -> Gathered:
        """Return an instance that is new, or has other vCPUs than before."""
        one = self.known.get(key)
        if one is None:
            bins = numpy.zeros(usage.BINS, numpy.int64)
            one = self.known[key] = Gathered(vcpus, start_us, bins)
        else:
            self._settle()
            one.resize(vcpus, start_us)
        return one

    def _add(self, one: Gathered, flat: list[int]) -> None:
        self._whose.append(one)
        self._lengths.append(len(flat) // 2)
        self._flat += flat
        if len(self._flat) >= _TOGETHER:
            self._settle()

    def _settle(self) -> None:
        """Add up what waits for that, all instances at once."""
        rows: dict[int, int] = {}
        ones: list[Gathered] = []
        for one in self._whose:
            if id(one) not in rows:
                rows[id(one)] = len(ones)
                ones.append(one)
        at = numpy.array([rows[id(one)] for one in self._whose], numpy.int64)
        pairs = numpy.frombuffer(array.array('q', self._flat), numpy.int64)
        bins = numpy.minimum(pairs[::2], usage.BINS - 1)
        places = numpy.repeat(at, self._lengths) * usage.BINS + bins
        added = numpy.bincount(places, pairs[1::2], len(ones) * usage.BINS)
        table = added.astype(numpy.int64).reshape(-1, usage.BINS)
        for one, row in zip(ones, table, strict=True):
            one.bins += row
        self._whose, self._lengths, self._flat = [], [], []

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
            .order_by(span.number)
            .execution_options(yield_per=_AT_ONCE, stream_results=True)
        )
        with self._connection.execute(asked) as found:
            yield from found


def _longest(waits: list[Wait], number: int, delays: dict[int, int]) -> None:
    """Keep those of an hour's waits that are among the longest."""
    for key, delay in delays.items():
        one = (delay, number, key)
        if len(waits) < _WORST:
            heapq.heappush(waits, one)
        elif one > waits[0]:
            heapq.heapreplace(waits, one)
