# SPDX-License-Identifier: Apache-2.0
"""Memory: for which part of the time each domain stalled for its pages.

The time lost lies between what the kernel calls ``some`` and ``full``: it is
taken as their mean. Without the pressure of its own group, a page that had
to be read counts as a millisecond.
"""

from collections.abc import Sequence

import numpy

from kvm_insight.detect import device_book, device_slot
from kvm_insight.model import reading, sample, table

Floats = reading.Floats

DEVICE = 'memory'
_HOST: device_book.Key = ('', '', DEVICE)
_PAGE_S = 0.001
_PAGE = 4096
#: Memory of which so much is free is not what anybody waits for.
_PLENTY = 0.15
_SWAP_IN = reading.MEMORY.index('swap_in_bytes')
_GUEST_FAULTS = reading.MEMORY.index('major_faults')
_HOST_FAULTS = reading.MEMORY.index('host_major_faults')


class Reader:
    """Tells how all stood for memory in a slot."""

    def __init__(self) -> None:
        self._layout: table.Layout | None = None
        self._keys: list[device_book.Key] = [_HOST]
        #: µs that each domain stalled so far; NaN is not known.
        self._stalled_us = numpy.zeros(0)

    def stalled(self) -> list[tuple[str, str, float]]:
        """Return UUID, epoch and µs stalled so far, where known."""
        return [
            (uuid, epoch, us)
            for (uuid, epoch, _), us in zip(
                self._keys[:-1], self._stalled_us.tolist(), strict=True
            )
            if us >= 0
        ]

    def restore(self, stalled: Sequence[tuple[str, str, float]]) -> None:
        """Go on where another reader stood."""
        self._layout = None
        domains = [(uuid, epoch, DEVICE) for uuid, epoch, _ in stalled]
        self._keys = [*domains, _HOST]
        self._stalled_us = numpy.array([us for _, _, us in stalled], float)

    def read(self, slot: device_slot.Slot) -> device_book.Did:
        """Return what each domain has, and the host; and how they stalled."""
        self._meet(slot.layout)
        did = slot.did
        took_s = reading.or_zero(did.interval_us / 1e6)
        pages = did.memory[:, _HOST_FAULTS] * _PAGE_S
        pages = pages / numpy.maximum(took_s, 1e-9)
        stalled = self._stalled(slot) / slot.seconds
        own = _own_swapping(did.memory) / numpy.maximum(took_s, 1e-9)
        part = numpy.where(numpy.isnan(stalled), pages, stalled)
        part = numpy.minimum(numpy.maximum(part, own), 1.0)
        resident, swapped = _held(slot.new)
        held = resident + swapped
        # Where the host has plenty, it is one's own limit.
        own = numpy.where(_has_plenty(slot.new.system), part, own)
        limited = own >= 0.5 * numpy.fmax(part, 1e-9)
        whole = numpy.full(len(part), slot.seconds)
        mine = _host_held(slot.new.system, float(numpy.nansum(resident)))
        return device_book.Did(
            self._keys,
            numpy.append(whole, 0.0 if mine is None else slot.seconds),
            numpy.append(part * slot.seconds, 0.0),
            numpy.append(whole, 0.0),
            numpy.append(held, mine or 0.0),
            numpy.append(limited.astype(float), 0.0),
        )

    def _meet(self, layout: table.Layout) -> None:
        """Know whose the rows are, each with what is known of it."""
        if layout is self._layout:
            return
        self._layout = layout
        known = dict(zip(self._keys, self._stalled_us.tolist(), strict=False))
        domains = [(*key, DEVICE) for key in layout.domains()]
        self._keys = [*domains, _HOST]
        before = [known.get(key, numpy.nan) for key in domains]
        self._stalled_us = numpy.array(before, numpy.float64)

    def _stalled(self, slot: device_slot.Slot) -> Floats:
        """Return how long each domain's group stalled; NaN: not known."""
        totals = [_stalled_us(domain) for domain in slot.new.domains]
        before, now = self._stalled_us, numpy.array(totals, numpy.float64)
        self._stalled_us = now
        return reading.growth(before, now) / 1e6


def _stalled_us(domain: sample.Domain) -> float:
    """Return for how long its group stalled so far; NaN: not known."""
    squeezed = domain.pressure
    some = squeezed.memory_some_us if squeezed else None
    if squeezed is None or some is None:
        return numpy.nan
    full = squeezed.memory_full_us
    return (some + (some if full is None else full)) / 2


def _own_swapping(memory: Floats) -> Floats:
    """Return the seconds that guests' own swapping took them: their memory
    is too small for what they do, whatever the host has."""
    pages = numpy.fmin(memory[:, _SWAP_IN] / _PAGE, memory[:, _GUEST_FAULTS])
    return reading.or_zero(pages) * _PAGE_S


def _held(new: sample.Sample) -> Floats:
    """Return the bytes that domains have in memory, and swapped out."""
    found = []
    for domain in new.domains:
        memory = domain.memory or sample.Memory()
        resident = memory.rss_bytes
        if resident is None:
            resident = memory.cgroup_bytes
        found.append((resident, memory.swap_bytes or 0))
    return numpy.array(found, numpy.float64).reshape(-1, 2).T


def _host_held(system: sample.System, theirs: float) -> float | None:
    """Return the bytes that the host itself has."""
    total, free = system.memory_bytes, system.memory_available_bytes
    if total is None or free is None:
        return None
    return max(0.0, total - free - theirs)


def _has_plenty(system: sample.System) -> bool:
    total, free = system.memory_bytes, system.memory_available_bytes
    return bool(total) and free is not None and free > _PLENTY * (total or 0)
