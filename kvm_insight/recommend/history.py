# SPDX-License-Identifier: Apache-2.0
"""History: what each instance wanted in the last days, wherever it was.

Made from the hours of use of all hosts, in any order and as often as they
come: the same hours make the same history. Four bytes for each five minutes.
"""

import dataclasses
from collections.abc import Iterator

import numpy
from numpy import typing as npt

from kvm_insight.model import usage

Floats = npt.NDArray[numpy.float32]

#: Part of five minutes that must have been measured.
_LEAST_MEASURED = 0.2
_DAY_H = 24
_WANTED, _WAITED = range(2)


@dataclasses.dataclass(slots=True)
class Past:
    """One instance; arrays are rings by number of part and of hour."""

    flavor: str | None
    project_id: str | None
    vcpus: int
    host: str
    #: Cores of each five minutes; NaN where not measured.
    parts: Floats
    #: Core-seconds wanted and waited in each of the last 24 hours.
    day: Floats
    #: Number of the hour that was told last, since 1970.
    hour: int


class History:
    """Holds the last so many hours of all instances."""

    def __init__(self, hours: int) -> None:
        """Keep so many hours, at least a day."""
        self._hours = max(hours, _DAY_H)
        self._parts = self._hours * usage.PARTS
        self._pasts: dict[str, Past] = {}
        #: Number of the newest hour of any host.
        self.newest = -1

    def take(self, record: usage.HostUsage) -> None:
        """Take one host's hour."""
        hour = record.start_us // usage.HOUR_US
        if hour > self.newest:
            self.newest = hour
            self._forget()
        if hour > self.newest - self._hours:
            for one in record.instances:
                self._take(record.host, hour, one)

    def _take(self, host: str, hour: int, one: usage.Instance) -> None:
        past = self._pasts.get(one.uuid)
        if past is None:
            past = self._pasts[one.uuid] = Past(
                one.flavor,
                one.project_id,
                one.vcpus,
                host,
                numpy.full(self._parts, numpy.nan, numpy.float32),
                numpy.full((_DAY_H, 2), numpy.nan, numpy.float32),
                hour - self._hours,
            )
        if hour >= past.hour:
            self._advance(past, hour)
            past.flavor, past.project_id = one.flavor, one.project_id
            past.vcpus, past.host = one.vcpus, host
        if hour > past.hour - self._hours:
            self._put_parts(past, hour, one.cpu)
        if hour > past.hour - _DAY_H:
            _put_day(past, hour, one.cpu)

    def _advance(self, past: Past, hour: int) -> None:
        """Make room for all hours up to this one."""
        fresh = min(hour - past.hour, self._hours)
        first = (hour - fresh + 1) * usage.PARTS
        places = numpy.arange(first, (hour + 1) * usage.PARTS) % self._parts
        past.parts[places] = numpy.nan
        hours = numpy.arange(hour - min(fresh, _DAY_H) + 1, hour + 1)
        past.day[hours % _DAY_H] = numpy.nan
        past.hour = hour

    def _put_parts(self, past: Past, hour: int, cpu: usage.Cpu) -> None:
        """Where two hosts tell of the same time, the greater one counts: it
        was here and there."""
        for number, (measured_us, wanted_us) in enumerate(cpu.parts):
            if measured_us >= _LEAST_MEASURED * usage.PART_US:
                at = (hour * usage.PARTS + number) % self._parts
                cores = wanted_us / measured_us
                past.parts[at] = numpy.fmax(past.parts[at], cores)

    def _forget(self) -> None:
        """Let go of instances that nobody told of for so long."""
        oldest = self.newest - self._hours
        for uuid, past in list(self._pasts.items()):
            if past.hour <= oldest:
                del self._pasts[uuid]

    def pasts(self) -> Iterator[tuple[str, Past]]:
        """Yield all instances by UUID."""
        yield from self._pasts.items()

    def get(self, uuid: str) -> Past | None:
        """Return one instance; None where nothing is known of it."""
        return self._pasts.get(uuid)

    def parts(self, uuid: str) -> Floats:
        """Return cores of each five minutes up to the newest hour's end,
        NaN where not measured; empty for an instance that is not known."""
        past = self._pasts.get(uuid)
        if past is None:
            return numpy.empty(0, numpy.float32)
        end = (past.hour + 1) * usage.PARTS
        known = numpy.roll(past.parts, -(end % self._parts))
        silent = (self.newest - past.hour) * usage.PARTS
        if silent <= 0:
            return known
        nothing = numpy.full(silent, numpy.nan, numpy.float32)
        return numpy.concatenate([known, nothing])[-self._parts :]


def suffering(past: Past) -> float | None:
    """Return the part of the CPU time wanted within the last day that was
    waited for; None where too little was wanted to say."""
    wanted_s, waited_s = numpy.nansum(past.day, axis=0).tolist()
    return min(1.0, waited_s / wanted_s) if wanted_s >= 1.0 else None


def _put_day(past: Past, hour: int, cpu: usage.Cpu) -> None:
    if cpu.measured_us:
        waited_us = max(0, cpu.delay_us - cpu.throttled_us)
        wanted_us = max(0, cpu.run_us - cpu.polled_us) + waited_us
        row = past.day[hour % _DAY_H]
        row[_WANTED] = numpy.fmax(row[_WANTED], wanted_us / 1e6)
        row[_WAITED] = numpy.fmax(row[_WAITED], waited_us / 1e6)
