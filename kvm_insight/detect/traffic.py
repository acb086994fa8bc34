# SPDX-License-Identifier: Apache-2.0
"""Network: which part of each domain's packets was dropped.

All interfaces share the way out of the host; which of several it is, nobody
tells.
"""

import numpy

from kvm_insight.detect import device_book, device_slot
from kvm_insight.model import reading, sample, table

Floats = reading.Floats

DEVICE = 'network'
#: A packet costs as much as so many bytes.
_BYTES = 1500
#: Packets a second, of any size, below which drops mean nothing.
_LEAST_A_SECOND = 50.0
_PACKETS = [reading.INTERFACE.index(f'{way}_packets') for way in ('rx', 'tx')]
_MOVED = [reading.INTERFACE.index(f'{way}_bytes') for way in ('rx', 'tx')]
_DROPS = [reading.INTERFACE.index(f'{way}_drops') for way in ('rx', 'tx')]


class Reader:
    """Tells what all did with the network in a slot."""

    def __init__(self) -> None:
        self._layout: table.Layout | None = None
        self._keys: list[device_book.Key] = []

    def read(self, slot: device_slot.Slot) -> device_book.Did:
        """Return what each domain sent and received, and the host."""
        layout = slot.layout
        if layout is not self._layout:
            self._layout = layout
            domains = [(*key, DEVICE) for key in layout.domains()]
            self._keys = [*domains, ('', '', DEVICE)]
        did = slot.did
        rows = did.interfaces
        packets = rows[:, _PACKETS].sum(axis=1)
        drops = reading.or_zero(rows[:, _DROPS]).sum(axis=1)
        moved = reading.or_zero(rows[:, _MOVED]).sum(axis=1)
        known = ~numpy.isnan(packets)
        owners, count = layout.owners.interfaces, len(layout.uuids)

        def sums(values: Floats) -> Floats:
            values = numpy.where(known, values, 0.0)
            return reading.sums(owners, values, count)

        measured = sums(numpy.ones(len(known))) > 0
        time_s = numpy.where(measured, did.interval_us / 1e6, 0.0)
        lost, passed = sums(drops), sums(packets)
        active = lost + passed >= _LEAST_A_SECOND * time_s
        cost = passed + lost + sums(moved) / _BYTES
        work = cost / numpy.maximum(time_s, 1e-9)
        own = self._host(slot, float(work[time_s > 0].sum()))
        return device_book.Did(
            self._keys,
            numpy.append(time_s, 0.0 if own is None else slot.seconds),
            numpy.append(numpy.where(active, lost, 0.0), 0.0),
            numpy.append(numpy.where(active, passed + lost, 0.0), 0.0),
            numpy.append(work, own or 0.0),
            numpy.zeros(count + 1),
        )

    def _host(self, slot: device_slot.Slot, theirs: float) -> float | None:
        """Return what the busiest device did beyond all domains."""
        before = {one.name: one for one in slot.older.nics or ()}
        found = [
            _grown(before[one.name], one) / slot.seconds
            for one in slot.new.system.nics or ()
            if one.name in before
        ]
        return max(0.0, max(found) - theirs) if found else None


def _grown(older: sample.Nic, newer: sample.Nic) -> float:
    packets = _total(newer) - _total(older)
    moved = newer.rx_bytes + newer.tx_bytes - older.rx_bytes - older.tx_bytes
    return max(0, packets) + max(0, moved) / _BYTES


def _total(nic: sample.Nic) -> int:
    passed = nic.rx_packets + nic.tx_packets
    return passed + nic.rx_drops + nic.tx_drops
