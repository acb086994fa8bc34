# SPDX-License-Identifier: Apache-2.0
"""Window: the last ten minutes of one host, and sums over parts of them.

A column is an entity of the ledger: a domain, a service, ``host``. A slot is
the time between two samples. All numbers are µs; what was not measured is
``UNKNOWN`` and never taken for zero: it lowers the coverage instead.
"""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.model import charge, rows, sliding

Numbers = npt.NDArray[numpy.int64]

UNKNOWN = -1
RUN, DELAY, THROTTLED, POLL, CONFIDENCE = range(5)
#: In sums, in the place of what is not added up: the time for which run and
#: delay are known.
MEASURED = CONFIDENCE
_FIELDS = 5

#: What is kept. More slots than this come from an interval under a second.
SPAN_US = 600_000_000
MOST_SLOTS = 600
_MOST_COLUMNS = 60_000
#: Values are kept in four bytes while all are so small that a few can be
#: added up: 500 s of CPU in an interval. In eight from the first larger one.
_NARROW = 2**29


class Slot(NamedTuple):
    """The time between two samples: its end by both clocks, and its length."""

    uptime_us: int
    time_us: int
    interval_us: int
    sequence: int


class Values(NamedTuple):
    """What an entity did in a slot; the confidence is its ledger row's."""

    run_us: int = UNKNOWN
    delay_us: int = UNKNOWN
    throttled_us: int = UNKNOWN
    poll_us: int = UNKNOWN
    confidence_ppm: int = UNKNOWN


class Table(NamedTuple):
    """What all entities did in a slot: a row each, columns as in Values."""

    entities: tuple[str, ...]
    numbers: Numbers


@dataclasses.dataclass(frozen=True, slots=True)
class Extent:
    """Where a window begins and ends, for one column."""

    first: Slot
    last: Slot
    slots: int


class Window:
    """A bounded series of rates of one host."""

    def __init__(self) -> None:
        self.entities: list[str] = []
        self._column: dict[str, int] = {}
        self._slots = rows.Rows(numpy.empty((0, 4), numpy.int64))
        self._values = rows.Rows(numpy.empty((0, 0, _FIELDS), numpy.int32))
        self._last_columns: tuple[tuple[str, ...], Numbers] | None = None
        #: Of each slot, as ``charge`` packs them.
        self.charges: list[bytes] = []
        #: A column's slots that end at or before this do not count.
        self.since: Numbers = numpy.empty(0, numpy.int64)
        self._sliding = sliding.Sliding()
        #: When each slot was half over; None: not worked out since then.
        self._middles: Numbers | None = None

    @property
    def slots(self) -> Numbers:
        """Return a row a slot, as ``Slot`` has it."""
        return self._slots.live

    @property
    def values(self) -> Numbers:
        """Return by slot and column what ``Values`` has."""
        return self._values.live

    def column(self, entity: str) -> int | None:
        """Return the column of an entity; None if it is in no slot."""
        return self._column.get(entity)

    def push(
        self,
        slot: Slot,
        did: Table,
        charges: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Append a slot; what is older than the span falls out."""
        self._forget(slot.uptime_us, len(did.entities))
        columns = self._columns(did.entities)
        packed = self._packed(charges)
        values = self.values
        largest = did.numbers.max(initial=0)
        if largest > _NARROW and values.dtype != numpy.int64:
            self._values = rows.Rows(values.astype(numpy.int64))
        row = numpy.full(values.shape[1:], UNKNOWN, numpy.int64)
        row[columns] = did.numbers
        self._values.append(row)
        self._slots.append(numpy.array(slot, numpy.int64))
        self.charges.append(packed)
        self._middles = None

    def forget_before(self, entity: str, uptime_us: int) -> None:
        """Let an entity's past count no longer: a new process, or a closed
        incident."""
        column = self._column.get(entity)
        if column is not None:
            self.since[column] = max(self.since[column], uptime_us)
            self._sliding.forget()

    def sums(self, lengths: Sequence[int]) -> Numbers:
        """Return for each length all columns' sums over the last so many
        seconds; for who asks of the same lengths again and again."""
        begins = [self.begin(seconds) for seconds in lengths]
        return self._sliding.over(begins, len(self.slots), self._each)

    def between(self, older_s: int, newer_s: int) -> Numbers:
        """Return the same from so many seconds ago until so many: for who
        asks now and then, so that no sums are kept for it."""
        chosen = slice(self.begin(older_s), self.begin(newer_s))
        totals: Numbers = self._each(chosen).sum(axis=0)
        return totals

    def _each(self, chosen: slice | list[int]) -> Numbers:
        """Return of some slots what is known, as ``sums`` adds it up."""
        slots, values = self.slots[chosen], self.values[chosen]
        valid = (values[:, :, RUN] >= 0) & (values[:, :, DELAY] >= 0)
        valid &= slots[:, :1] > self.since
        known = (numpy.maximum(values, 0) * valid[:, :, None]).astype('i8')
        known[:, :, MEASURED] = slots[:, 2:3] * valid
        return known

    def begin(self, seconds: int) -> int:
        """Return the first slot of which half lies within the window."""
        if not len(self.slots):
            return 0
        if self._middles is None:
            self._middles = self.slots[:, 0] - self.slots[:, 2] // 2
        edge = self.slots[-1, 0] - seconds * 1_000_000
        return int(self._middles.searchsorted(edge, side='right'))

    def extent(self, seconds: int, column: int) -> Extent | None:
        """Return the slots of a window in which a column was measured."""
        chosen = self.measured(seconds, column)
        if not len(chosen):
            return None
        first = Slot(*map(int, self.slots[chosen[0]]))
        last = Slot(*map(int, self.slots[chosen[-1]]))
        return Extent(first, last, len(chosen))

    def measured(self, seconds: int, column: int) -> Numbers:
        """Return the numbers of those slots."""
        begin = self.begin(seconds)
        values = self.values[begin:, column]
        valid = (values[:, RUN] >= 0) & (values[:, DELAY] >= 0)
        valid &= self.slots[begin:, 0] > self.since[column]
        return begin + numpy.flatnonzero(valid).astype(numpy.int64)

    def row(self, column: int, slots: Iterable[int]) -> dict[str, int]:
        """Return a victim's ledger row over some slots, largest first."""
        total = charge.row([self.charges[slot] for slot in slots], column)
        named = ((self.entities[at], us) for at, us in total.items())
        return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))

    def pairs(self, seconds: int, most: int) -> list[tuple[str, str, int]]:
        """Return who waited for whom over the last so many seconds: the
        largest of these, the largest first."""
        found = charge.pairs(self.charges[self.begin(seconds) :])[:most]
        who = self.entities
        return [(who[victim], who[runner], us) for victim, runner, us in found]

    def _packed(self, charges: Mapping[str, Mapping[str, int]]) -> bytes:
        found = [
            (self._column[victim], self._column[runner], us)
            for victim, row in charges.items()
            if victim in self._column
            for runner, us in charge.largest(row)
            if self._add(runner)
        ]
        return charge.packed(found)

    def _columns(self, entities: tuple[str, ...]) -> Numbers:
        """Return the columns of these; they are the same again and again."""
        known = self._last_columns
        if known is None or known[0] != entities:
            for entity in entities:
                self._add(entity)
            columns = [self._column[entity] for entity in entities]
            known = entities, numpy.array(columns, numpy.int64)
            self._last_columns = known
        return known[1]

    def _add(self, entity: str) -> bool:
        if entity in self._column:
            return True
        if len(self.entities) >= _MOST_COLUMNS:
            return False
        entity = sys.intern(entity)
        self._column[entity] = len(self.entities)
        self.entities.append(entity)
        if len(self.entities) > self.values.shape[1]:
            self._widen(max(8, len(self.entities) // 4))
        return True

    def _widen(self, by: int) -> None:
        shape = (len(self.slots), by, _FIELDS)
        empty = numpy.full(shape, UNKNOWN, self.values.dtype)
        wider = numpy.concatenate([self.values, empty], axis=1)
        self._values = rows.Rows(wider)
        self.since = numpy.concatenate(
            [self.since, numpy.zeros(by, numpy.int64)]
        )
        self._sliding.forget()

    def _forget(self, uptime_us: int, live: int) -> None:
        old = int((self.slots[:, 0] <= uptime_us - SPAN_US).sum())
        drop = max(old, len(self.slots) - MOST_SLOTS + 1)
        if drop > 0:
            self._sliding.drop(drop, self._each)
            self._slots.drop(drop)
            self._values.drop(drop)
            del self.charges[:drop]
        if len(self.entities) > 2 * live + 32:
            self._prune()

    def _prune(self) -> None:
        """Give up the columns that nothing refers to any more."""
        known = self.values[:, : len(self.entities), RUN] >= 0
        used = numpy.asarray(known.any(axis=0))
        charges = charge.unpacked(self.charges)
        used[charges['victim']] = used[charges['runner']] = True
        keep = numpy.flatnonzero(used)
        moved = numpy.zeros(len(self.entities), numpy.uint16)
        moved[keep] = numpy.arange(len(keep))
        self.charges = [charge.moved(slot, moved) for slot in self.charges]
        self._values = rows.Rows(self.values[:, keep])
        self.since = self.since[keep]
        self.entities = [self.entities[at] for at in keep]
        self._column = {name: at for at, name in enumerate(self.entities)}
        self._last_columns = None
        self._sliding.forget()


def rebuilt(
    entities: list[str],
    slots: Numbers,
    values: Numbers,
    since: Numbers,
    charges: list[bytes],
) -> Window:
    """Return a window from its parts; the arrays may be flat.

    Raises ValueError when the parts do not fit together.
    """
    result = Window()
    result.entities = [sys.intern(name) for name in entities]
    result._column = {name: at for at, name in enumerate(result.entities)}
    result._slots = rows.Rows(slots.reshape(-1, 4))
    depth = len(result.slots)
    if values.max(initial=0) <= _NARROW:
        values = values.astype(numpy.int32)
    shaped = values.reshape(depth, len(entities), _FIELDS)
    result._values = rows.Rows(shaped)
    result.since = since.reshape(len(entities))
    if len(charges) != depth:
        raise ValueError(f'{len(charges)} rows of charges, {depth} slots')
    every = charge.unpacked(charges)
    for who in ('victim', 'runner'):
        if (every[who] >= len(entities)).any():
            raise ValueError(f'charge of entity {every[who].max()}')
    result.charges = charges
    return result
