# SPDX-License-Identifier: Apache-2.0
"""Book: what all did with one resource lately, and what is usual for each.

A column is one domain on one device; all columns are worked on together,
since nobody suffers nearly always.
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.detect import device_series, device_settings

Floats = npt.NDArray[numpy.float64]
Places = npt.NDArray[numpy.intp]
Flags = npt.NDArray[numpy.bool_]
Ring = npt.NDArray[numpy.floating]

#: UUID, epoch, device; of the host itself the first two are empty.
Key = tuple[str, str, str]

TIME, LOST, WHOLE, WORK, USED = range(device_series.NUMBERS)
#: Slots after which a column whose owner is gone is dropped.
_ABSENT = 4
_BITS = numpy.array([number.bit_count() for number in range(256)])


class Did(NamedTuple):
    """What happened in one slot, an element a key; NaN is not known."""

    keys: Sequence[Key]
    time_s: Floats
    #: What was lost, and of how much; any unit, if it is the same. Both are
    #: zero of one who does too little to lose anything.
    lost: Floats
    whole: Floats
    #: What it did, a second, or has.
    work: Floats
    #: How much of its own limit it used, 1 being all.
    used: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class Levels:
    """What is usual, by column; NaN is not known."""

    loss: Floats
    loss_spread: Floats
    work: Floats
    work_spread: Floats
    #: Bins that were measured.
    loss_bins: npt.NDArray[numpy.int64]
    work_bins: npt.NDArray[numpy.int64]


class Book:
    """One resource of one host."""

    #: Array -> what is in a column that is new; the last axis is columns'.
    FILLS = {
        'slots': 0.0,
        'work': numpy.nan,
        'loss': numpy.nan,
        'running': 0.0,
        'pending': numpy.nan,
        'flags': 0,
        'absent': 0,
    }

    def __init__(self, rules: device_settings.Rules) -> None:
        self.rules = rules
        self.keys: list[Key] = []
        bins, lag = device_settings.BINS, device_settings.LAG
        #: Time, lost, whole, work x time, used x time.
        self._series = device_series.Series()
        self.work = numpy.zeros((bins, 0), 'f4')
        self.loss = numpy.zeros((bins, 0), 'f2')
        #: The bin that runs, and those that do not count yet.
        self.running = numpy.zeros((5, 0), 'f4')
        self.pending = numpy.zeros((lag, 2, 0), 'f4')
        #: Bits a window, the latest evaluation lowest.
        self.flags = numpy.zeros((len(rules.scales), 0), 'u1')
        self.absent = numpy.zeros(0, 'u1')
        self.bin = 0
        self.running_s = 0.0
        self._levels: Levels | None = None
        self._placed: tuple[Sequence[Key], Places] | None = None

    @property
    def slots(self) -> device_series.Rows:
        """Return what was in the last slots, to be looked at only."""
        return self._series.whole

    @slots.setter
    def slots(self, now: device_series.Rows) -> None:
        self._series.whole = now

    def column(self, key: Key) -> int | None:
        """Return the column of a key."""
        return self.keys.index(key) if key in self.keys else None

    def push(self, did: Did, seconds: float, frozen: Flags) -> None:
        """Take a slot; the frozen columns (as they were) learn nothing."""
        self.absent = numpy.minimum(self.absent, 254) + 1
        places = self._places(did.keys)
        if len(frozen) < len(self.keys):
            added = numpy.zeros(len(self.keys) - len(frozen), bool)
            frozen = numpy.concatenate([frozen, added])
        self.absent[places] = 0
        rows = numpy.array(did[1:])
        known = (did.time_s > 0) & ~numpy.isnan(rows[LOST:]).any(axis=0)
        rows[WORK:] *= did.time_s
        new = numpy.zeros((len(rows), len(self.keys)), 'f4')
        new[:, places[known]] = rows[:, known]
        self._series.push(new)
        self._learn(new, seconds, frozen)

    def drop(self) -> None:
        """Forget those who are gone."""
        kept = numpy.flatnonzero(self.absent <= _ABSENT)
        if len(kept) == len(self.keys):
            return
        for name in self.FILLS:
            setattr(self, name, getattr(self, name)[..., kept])
        self.rename([self.keys[at] for at in kept.tolist()])

    def rename(self, keys: list[Key]) -> None:
        """Let these be the columns' keys."""
        self.keys = keys
        self._levels = self._placed = None

    def settle(self, column: int, kept: int) -> None:
        """Forget what was above, and all but the last slots."""
        self.flags[:, column] = 0
        slots = self.slots
        slots[:-kept, :, column] = 0.0
        self.slots = slots

    def forget_recent(self, columns: Sequence[int]) -> None:
        """Unlearn what does not count yet."""
        self.running[:, columns] = 0.0
        self.pending[..., columns] = numpy.nan

    def sums(self, slots: int) -> Floats:
        """Return time, lost, whole, work and used x time of the last slots."""
        return self._series.sums(slots)

    def levels(self) -> Levels:
        """Return what is usual for each."""
        if self._levels is None:
            loss, loss_spread, loss_bins = _robust(self.loss)
            work, work_spread, work_bins = _robust(self.work)
            known = work_bins >= self.rules.glimpse
            self._levels = Levels(
                loss,
                loss_spread,
                numpy.where(known, work, numpy.nan),
                work_spread,
                loss_bins,
                work_bins,
            )
        return self._levels

    def limits(self, floor: float) -> Floats:
        """Return from which suffering on each is a victim."""
        level = self.levels()
        history = level.loss_bins >= self.rules.history
        spread = numpy.maximum(level.loss_spread, floor / 6)
        usual = level.loss + self.rules.deviations * spread
        return numpy.where(history, numpy.maximum(floor, usual), floor)

    def is_calm(self) -> bool:
        """Say whether nobody lost anything of late, nor was above: as nearly
        always with memory and network."""
        return not (self._series.has(LOST) or self.flags.any())

    def evaluate(self, scale: int, slots: int) -> Places:
        """Remember who is above in one window; return who is often enough."""
        seconds, floor, _ = self.rules.scales[scale]
        time_s, lost, whole, _, _ = self.sums(slots)
        if not (
            self.flags[scale].any() or (lost > 0.99 * floor * whole).any()
        ):
            # As nearly always: nobody is, and nobody was.
            return numpy.zeros(0, numpy.intp)
        covered = time_s >= self.rules.coverage * seconds
        above = (whole > 0) & (lost >= self.limits(floor) * whole)
        flags = self.flags[scale]
        mask = (1 << self.rules.of) - 1
        turned = ((flags.astype(numpy.int64) << 1) | above) & mask
        self.flags[scale] = numpy.where(covered, turned, flags)
        bits = _BITS[self.flags[scale]]
        often = bits >= self.rules.above
        return numpy.flatnonzero(covered & above & often)

    def _places(self, keys: Sequence[Key]) -> Places:
        if self._placed is not None and self._placed[0] is keys:
            return self._placed[1]
        there = set(self.keys)
        new = [key for key in keys if key not in there]
        if new:
            for name, fill in self.FILLS.items():
                old = getattr(self, name)
                more = numpy.full((*old.shape[:-1], len(new)), fill, old.dtype)
                setattr(self, name, numpy.concatenate([old, more], axis=-1))
            self.rename(self.keys + new)
        columns = {key: at for at, key in enumerate(self.keys)}
        found = [columns[key] for key in keys]
        # Of equal keys one is kept, by all.
        for at, key in zip(found, keys, strict=True):
            self.keys[at] = key
        places = numpy.array(found, numpy.intp)
        self._placed = keys, places
        return places

    def _learn(
        self, new: device_series.Rows, seconds: float, frozen: Flags
    ) -> None:
        self.running[:, ~frozen] += new[:, ~frozen]
        self.running_s += seconds
        if self.running_s < device_settings.BIN_S:
            return
        time_s, lost, whole, work, _ = self.running
        measured = time_s >= self.rules.coverage * self.running_s
        with numpy.errstate(divide='ignore', invalid='ignore'):
            mean = numpy.where(measured, work / time_s, numpy.nan)
            loss = numpy.where(measured & (whole > 0), lost / whole, numpy.nan)
        self._write(self.pending[0, 0], self.pending[0, 1], frozen)
        self.pending[:-1] = self.pending[1:]
        self.pending[-1] = mean, loss
        self.running[:] = 0.0
        self.running_s = 0.0
        self._series.squeeze()

    def _write(self, work: Ring, loss: Ring, frozen: Flags) -> None:
        """Put a bin into the baselines: what is not known, or frozen, leaves
        what was there."""
        for ring, values in ((self.work, work), (self.loss, loss)):
            known = ~numpy.isnan(values) & ~frozen
            ring[self.bin, known] = values[known]
        self.bin = (self.bin + 1) % device_settings.BINS
        self._levels = None


def owned(
    keys: Sequence[tuple[str | None, ...]], uuids: Collection[str]
) -> Flags:
    """Return which keys are of these UUIDs: nearly always of none."""
    found = numpy.zeros(len(keys), bool)
    if uuids:
        found[:] = [key[0] in uuids for key in keys]
    return found


def _robust(
    ring: npt.NDArray[numpy.floating],
) -> tuple[Floats, Floats, npt.NDArray[numpy.int64]]:
    """Return median, median absolute deviation, and how many are known."""
    values = ring.astype(numpy.float64)
    count = (~numpy.isnan(values)).sum(axis=0)
    middle = medians(values, count)
    spread = medians(numpy.abs(values - middle), count)
    return middle, spread, count


def medians(values: Floats, count: npt.NDArray[numpy.int64]) -> Floats:
    """Return the medians of columns, of what is known of them: so many;
    numpy's own takes ten times as long."""
    if not values.shape[1]:
        return numpy.zeros(0)
    ordered = numpy.sort(values, axis=0)
    columns = numpy.arange(len(count))
    lower = ordered[numpy.maximum(count - 1, 0) // 2, columns]
    upper = ordered[numpy.minimum(count // 2, len(values) - 1), columns]
    # With none known both are NaN; with few, none of both is.
    return numpy.asarray((lower + upper) / 2)
