# SPDX-License-Identifier: Apache-2.0
"""Minutes: what the entities of one host did by the minute, for two hours.

A row is an entity. All rows are in one array, since thousands of small ones
that are made anew every minute take more memory than what is in them. Minutes
come in late, so that the beginning of an incident, which is seen as one only
after some evaluations, does not teach that it is usual.
"""

from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.detect import settings
from kvm_insight.model import state, window

MINUTE_US = 60_000_000
#: Minutes that wait before they count.
LAG = 2
#: What a minute tells, all in ppm: the part of the wait, the cores that were
#: wanted, and those on which it ran.
SUFFERING, USED, RAN = range(3)
KINDS = 3
#: Instead of what a minute does not tell: of an idle one, the wait.
SILENT = -1
#: Of the minute that runs: run, delay, throttled, poll, time.
SUMS = 5
_PPM = 1_000_000
_LARGEST = 2**31 - 1
#: More than any minute has, and still below 2**63 in ppm.
_MOST_US = 2**43
#: Of a minute, what must have been measured.
_LEAST_US = MINUTE_US * 7 // 10
#: Rows by which there are more at a time.
_MORE = 4

Ring = npt.NDArray[numpy.int32]
Places = npt.NDArray[numpy.intp]


class Minutes:
    """Trailing minutes of all entities."""

    def __init__(self, rules: settings.Settings) -> None:
        """Begin without a row."""
        self._activity = rules.activity
        self._length = rules.baseline_minutes
        kind = numpy.dtype(
            [
                # Those that count; the next one takes the oldest one's place.
                ('rings', 'i4', (KINDS, self._length)),
                # How many there ever were.
                ('counts', 'i8', (KINDS,)),
                # Those that are over and do not count yet, and how many.
                ('pending', 'i4', (LAG, KINDS)),
                ('waiting', 'i4'),
                ('vcpus', 'i4'),
                # The minute that runs.
                ('minute', 'i8'),
                ('running', 'i8', (SUMS,)),
            ]
        )
        self._rows: npt.NDArray[Any] = numpy.zeros(0, kind)
        self._free: list[int] = []

    def add(self, vcpus: int) -> int:
        """Return the row of an entity that is new."""
        if not self._free:
            begin = len(self._rows)
            more = numpy.zeros(_MORE, self._rows.dtype)
            self._rows = numpy.concatenate([self._rows, more])
            self._free += range(begin + _MORE - 1, begin - 1, -1)
        row = self._free.pop()
        for name in ('counts', 'waiting', 'running'):
            self._rows[name][row] = 0
        self._rows['minute'][row] = -1
        self._rows['vcpus'][row] = vcpus
        return row

    def drop(self, row: int) -> None:
        """Give up the row of an entity that is gone."""
        self._free.append(row)

    def take(
        self, slot: window.Slot, rows: Places, did: window.Numbers
    ) -> set[int]:
        """Take what entities did between two samples (``window.Values``);
        return the rows of which another minute counts now."""
        minute = (slot.uptime_us - 1) // MINUTE_US
        begun = rows[self._rows['minute'][rows] != minute]
        learned: set[int] = set()
        if len(begun):
            learned.update(self._turn(begun).tolist())
            self._rows['minute'][begun] = minute
        known = (did[:, window.RUN] >= 0) & (did[:, window.DELAY] >= 0)
        grown = numpy.maximum(did[known], 0)
        grown[:, window.MEASURED] = slot.interval_us
        self._rows['running'][rows[known]] += grown
        return learned

    def forget_recent(self, row: int) -> None:
        """Unlearn the minutes that do not count yet."""
        self._rows['waiting'][row] = 0
        self._rows['running'][row] = 0

    def vcpus(self, row: int) -> int:
        """Return how many vCPUs an entity has."""
        return int(self._rows['vcpus'][row])

    def resize(self, row: int, vcpus: int) -> None:
        """Let an entity have so many vCPUs."""
        self._rows['vcpus'][row] = vcpus

    def seen(self, row: int) -> int:
        """Return how many minutes there were, active or not."""
        return int(self._rows['counts'][row, USED]) + LAG

    def of(self, row: int, kind: int) -> Ring:
        """Return the minutes of one kind that count, oldest first."""
        ring = self._rows['rings'][row, kind]
        count = int(self._rows['counts'][row, kind])
        if count <= self._length:
            return numpy.asarray(ring[:count])
        oldest = count % self._length
        return numpy.concatenate([ring[oldest:], ring[:oldest]])

    def waiting(self, row: int, kind: int) -> Ring:
        """Return those of one kind that do not count yet, oldest first."""
        pending = self._rows['pending'][row, : self._rows['waiting'][row]]
        return numpy.asarray(pending[pending[:, kind] != SILENT, kind])

    def _turn(self, rows: Places) -> Places:
        """End a minute; return the rows of which another one counts now."""
        running = self._rows['running'][rows]
        self._rows['running'][rows] = 0
        whole = running[:, window.MEASURED] >= _LEAST_US
        rows = rows[whole]
        if not len(rows):
            return rows
        told = _told(running[whole], self._rows['vcpus'][rows], self._activity)
        return self._wait(rows, told)

    def _wait(self, rows: Places, told: window.Numbers) -> Places:
        """Let minutes wait; return the rows of which another one counts."""
        pending, waiting = self._rows['pending'], self._rows['waiting'][rows]
        full = waiting == LAG
        early, places = rows[~full], waiting[~full]
        pending[early, places] = told[~full]
        self._rows['waiting'][early] = places + 1
        rows = rows[full]
        if not len(rows):
            return rows
        counts, rings = self._rows['counts'], self._rows['rings']
        oldest = pending[rows, 0]
        at, kinds = numpy.nonzero(oldest != SILENT)
        those = rows[at], kinds
        rings[(*those, counts[those] % self._length)] = oldest[at, kinds]
        counts[those] += 1
        pending[rows, :-1] = pending[rows, 1:]
        pending[rows, -1] = told[full]
        return rows

    # The record

    def record(self, row: int) -> state.Baseline:
        """Return what is known of an entity."""
        one = self._rows[row]
        pending = one['pending'][: one['waiting']].tolist()
        rings = [self.of(row, kind).astype('<i4') for kind in range(KINDS)]
        return state.Baseline(
            vcpus=self.vcpus(row),
            suffering=rings[SUFFERING].tobytes(),
            used=rings[USED].tobytes(),
            ran=rings[RAN].tobytes(),
            pending=[(share, cores) for share, cores, _ in pending],
            pending_ran=[ran for _, _, ran in pending if ran != SILENT],
            minute=int(one['minute']),
            running=one['running'].tolist(),
        )

    def restore(self, kept: state.Baseline) -> int:
        """Return the row of an entity of which this is known."""
        row = self.add(kept.vcpus)
        one = self._rows[row]
        for kind, packed in enumerate((kept.suffering, kept.used, kept.ran)):
            ring = numpy.frombuffer(packed, '<i4')[-self._length :]
            one['rings'][kind, : len(ring)] = ring
            one['counts'][kind] = len(ring)
        pending = kept.pending[-LAG:]
        # Older records know of fewer minutes on how many cores one ran.
        ran = [*[SILENT] * LAG, *kept.pending_ran][-len(pending) :]
        for at, (minute, cores) in enumerate(zip(pending, ran, strict=False)):
            one['pending'][at] = *minute, cores
        one['waiting'] = len(pending)
        one['minute'] = kept.minute
        one['running'] = [*kept.running, *[0] * SUMS][:SUMS]
        return row


def _told(
    running: window.Numbers, vcpus: npt.NDArray[Any], activity: float
) -> window.Numbers:
    """Return what minutes that are over tell (``KINDS``), a row each."""
    run_us, delay_us, throttled_us, poll_us, time_us = running.T
    ran_us = numpy.maximum(run_us - poll_us, 0)
    wanted_us = ran_us + delay_us
    # As ``suffering`` has it, of one.
    least_us = activity * numpy.maximum(vcpus, 1) * time_us
    active = (wanted_us > 0) & (wanted_us >= least_us)
    share = numpy.minimum(delay_us / numpy.maximum(wanted_us, 1), 1.0)
    useful_us = numpy.maximum(wanted_us - throttled_us, 0)
    cores_us = numpy.minimum([useful_us, ran_us], _MOST_US)
    cores = numpy.minimum(cores_us * _PPM // time_us, _LARGEST)
    found = numpy.empty((len(running), KINDS), numpy.int64)
    found[:, SUFFERING] = numpy.where(active, share * _PPM, SILENT)
    found[:, USED:] = cores.T
    return found
