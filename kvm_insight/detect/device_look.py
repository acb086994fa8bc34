# SPDX-License-Identifier: Apache-2.0
"""Look: what the last slots of a book say about one victim."""

import bisect
import dataclasses
from collections.abc import Sequence

import numpy
from numpy import typing as npt

from kvm_insight.detect import (
    device_blame,
    device_book,
    device_settings,
    settings,
)
from kvm_insight.model import entity, finding, window

Floats = npt.NDArray[numpy.float64]

#: Slots without a loss that show what others did meanwhile.
_CALM = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """One victim in one window."""

    scale: settings.Scale
    column: int
    case: device_blame.Case
    #: Seconds lost, in all and per second.
    lost_s: float
    severity: float
    #: What was lost, by whose share of all that was done it fell to.
    charges: dict[str, int]


class Look:
    """Looks at one book; ``ends`` are its slots."""

    def __init__(
        self, book: device_book.Book, ends: Sequence[window.Slot]
    ) -> None:
        self.book = book
        self.ends = ends

    def slots(self, seconds: int) -> int:
        """Return how many of the last slots are a window of that length."""
        now_us = self.ends[-1].uptime_us
        since_us = now_us - seconds * 1_000_000
        # A slot may be a moment longer than half of what is asked for.
        first = bisect.bisect_left(self.ends, since_us, key=_start_us)
        return max(1, len(self.ends) - first)

    def now(self, column: int) -> tuple[float, dict[str, int]] | None:
        """Return suffering, and what was lost to whom, in the last slot;
        None if it was not measured."""
        row = self.book.slots[-1][:, column]
        if row[device_book.TIME] <= 0:
            return None
        sums = self.book.sums(1)
        return self._suffering(sums, column), self._charges(sums, column)

    def closest(
        self, column: int, at: int, incumbents: frozenset[str]
    ) -> Picture | None:
        """Return the shortest window that shows as much as this one."""
        scales = self.book.rules.scales
        floor = scales[at].floor
        for number, scale in enumerate(scales[: at + 1]):
            look = settings.Scale(scale.seconds, floor)
            found = self._picture(column, look, incumbents)
            if found is not None and (
                number == at or found.case.suffering >= floor
            ):
                return found
        return None

    def _picture(
        self, column: int, scale: settings.Scale, incumbents: frozenset[str]
    ) -> Picture | None:
        count = self.slots(scale.seconds)
        sums = self.book.sums(count)
        time_s = float(sums[device_book.TIME, column])
        if time_s <= 0 or sums[device_book.WHOLE, column] <= 0:
            return None
        case = self._case(column, scale, count, sums, incumbents)
        charges = self._charges(sums, column)
        lost_s = sum(charges.values()) / 1e6
        return Picture(scale, column, case, lost_s, lost_s / time_s, charges)

    def _case(
        self,
        column: int,
        scale: settings.Scale,
        count: int,
        sums: Floats,
        incumbents: frozenset[str],
    ) -> device_blame.Case:
        book = self.book
        members = self._members(column)
        levels = book.levels()
        others = members[members != column]
        lost, whole = sums[device_book.LOST], sums[device_book.WHOLE]
        usual = levels.work[members]
        glimpse = self._glimpse(column, members, scale.floor / 2)
        time_s = float(sums[device_book.TIME, column])
        return device_blame.Case(
            book.rules,
            int(numpy.flatnonzero(members == column)[0]),
            tuple(entity_of(book.keys[at]) for at in members.tolist()),
            self._work(column, members, count),
            numpy.where(numpy.isnan(usual), glimpse, usual),
            levels.work_spread[members] * swings(scale.seconds),
            self._suffering(sums, column),
            float(lost[others].sum() / max(whole[others].sum(), 1e-9)),
            float(sums[device_book.USED, column]) / time_s,
            min(1.0, time_s / scale.seconds),
            bool(levels.loss_bins[column] >= book.rules.history),
            incumbents,
        )

    def _members(self, column: int) -> npt.NDArray[numpy.intp]:
        """Return who shares the victim's device."""
        device = self.book.keys[column][2]
        return numpy.array(
            [
                at
                for at, key in enumerate(self.book.keys)
                if key[2] == device and self.book.absent[at] <= 1
            ],
            numpy.intp,
        )

    def _rates(
        self, slots: Floats, members: npt.NDArray[numpy.intp]
    ) -> Floats:
        """Return what each did in each slot, a second; NaN: not measured."""
        time_s = slots[:, device_book.TIME][:, members]
        work = slots[:, device_book.WORK][:, members]
        rates = work / numpy.maximum(time_s, 1e-9)
        return numpy.where(time_s > 0, rates, numpy.nan)

    def _work(
        self, column: int, members: npt.NDArray[numpy.intp], count: int
    ) -> Floats:
        """Return what each did while the victim lost: what it did meanwhile
        else is nothing to it."""
        slots = self.book.slots[-count:].astype(numpy.float64)
        weights = slots[:, device_book.LOST, column]
        weights = weights + 1e-3 * weights.max(initial=1e-9)
        rates = self._rates(slots, members)
        known = ~numpy.isnan(rates)
        total = (weights[:, None] * known).sum(axis=0)
        mean = (weights[:, None] * numpy.nan_to_num(rates)).sum(axis=0)
        return numpy.where(total > 0, mean / numpy.maximum(total, 1e-12), 0.0)

    def _glimpse(
        self, column: int, members: npt.NDArray[numpy.intp], limit: float
    ) -> Floats:
        """Return what each did in those of the last slots in which the
        victim lost nothing; who was not there did nothing."""
        calm = self._calm(column, limit)
        if calm.sum() < _CALM:
            return numpy.full(len(members), numpy.nan)
        slots = self.book.slots[calm].astype(numpy.float64)
        rates = self._rates(slots, members)
        known = (~numpy.isnan(rates)).sum(axis=0)
        total = numpy.nansum(rates, axis=0)
        return numpy.asarray(total / numpy.maximum(known, 1))

    def rose(self, column: int, limit: float) -> bool:
        """Say whether there was a time, not long ago, without the loss."""
        return bool(self._calm(column, limit).sum() >= _CALM)

    def _calm(self, column: int, limit: float) -> device_book.Flags:
        """Return the slots in which one was measured and lost nothing."""
        slots = self.book.slots[:, :, column]
        there = slots[:, device_book.TIME] > 0
        whole = slots[:, device_book.WHOLE]
        little = slots[:, device_book.LOST] < limit * whole
        return numpy.asarray(there & (little | (whole <= 0)))

    def _suffering(self, sums: Floats, column: int) -> float:
        whole = float(sums[device_book.WHOLE, column])
        lost = float(sums[device_book.LOST, column])
        return min(1.0, lost / whole) if whole > 0 else 0.0

    def _charges(self, sums: Floats, column: int) -> dict[str, int]:
        """Return the µs lost, each with its part of what all did."""
        seconds = float(sums[device_book.TIME, column])
        if self.book.rules.resource == 'disk':
            # Only while it had requests out.
            seconds = min(
                seconds, float(sums[device_book.WHOLE, column]) / 1e6
            )
        lost_us = self._suffering(sums, column) * seconds * 1e6
        members = self._members(column)
        work = sums[device_book.WORK, members]
        parts = lost_us * work / max(float(work.sum()), 1e-9)
        return {
            entity_of(self.book.keys[at]): int(us)
            for at, us in zip(members.tolist(), parts.tolist(), strict=True)
            if us >= 1
        }

    def evidence(self, seen: Picture, agent_id: str) -> finding.Evidence:
        """Return the evidence as it is published."""
        column = seen.column
        levels = self.book.levels()
        used = self.ends[-self.slots(seen.scale.seconds) :]
        usual = float(levels.loss[column]) if seen.case.history else 0.0
        first = used[0]
        return finding.Evidence(
            window_s=seen.scale.seconds,
            start_us=max(0, first.time_us - first.interval_us),
            end_us=used[-1].time_us,
            first_sequence=first.sequence,
            last_sequence=used[-1].sequence,
            agent_id=agent_id,
            samples=len(used),
            coverage=round(seen.case.coverage, 4),
            suffering=round(seen.case.suffering, 6),
            floor=seen.scale.floor,
            baseline=round(usual, 6),
            baseline_source='history' if seen.case.history else 'entitlement',
            run_us=0,
            run_delay_us=0,
            throttled_us=0,
            charges=seen.charges,
            device=self.book.keys[column][2],
        )


def swings(seconds: int) -> float:
    """Return how much wider the mean of a window swings than a bin's, of
    which the baseline is made: the shorter, the wider."""
    return float(max(1.0, device_settings.BIN_S / seconds) ** 0.5)


def _start_us(slot: window.Slot) -> int:
    return slot.uptime_us - slot.interval_us * 3 // 4


def entity_of(key: device_book.Key) -> str:
    """Return who a column is."""
    return entity.domain(key[0]) if key[0] else entity.HOST


def busiest(series: window.Window, seconds: int) -> str:
    """Return the service of the host that rose most of late, by the CPU time
    that it takes: nobody tells what else services do."""
    ends = series.slots[:, 0]
    late = ends > ends[-1] - seconds * 1_000_000
    if late.all() or not late.any():
        return entity.HOST
    found = entity.HOST, _LEAST_RISE
    for who in series.entities:
        column = series.column(who)
        if entity.service_of(who) is None or column is None:
            continue
        run = numpy.maximum(series.values[:, column, window.RUN], 0)
        spans = series.slots[:, 2]
        rise = run[late].sum() / spans[late].sum()
        rise -= run[~late].sum() / spans[~late].sum()
        if rise > found[1]:
            found = who, float(rise)
    return found[0]


#: In cores.
_LEAST_RISE = 0.01
