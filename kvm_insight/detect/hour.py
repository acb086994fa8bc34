# SPDX-License-Identifier: Apache-2.0
"""Hour: the sums of one host's hour while it lasts, a column an instance.

Kept in arrays of integers, so that an hour costs a kilobyte an instance, and
so that it comes back from its record as it was. Intervals wait until there
are some to be added up together: numpy takes about as long for one.
"""

import sys
import typing
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy
from numpy import typing as npt

from kvm_insight.detect import charges, device_sums, hour_cpu, tally, track
from kvm_insight.model import (
    entity,
    finding,
    rates,
    reading,
    sample,
    table,
    usage,
    window,
)

Numbers = npt.NDArray[numpy.int64]

#: Intervals that are added up together: of CPU time, and of devices, which
#: wait as whole tables.
_TOGETHER = 6
_DEVICES_TOGETHER = 2

#: Fields of the wire's structs in their order here.
CPU = (
    'measured_us',
    'run_us',
    'delay_us',
    'throttled_us',
    'polled_us',
    'trusted_us',
)
VERDICTS: tuple[finding.Verdict, ...] = typing.get_args(finding.Verdict)
#: Where each of them begins among the sums.
LOST_AT = len(CPU)
DEVICE_AT = LOST_AT + len(VERDICTS)
SUMS = DEVICE_AT + device_sums.SUMS
UNKNOWN = -1
PRESSURES = sample.Pressure.__struct_fields__
MOST_WEIGHT = 65_535
_NO_CPU = usage.Cpu()


class Hour:
    """Adds samples up; the host itself is column 0."""

    def __init__(self, start_us: int, host: str, agent_id: str) -> None:
        """Begin with nothing."""
        self.host = host
        self.start_us = start_us
        self.agent_id = agent_id
        self.first_sequence = self.last_sequence = 0
        self.samples = self.missing = self.measured_us = 0
        self.cpus = 0
        self.memory_bytes: int | None = None
        self.least_available_bytes: int | None = None
        self.busy_us = 0
        self.pressure: dict[str, int] = {}
        self.ledger_us: dict[str, int] = {}
        self.charges = charges.Charges()
        #: What is told of each instance beside its sums.
        self.facts: list[usage.Instance] = []
        self.columns: dict[str, int] = {entity.HOST: 0}
        #: The columns of the domains that are there, in their order.
        self._layout: table.Layout | None = None
        self._places: reading.Places = numpy.empty(0, numpy.intp)
        self.sums: Numbers = numpy.zeros((8, SUMS), numpy.int64)
        self.peaks: Numbers = numpy.full(
            (8, device_sums.PEAKS), UNKNOWN, numpy.int64
        )
        self.last: Numbers = numpy.full(
            (8, device_sums.LAST), UNKNOWN, numpy.int64
        )
        self.parts: Numbers = numpy.zeros((8, usage.PARTS, 2), numpy.int64)
        #: Of all columns, one after the other.
        self.histogram = tally.Tally('u2', MOST_WEIGHT)
        #: What is not added up yet: of this part of the hour, by column.
        self._part = 0
        self._intervals_us: list[int] = []
        self._did: list[tuple[reading.Places, Numbers]] = []
        self._rows: tuple[tuple[str, ...], Numbers, Numbers] | None = None
        self._devices: list[device_sums.Interval] = []

    def saw(self, new: sample.Sample, missing: int, cpus: int) -> None:
        """Count a sample, and take what it says without another one."""
        self.samples += 1
        self.missing += missing
        self.last_sequence = new.sequence
        self.cpus = cpus
        self.memory_bytes = new.system.memory_bytes
        available = new.system.memory_available_bytes
        if available is not None:
            least = self.least_available_bytes
            self.least_available_bytes = (
                available if least is None else min(available, least)
            )

    def take(
        self,
        part: int,
        new: sample.Sample,
        happened: rates.Rates,
        did: window.Table,
    ) -> None:
        """Add an interval that ended in this part of the hour."""
        self.measured_us += happened.interval_us
        self.busy_us = _more(self.busy_us, happened.busy_us)
        if new.ledger is not None:
            source = new.ledger.source
            so_far = self.ledger_us.get(source, 0)
            self.ledger_us[source] = so_far + happened.interval_us
        self._meet(new, happened.layout)
        if part != self._part:
            self.settle()
            self._part = part
        rows, columns = self._rows_of(did.entities)
        self._did.append((columns, did.numbers[rows]))
        self._intervals_us.append(happened.interval_us)
        if len(self._did) == _TOGETHER:
            self._add_cpu()
        answered = device_sums.interval(happened, new.domains)
        if answered is not None:
            self._devices.append(answered)
        if len(self._devices) == _DEVICES_TOGETHER:
            self._add_devices()

    def settle(self) -> None:
        """Add up what waits for that; whoever reads the sums asks first."""
        if self._did:
            self._add_cpu()
        if self._devices:
            self._add_devices()

    def squeeze(
        self, older: sample.Pressure | None, newer: sample.Pressure | None
    ) -> None:
        """Add what the host's pressure stall totals grew by."""
        if older is None or newer is None:
            return
        for name in PRESSURES:
            before, after = getattr(older, name), getattr(newer, name)
            if before is not None and after is not None and after >= before:
                so_far = self.pressure.get(name, 0)
                self.pressure[name] = _more(so_far, after - before)

    def lose(self, who: str, verdict: finding.Verdict, delay_us: int) -> None:
        """Put a wait into the account of an open finding's verdict."""
        column = self.columns.get(who)
        if column is not None:
            at = LOST_AT + VERDICTS.index(verdict)
            self.sums[column, at] += delay_us

    # Columns

    def _meet(self, new: sample.Sample, layout: table.Layout) -> None:
        """Have a column for each domain that is there."""
        if layout is self._layout:
            return
        self.settle()
        for domain in new.domains:
            if entity.domain(domain.uuid) not in self.columns:
                self.add(_fact_of(domain))
        self._layout = layout
        places = [self.columns[who] for who in layout.entities]
        self._places = numpy.array(places, numpy.intp)

    def introduce(self, domains: Iterable[sample.Domain]) -> None:
        """Learn anew what is told of instances beside their sums."""
        for domain in domains:
            column = self.columns.get(entity.domain(domain.uuid))
            if column is None:
                continue
            now = _fact_of(domain)
            # Else each minute words of another sample would be kept.
            if now != self.facts[column - 1]:
                self.facts[column - 1] = _shared(now)

    def add(self, fact: usage.Instance) -> int:
        """Return the new column of an instance."""
        column = len(self.columns)
        self.columns[entity.domain(fact.uuid)] = column
        self.facts.append(_shared(fact))
        if column >= len(self.sums):
            self.settle()
            self._widen(max(8, column // 4))
        return column

    def _widen(self, by: int) -> None:
        def more(array: Any, fill: int) -> Any:
            shape = (by, *array.shape[1:])
            rest = numpy.full(shape, fill, array.dtype)
            return numpy.concatenate([array, rest])

        self.sums = more(self.sums, 0)
        self.peaks = more(self.peaks, UNKNOWN)
        self.last = more(self.last, UNKNOWN)
        self.parts = more(self.parts, 0)

    def _rows_of(self, entities: tuple[str, ...]) -> tuple[Numbers, Numbers]:
        """Return the rows of those who have a column, and the columns."""
        known = self._rows
        if known is None or known[0] != entities:
            found = [self.columns.get(who, -1) for who in entities]
            columns = numpy.array(found, numpy.intp)
            rows = numpy.flatnonzero(columns >= 0)
            known = self._rows = entities, rows, columns[rows]
        return known[1:]

    # What waits

    def _add_cpu(self) -> None:
        intervals_us, self._intervals_us = self._intervals_us, []
        parts, self._did = self._did, []
        width = len(self.columns)
        shape = (len(parts), width, len(window.Values._fields))
        did = numpy.full(shape, window.UNKNOWN, numpy.int64)
        for at, (columns, numbers) in enumerate(parts):
            did[at, columns] = numbers
        found = hour_cpu.of(did, intervals_us)
        _raise(self.sums[:width, :LOST_AT], found.sums)
        _raise(self.parts[:width, self._part], found.part)
        self.histogram.add(found.bins, found.weights)

    def _add_devices(self) -> None:
        intervals, self._devices = self._devices, []
        at = self._places
        found = device_sums.of(intervals)
        total = self.sums[at, DEVICE_AT:] + found.sums
        self.sums[at, DEVICE_AT:] = numpy.minimum(total, sample.LIMIT)
        self.peaks[at] = numpy.maximum(self.peaks[at], found.peaks)
        self.last[at] = numpy.where(found.last >= 0, found.last, self.last[at])


def _raise(sums: Numbers, by: Numbers) -> None:
    numpy.minimum(sums + by, sample.LIMIT, out=sums)


def _fact_of(domain: sample.Domain) -> usage.Instance:
    """Return what is told of a domain beside its sums."""
    identity = domain.identity
    memory = domain.memory
    return usage.Instance(
        uuid=domain.uuid,
        name=domain.name,
        instance_name=identity.instance_name,
        project_id=identity.project_id,
        project_name=identity.project_name,
        flavor=identity.flavor.name if identity.flavor else None,
        vcpus=track.vcpus_of(domain),
        memory_bytes=memory.maximum_bytes if memory else None,
    )


def _shared(fact: usage.Instance) -> usage.Instance:
    """Return a fact with those words that are kept for others, too."""

    def kept(word: str | None) -> str | None:
        return None if word is None else sys.intern(word)

    return msgspec.structs.replace(
        fact,
        cpu=_NO_CPU,
        uuid=sys.intern(fact.uuid),
        project_id=kept(fact.project_id),
        project_name=kept(fact.project_name),
        flavor=kept(fact.flavor),
    )


def fact(instance: usage.Instance) -> usage.Instance:
    """Return an instance without its sums."""
    return msgspec.structs.replace(
        instance, cpu=_NO_CPU, disk=None, network=None, memory=None
    )


def known(value: int | None) -> int:
    """Return the value as the arrays have it."""
    return UNKNOWN if value is None else value


def _more(so_far: int, by: int | None) -> int:
    return min(sample.LIMIT, so_far + (by or 0))
