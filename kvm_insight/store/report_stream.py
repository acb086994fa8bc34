# SPDX-License-Identifier: Apache-2.0
"""What no database adds up, read one after the other.

Histograms, and the newest words. Little is kept, however many hours or days
there are.
"""

import array
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy
import sqlalchemy as sa
from numpy import typing as npt

from kvm_insight.model import sizing, usage
from kvm_insight.store import histogram, report_query, report_spans

_AT_ONCE = 1_000
#: Numbers of histograms that are added up together.
_TOGETHER = 100_000
Numbers = npt.NDArray[numpy.int64]


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

    def sized(
        self, first_us: int, week: Sequence[sizing.Slot] = ()
    ) -> sizing.Sized:
        """Return what tells the right size of who was first seen then."""
        filled = numpy.flatnonzero(self.bins).tolist()
        return sizing.Sized(
            vcpus=self.vcpus,
            since_us=max(self.since_us, first_us),
            measured_us=self.measured_us,
            wanted_us=self.wanted_us,
            throttled_us=self.throttled_us,
            histogram=[(number, int(self.bins[number])) for number in filled],
            week=week,
        )


class Stream:
    """Reads spans, the older one first."""

    def __init__(self, connection: sa.Connection) -> None:
        """Read from there."""
        self._connection = connection
        self.known: dict[int, Gathered] = {}
        #: Histograms one after the other: whose, how long each, and all.
        self._whose: list[Gathered] = []
        self._lengths: list[int] = []
        self._flat: list[int] = []

    def read(self, span: report_spans.Span) -> None:
        """Take all of a span's rows in."""
        for row in self._rows(span):
            # One by one: there may be very many.
            key, number, vcpus, measured, wanted, throttled, usable = row[:7]
            one = self.known.get(key)
            if one is None or (one.vcpus != vcpus and measured):
                one = self._begin(key, vcpus, number * span.length_us)
            one.measured_us += measured
            one.wanted_us += int(wanted)
            one.throttled_us += throttled
            if usable is not None:
                one.usable_bytes = usable
            flat = histogram.flat(row[7])
            self._whose.append(one)
            self._lengths.append(len(flat) // 2)
            self._flat += flat
            if len(self._flat) >= _TOGETHER:
                self._settle()
        self._settle()

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

    def _rows(self, span: report_spans.Span) -> Iterator[Any]:
        c = span.rows.c
        asked = (
            sa.select(
                c.instance_id,
                span.number,
                c.vcpus,
                c.measured_us,
                report_query.wanted(span.rows),
                c.throttled_us,
                c.memory_usable_bytes,
                c.histogram,
            )
            .where(span.scope())
            .order_by(span.number)
            .execution_options(yield_per=_AT_ONCE, stream_results=True)
        )
        with self._connection.execute(asked) as found:
            for some in found.partitions():
                yield from some
