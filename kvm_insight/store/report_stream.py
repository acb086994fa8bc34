# SPDX-License-Identifier: Apache-2.0
"""What a report needs of each hour by itself, read one after the other.

Histograms, which no database adds up; the newest words; the longest waits.
Nothing is kept but one sum an instance, however many hours there are.
"""

import dataclasses
import heapq
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import usage
from kvm_insight.report import value
from kvm_insight.store import histogram, report_query

_AT_ONCE = 2_000
#: So many long waits are kept of the whole project.
_WORST = 10

#: Delay, when it began, the instance.
Wait = tuple[int, int, int]


@dataclasses.dataclass(slots=True)
class Gathered:
    """One instance's hours so far."""

    vcpus: int
    since_us: int
    measured_us: int = 0
    wanted_us: int = 0
    throttled_us: int = 0
    bins: dict[int, int] = dataclasses.field(default_factory=dict)
    usable_bytes: int | None = None
    memory_bytes: int | None = None

    def sized(self) -> value.Sized:
        """Return what tells the right size."""
        return value.Sized(
            vcpus=self.vcpus,
            since_us=self.since_us,
            measured_us=self.measured_us,
            wanted_us=self.wanted_us,
            throttled_us=self.throttled_us,
            histogram=sorted(self.bins.items()),
        )


class Stream:
    """Reads spans, the older one first."""

    def __init__(self, connection: sa.Connection) -> None:
        """Read from there."""
        self._connection = connection
        self.known: dict[int, Gathered] = {}
        #: A heap: the shortest of the longest waits first.
        self.waits: dict[int, list[Wait]] = {}

    def read(self, span: report_query.Span) -> None:
        """Take all of a span's rows in."""
        waits = self.waits.setdefault(span.length_us, [])
        last: tuple[int, int] | None = None
        delay_us = 0
        for row in self._rows(span):
            self._take(row, row[1] * span.length_us)
            # An hour on two hosts is two rows, one after the other.
            if (row[0], row[1]) != last:
                if last is not None:
                    _push(waits, (delay_us, last[1], last[0]))
                last, delay_us = (row[0], row[1]), 0
            delay_us += row[2]
        if last is not None:
            _push(waits, (delay_us, last[1], last[0]))

    def _rows(self, span: report_query.Span) -> Iterator[Any]:
        c = span.rows.c
        columns = (
            c.instance_id,
            span.number,
            c.delay_us,
            c.vcpus,
            c.measured_us,
            report_query.wanted(span.rows).label('wanted'),
            c.throttled_us,
            c.histogram,
            c.memory_usable_bytes,
            c.memory_bytes,
        )
        asked = (
            sa.select(*columns)
            .where(span.scope())
            .order_by(c.instance_id, span.number)
            .execution_options(yield_per=_AT_ONCE, stream_results=True)
        )
        with self._connection.execute(asked) as found:
            yield from found

    def _take(self, row: Any, start_us: int) -> None:
        instance, _, _, vcpus, measured, wanted, throttled, packed, *last = row
        one = self.known.get(instance)
        if one is None:
            one = self.known[instance] = Gathered(vcpus, start_us)
        elif one.vcpus != vcpus and measured:
            # Resized: what was wanted of other vCPUs tells nothing of these.
            one.vcpus, one.since_us = vcpus, start_us
            one.measured_us = one.wanted_us = one.throttled_us = 0
            one.bins.clear()
        one.measured_us += measured
        one.wanted_us += int(wanted)
        one.throttled_us += throttled
        if last[0] is not None:
            one.usable_bytes = last[0]
        if last[1] is not None:
            one.memory_bytes = last[1]
        _add(one.bins, histogram.unpack(packed))


def _add(bins: dict[int, int], more: Iterable[usage.Bin]) -> None:
    for number, weight in more:
        bins[number] = bins.get(number, 0) + weight


def _push(waits: list[Wait], one: Wait) -> None:
    if len(waits) < _WORST:
        heapq.heappush(waits, one)
    elif one > waits[0]:
        heapq.heapreplace(waits, one)
