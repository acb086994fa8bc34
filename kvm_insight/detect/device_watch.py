# SPDX-License-Identifier: Apache-2.0
"""Watch: one host's disks, memory and network, from slot to slot.

libvirt is asked for them more rarely than samples come, so that a slot is
half a minute; between two slots nothing is looked at.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy

from kvm_insight.detect import (
    device_book,
    device_incident,
    device_look,
    device_settings,
    device_slot,
    disk,
    incident,
    memory,
    settings,
    swap,
    traffic,
)
from kvm_insight.model import (
    device,
    entity,
    finding,
    reading,
    sample,
    state,
    window,
)

#: A slot is at least so long: samples come every ten seconds.
_SLOT_US = 25_000_000


class Watch:
    """Follows what one host's domains share beside its CPUs."""

    def __init__(self, known: memory.Memory, rules: settings.Settings) -> None:
        """Work on what is known of the host."""
        self._known = known
        self._rules = rules
        self.books = {
            one.resource: device_book.Book(one) for one in device_settings.ALL
        }
        self.disks = disk.Reader()
        self.memory = swap.Reader()
        self._network = traffic.Reader()
        #: Where the slot began that runs now; and those that are over.
        self.beat: reading.Reading | None = None
        self._ends = numpy.empty((0, len(window.Slot._fields)), numpy.int64)

    @property
    def ends(self) -> list[window.Slot]:
        """Return the slots that are over, oldest first."""
        return [window.Slot(*row) for row in self._ends.tolist()]

    @ends.setter
    def ends(self, now: Sequence[window.Slot]) -> None:
        kept = numpy.array(now[-device_settings.SLOTS :], numpy.int64)
        self._ends = kept.reshape(-1, len(window.Slot._fields))

    @property
    def incidents(self) -> list[state.Incident]:
        """Return what is open."""
        return self._known.device_incidents

    @incidents.setter
    def incidents(self, now: list[state.Incident]) -> None:
        self._known.device_incidents = now

    def end(
        self,
        at: sample.Sample | reading.Reading,
        reason: Literal['gone', 'silent'],
    ) -> Iterator[finding.Finding]:
        """Close all incidents."""
        slot = window.Slot(at.uptime_us, at.time_us, 0, at.sequence)
        for one in self.incidents:
            yield incident.closed(one, slot, reason)
        self.incidents = []
        for book in self.books.values():
            book.flags[:] = 0

    def consume(
        self,
        now: reading.Reading,
        new: sample.Sample,
    ) -> list[finding.Finding]:
        """Take a sample; return what there is to tell."""
        before = self.beat
        if before is None or before.boot_id != now.boot_id:
            self.beat = _without_vcpus(now)
            return []
        passed_us = now.uptime_us - before.uptime_us
        if passed_us < _SLOT_US:
            return []
        self.beat = _without_vcpus(now)
        longest_us = self._rules.longest_interval_s * 1_000_000
        if passed_us > longest_us:
            return []
        layout = now.layout
        older = layout.without_vcpus(before.aligned(layout)[0])
        did = device.between(older, self.beat.numbers, layout, passed_us)
        slot = device_slot.Slot(layout, did, passed_us, before.system, new)
        end = window.Slot(new.uptime_us, new.time_us, passed_us, new.sequence)
        ends = numpy.concatenate([self._ends, [end]])
        self._ends = ends[-device_settings.SLOTS :]
        seen = device_incident.Seen(new, end, self._known.series, self._rules)
        return list(self._take(slot, seen))

    def _take(
        self, slot: device_slot.Slot, seen: device_incident.Seen
    ) -> Iterator[finding.Finding]:
        frozen = self._frozen(seen.slot.uptime_us)
        ends = self.ends
        of_disk = self.disks.read(slot, frozen['disk'])
        found = {
            'disk': of_disk,
            'memory': self.memory.read(slot),
            'network': self._network.read(slot),
        }
        for resource, book in self.books.items():
            still = device_book.owned(book.keys, frozen[resource])
            book.push(found[resource], slot.seconds, still)
            yield from self._follow(device_look.Look(book, ends), seen)
            book.drop()

    def _frozen(self, now_us: int) -> dict[str, set[str]]:
        """Return by resource whose baselines stand still; '' is the host."""
        found: dict[str, set[str]] = {name: set() for name in self.books}
        for one in self.incidents:
            if one.finding.cause == 'chronic':
                continue
            if incident.is_a_change(one, now_us):
                found[one.finding.resource] |= _uuids(one.finding)
        return found

    def _follow(
        self, look: device_look.Look, seen: device_incident.Seen
    ) -> Iterator[finding.Finding]:
        """Carry on what is open, and open what has begun."""
        book = look.book
        resource = book.rules.resource
        mine = [o for o in self.incidents if o.finding.resource == resource]
        rest = [o for o in self.incidents if o.finding.resource != resource]
        course = device_incident.Course(look, seen, mine)
        news = [*course.progress(), *course.begin()]
        self.incidents = rest + course.open
        for one in course.open:
            if one.finding in news and incident.is_a_change(
                one, seen.slot.uptime_us
            ):
                self._unlearn(book, one.finding)
        yield from news

    def _unlearn(self, book: device_book.Book, one: finding.Finding) -> None:
        """What led to an incident is not what is usual."""
        uuids = _uuids(one)
        columns = [at for at, key in enumerate(book.keys) if key[0] in uuids]
        book.forget_recent(columns)
        if one.resource == 'disk':
            self.disks.disks.forget_recent(uuids)


def _without_vcpus(now: reading.Reading) -> reading.Reading:
    """Return a reading in which those are not known, and take no room: of a
    slot's beginning nobody asks for them."""
    numbers = now.layout.without_vcpus(now.numbers).copy()
    return dataclasses.replace(now, numbers=numbers)


def _uuids(found: finding.Finding) -> set[str]:
    return {entity.uuid_of(who) or '' for who in incident.involved(found)}
