# SPDX-License-Identifier: Apache-2.0
"""Disks: how much longer requests took than is usual at the same size.

Reads and writes of each disk of a domain are kept apart, each with the
latency and the size that it had in the last two hours. Who shares what is
told from the paths: a device of the host, a volume group, a folder.
"""

from collections.abc import Collection

import numpy

from kvm_insight.detect import (
    device_book,
    device_settings,
    device_slot,
    disk_place,
)
from kvm_insight.model import reading, sample, table

Floats = reading.Floats
#: UUID, epoch, the disk's name, its path.
Key = tuple[str, str, str, str | None]

#: Fewer requests in a slot have no latency to speak of.
_LEAST_REQUESTS = 10
#: Requests a second, of any size, below which a slow disk harms nobody.
_LEAST_A_SECOND = 2.0
#: Sizes that differ by less than this (log2) are the same size.
_SAME_SIZE = 0.6
#: Bins of the same size that it takes to know what is usual.
_LEAST_BINS = 2
_REQUESTS, _BYTES, _TIME = range(3)


class Disks:
    """All disks of a host: latencies that are usual, and those of a slot."""

    FILLS = {'usual': numpy.nan, 'running': 0.0, 'pending': numpy.nan}

    def __init__(self) -> None:
        self.keys: list[Key] = []
        bins, lag = device_settings.BINS, device_settings.LAG
        #: Bin x (read, write) x (log2 µs, log2 bytes) x disk.
        self.usual = numpy.zeros((bins, 2, 2, 0), 'f2')
        #: (read, write) x (requests, bytes, µs) x disk.
        self.running = numpy.zeros((2, 3, 0), 'f8')
        self.pending = numpy.zeros((lag, 2, 2, 0), 'f2')
        self.bin = 0
        self.running_s = 0.0

    def rename(self, keys: list[Key]) -> None:
        """Let these be the rows' keys, each with what is known of it."""
        columns = {key: at for at, key in enumerate(self.keys)}
        places = numpy.array(
            [columns.get(key, -1) for key in keys], numpy.intp
        )
        for name, fill in self.FILLS.items():
            old = getattr(self, name)
            new = numpy.full((*old.shape[:-1], 1), fill, old.dtype)
            whole = numpy.concatenate([old, new], axis=-1)
            setattr(self, name, whole[..., places])
        self.keys = keys

    def take(
        self, grown: Floats, seconds: float, frozen: device_book.Flags
    ) -> tuple[Floats, Floats]:
        """Return µs lost and µs in all of each disk in a slot.

        ``grown``: (read, write) x (requests, bytes, µs) x disk.
        """
        requests, _, took_us = (grown[:, at] for at in range(3))
        usual_us = self._usual_us(grown)
        with numpy.errstate(divide='ignore', invalid='ignore'):
            lost = numpy.maximum(took_us - requests * usual_us, 0.0)
        known = (requests >= _LEAST_REQUESTS) & ~numpy.isnan(lost)
        lost_us = numpy.where(known, lost, 0.0).sum(axis=0)
        whole_us = numpy.where(known, took_us, 0.0).sum(axis=0)
        self._learn(grown, seconds, frozen)
        return lost_us, whole_us

    def forget_recent(self, uuids: Collection[str]) -> None:
        """Unlearn what does not count yet."""
        at = [row for row, key in enumerate(self.keys) if key[0] in uuids]
        self.running[..., at] = 0.0
        self.pending[..., at] = numpy.nan

    def _usual_us(self, grown: Floats) -> Floats:
        """Return the median latency at the size of now; NaN: not known."""
        now = _latency_and_size(grown)[:, 1]
        known = self.usual.astype(numpy.float32)
        latency, size = known[:, :, 0], known[:, :, 1]
        with numpy.errstate(invalid='ignore'):
            same = numpy.abs(size - now) <= _SAME_SIZE
        chosen = numpy.where(same, latency, numpy.nan)
        shape = chosen.shape[1:]
        count = same.sum(axis=0)
        middle = device_book.medians(
            chosen.reshape(len(chosen), -1), count.reshape(-1)
        )
        usual_us = numpy.exp2(middle.reshape(shape))
        return numpy.where(count >= _LEAST_BINS, usual_us, numpy.nan)

    def _learn(
        self, grown: Floats, seconds: float, frozen: device_book.Flags
    ) -> None:
        self.running += numpy.where(numpy.isnan(grown) | frozen, 0.0, grown)
        self.running_s += seconds
        if self.running_s < device_settings.BIN_S:
            return
        old = self.pending[0]
        known = ~numpy.isnan(old) & ~frozen
        self.usual[self.bin][known] = old[known]
        self.bin = (self.bin + 1) % device_settings.BINS
        self.pending[:-1] = self.pending[1:]
        self.pending[-1] = _latency_and_size(self.running)
        self.running[:] = 0.0
        self.running_s = 0.0


def _latency_and_size(grown: Floats) -> Floats:
    """Return (read, write) x (log2 µs, log2 bytes) x disk."""
    requests = grown[:, _REQUESTS]
    enough = requests >= _LEAST_REQUESTS
    with numpy.errstate(divide='ignore', invalid='ignore'):
        latency = numpy.log2(numpy.maximum(grown[:, _TIME] / requests, 1.0))
        size = numpy.log2(numpy.maximum(grown[:, _BYTES] / requests, 1.0))
    found = numpy.where(
        enough[:, None], numpy.stack([latency, size], 1), numpy.nan
    )
    return numpy.asarray(found)


class Reader:
    """Tells what all did with the disks in a slot."""

    def __init__(self) -> None:
        self.disks = Disks()
        self._layout: table.Layout | None = None
        self._own: frozenset[str] = frozenset()
        self._keys: list[device_book.Key] = []
        self._places = numpy.zeros(0, numpy.intp)
        #: Device of the host -> the columns that lie on it.
        self._shared: dict[str, device_book.Flags] = {}

    def read(
        self, slot: device_slot.Slot, frozen: Collection[str]
    ) -> device_book.Did:
        """Return what each domain did on each device, and the host."""
        self._meet(slot.layout, slot.new.system)
        did = slot.did
        grown = did.disks[:, :6].T.reshape(2, 3, -1)
        still = device_book.owned(self.disks.keys, frozen)
        lost, whole = self.disks.take(grown, slot.seconds, still)
        work = _work(grown)
        known = ~numpy.isnan(work)
        owners = slot.layout.owners.disks
        took_s = reading.or_zero(did.interval_us / 1e6)[owners]
        used = self._used(slot.new, grown, took_s)
        count = len(self._keys)

        def sums(values: Floats) -> Floats:
            values = numpy.where(known, values, 0.0)
            return reading.sums(self._places, values, count)

        def most(values: Floats) -> Floats:
            found = numpy.zeros(count)
            numpy.maximum.at(found, self._places[known], values[known])
            return found

        time_s = most(took_s)
        a_second = sums(work) / numpy.maximum(time_s, 1e-9)
        requests = sums(grown[:, _REQUESTS].sum(axis=0))
        active = requests >= _LEAST_A_SECOND * time_s
        rows = device_book.Did(
            self._keys,
            time_s,
            numpy.where(active, sums(lost), 0.0),
            numpy.where(active, sums(whole), 0.0),
            a_second,
            most(used),
        )
        return self._with_host(rows, slot)

    def _used(
        self, new: sample.Sample, grown: Floats, took_s: Floats
    ) -> Floats:
        """Return of each disk how much of its own limits it used."""
        limits = {
            (domain.uuid, name): one
            for domain in new.domains
            for name, one in disk_place.limits(domain).items()
        }
        used = numpy.zeros(len(took_s))
        if limits:
            for row, key in enumerate(self.disks.keys):
                one = limits.get((key[0], key[2]))
                if one is not None and took_s[row] > 0:
                    did = grown[:, :2, row] / took_s[row]
                    used[row] = disk_place.used(one, did)
        return used

    def _meet(self, layout: table.Layout, newer: sample.System) -> None:
        """Know whose the rows are, and what each lies on."""
        own = frozenset(one.name for one in newer.disks or ())
        if layout is self._layout and own == self._own:
            return
        self._layout, self._own = layout, own
        disks: list[Key] = layout.keys()[table.DISKS_AT]
        self.disks.rename(disks)
        keys = [(*key[:2], disk_place.device_of(key[3], own)) for key in disks]
        columns: dict[device_book.Key, int] = {}
        for key in keys:
            columns.setdefault(key, len(columns))
        devices = sorted({key[2] for key in columns} - {disk_place.REMOTE})
        self._places = numpy.array([columns[key] for key in keys], numpy.intp)
        for device in devices:
            columns['', '', device] = len(columns)
        self._keys = list(columns)
        lie_on = numpy.array([key[2] for key in self._keys])
        self._shared = {device: lie_on == device for device in devices}

    def _with_host(
        self, rows: device_book.Did, slot: device_slot.Slot
    ) -> device_book.Did:
        """Put in what the host itself did beyond all domains."""
        first = len(self._keys) - len(self._shared)
        for at, (device, shared) in enumerate(self._shared.items(), first):
            whole = disk_place.host_work(device, slot)
            theirs = float(rows.work[shared & (rows.time_s > 0)].sum())
            rows.time_s[at] = 0.0 if whole is None else slot.seconds
            rows.work[at] = max(0.0, (whole or 0.0) - theirs)
        return rows


def _work(grown: Floats) -> Floats:
    """Return what each disk did, reads and writes together."""
    cost = grown[:, _REQUESTS] + grown[:, _BYTES] / disk_place.BYTES
    return numpy.asarray(cost.sum(axis=0))
