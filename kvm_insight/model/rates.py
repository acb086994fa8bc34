# SPDX-License-Identifier: Apache-2.0
"""Rates: what happened between two samples of one host; pure arithmetic.

All values are exact differences of counters over ``interval_us``, in µs,
bytes or pieces. ``None``, in arrays NaN, is *not known*: a counter that is
missing, went back, began anew (another boot, process, thread or agent) or
grew faster than time allows. It is never negative and never absurd.
"""

import dataclasses
import functools
import operator
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.model import device, groups, reading, sample, table

Floats = reading.Floats
Flags = npt.NDArray[numpy.bool_]

#: How much faster than time a thread's clock may seem to run: the threads
#: are read one after the other, and not at the sample's own instant.
_SLACK = 1.1
_SKEW_US = 20_000
_modes = operator.attrgetter(
    'user_us', 'nice_us', 'system_us', 'irq_us', 'softirq_us', 'guest_us'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Vcpu:
    """One vCPU in the interval."""

    index: int
    run_us: int | None
    run_delay_us: int | None
    throttled_us: int | None
    halt_poll_us: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Domain:
    """One domain in the interval; sums are over all of its threads."""

    uuid: str
    epoch: str
    #: vCPUs that have a thread.
    vcpu_count: int
    vcpus: tuple[Vcpu, ...]
    run_us: int | None
    run_delay_us: int | None
    #: Part of the delay that its own quota made; None without a quota.
    throttled_us: int | None
    #: Part of the run time that was KVM polling for an idle vCPU.
    halt_poll_us: int | None
    disks: tuple[device.Disk, ...]
    interfaces: tuple[device.Interface, ...]
    memory: device.Memory | None
    #: What disks, interfaces and memory grew in: libvirt is asked more
    #: rarely, and may hang. None, and nothing grew, between two answers.
    libvirt_interval_us: int | None = None


class Cpu(NamedTuple):
    """What the domains of a host did, an element each."""

    run_us: Floats
    run_delay_us: Floats
    throttled_us: Floats
    halt_poll_us: Floats


# Without slots, for the sake of what is worked out once and kept.
@dataclasses.dataclass(frozen=True)
class Rates:
    """One host in the interval."""

    interval_us: int
    #: Busy time of all CPUs, by everything.
    busy_us: int | None
    #: Busy time beyond all domains.
    host_us: int | None
    services: Mapping[str, int]
    #: Whose the rows of all arrays are: domains, vCPUs, disks, interfaces.
    layout: table.Layout
    #: Which domains were there before, as the same process.
    known: Flags
    cpu: Cpu
    vcpus: Floats
    #: All counters as they were and are, and what they grew by.
    older: Floats
    newer: Floats
    grown: Floats

    @functools.cached_property
    def devices(self) -> device.Devices:
        """Return what disks, interfaces and memory did."""
        return device.between(
            self.older, self.newer, self.layout, self.interval_us
        )

    @functools.cached_property
    def domains(self) -> Mapping[str, Domain]:
        """Return each domain by itself: for people; the arrays are for work
        that is done with every sample."""
        return {one.uuid: one for one in _domains(self)}


def between(older: sample.Sample, newer: sample.Sample) -> Rates | None:
    """Return what happened in between; None when they do not connect."""
    before = reading.of(older)
    return growth(before, reading.of(newer, before.layout))


def growth(older: reading.Reading, newer: reading.Reading) -> Rates | None:
    """Return the same between two samples' readings."""
    if older.host != newer.host or older.boot_id != newer.boot_id:
        return None
    interval_us = newer.uptime_us - older.uptime_us
    if interval_us <= 0:
        return None
    layout = newer.layout
    before, known = older.aligned(layout)
    grown = reading.growth(before, newer.numbers)
    vcpus = layout.table(grown, table.VCPUS_AT)
    vcpus = _within(vcpus, _SLACK * interval_us + _SKEW_US)
    others = None
    if older.agent_id == newer.agent_id:
        then, threads, did = (
            layout.table(numbers, table.THREADS_AT)
            for numbers in (before, newer.numbers, grown)
        )
        others = _others(then, threads, did, layout, interval_us)
    cpu = _cpu(vcpus, others, layout.table(grown, table.DOMAINS_AT), layout)
    now = layout.table(newer.numbers, table.DOMAINS_AT)
    busy_us = _busy(older.system, newer.system)
    return Rates(
        interval_us,
        busy_us,
        _beyond(busy_us, now[:, reading.ALIVE] > 0, cpu),
        _services(older.system, newer.system),
        layout,
        known,
        cpu,
        vcpus,
        before,
        newer.numbers,
        grown,
    )


def _within(grown: Floats, most: Floats | float) -> Floats:
    """Return what can have been in the time."""
    return numpy.where(grown <= most, grown, numpy.nan)


def _cpu(
    vcpus: Floats,
    others: Floats | None,
    once: Floats,
    layout: table.Layout,
) -> Cpu:
    """Sum up over all threads of each domain."""
    total = groups.totals(vcpus, layout.groups.vcpus, len(layout.uuids))
    # NaN if a part is not known or there is none.
    if len(layout.hollow):
        total[layout.hollow] = numpy.nan
    run_us, delay_us, _, poll_us = total.T
    polled = once[:, reading.POLL_SUCCESS] + once[:, reading.POLL_FAIL]
    poll_us = numpy.where(numpy.isnan(poll_us), polled, poll_us)
    if others is not None:
        run_us, delay_us = run_us + others[:, 0], delay_us + others[:, 1]
    throttled_us = _throttled(vcpus[:, 2], once[:, reading.THROTTLED], layout)
    return Cpu(
        run_us,
        delay_us,
        numpy.minimum(throttled_us, delay_us),
        numpy.where(poll_us > run_us, run_us, poll_us),
    )


def _others(
    before: Floats,
    now: Floats,
    grown: Floats,
    layout: table.Layout,
    interval_us: int,
) -> Floats:
    """Return run and delay of the threads that are no vCPUs, where known."""
    threads = numpy.maximum(numpy.maximum(before[:, :1], now[:, :1]), 1)
    most = _SLACK * threads * interval_us + _SKEW_US * threads
    parts = reading.or_zero(_within(grown[:, 1:], most))
    return groups.totals(parts, layout.groups.threads, len(layout.uuids))


def _throttled(vcpus: Floats, whole: Floats, layout: table.Layout) -> Floats:
    """Return the quota's doing: in the vCPUs' groups and the domain's."""
    if numpy.isnan(vcpus).all() and numpy.isnan(whole).all():
        # As nearly always: nobody has one.
        return whole
    owners, count = layout.owners.vcpus, len(layout.uuids)
    parts = reading.sums(owners, ~numpy.isnan(vcpus), count)
    total = reading.sums(owners, reading.or_zero(vcpus), count)
    total += reading.or_zero(whole)
    known = (parts > 0) | ~numpy.isnan(whole)
    return numpy.where(known, total, numpy.nan)


def _busy(older: sample.System, newer: sample.System) -> int | None:
    """Return what /proc/stat counts as busy; its modes step in ticks, and
    some kernels take a tick back."""
    total = 0
    measured = False
    for before, after in zip(_modes(older), _modes(newer), strict=True):
        if before is None or after is None:
            continue
        measured = True
        if after < before - _SKEW_US:
            return None
        total += max(0, after - before)
    return total if measured else None


def _beyond(busy_us: int | None, alive: Flags, cpu: Cpu) -> int | None:
    """Return the host's own use; None while a domain's use is not known."""
    if busy_us is None:
        return None
    used_us = float(cpu.run_us[alive].sum())
    return None if numpy.isnan(used_us) else max(0, busy_us - int(used_us))


def _services(older: sample.System, newer: sample.System) -> dict[str, int]:
    before = {service.name: service.run_us for service in older.services or ()}
    found: dict[str, int] = {}
    for service in newer.services or ():
        run_us = before.get(service.name)
        if run_us is not None and service.run_us >= run_us:
            found[service.name] = service.run_us - run_us
    return found


def _domains(rates: Rates) -> Iterator[Domain]:
    """Yield the domains that were there before."""
    keys = rates.layout.keys()
    vcpus: dict[int, list[Vcpu]] = {}
    owners = rates.layout.owners.vcpus.tolist()
    for key, owner, row in zip(
        keys[table.VCPUS_AT], owners, rates.vcpus, strict=True
    ):
        one = Vcpu(key[2], *reading.counts(row))
        vcpus.setdefault(owner, []).append(one)
    answered_us = reading.counts(rates.devices.interval_us)
    parts = list(device.parts(rates.devices, rates.layout))
    sums = numpy.transpose(rates.cpu)
    for at in numpy.flatnonzero(rates.known).tolist():
        own = tuple(vcpus.get(at, ()))
        run_us, delay_us, throttled_us, poll_us = reading.counts(sums[at])
        uuid, epoch = keys[table.DOMAINS_AT][at]
        yield Domain(
            uuid=uuid,
            epoch=epoch,
            vcpu_count=len(own),
            vcpus=own,
            run_us=run_us,
            run_delay_us=delay_us,
            throttled_us=throttled_us,
            halt_poll_us=poll_us,
            disks=parts[at][0],
            interfaces=parts[at][1],
            memory=parts[at][2],
            libvirt_interval_us=answered_us[at],
        )
