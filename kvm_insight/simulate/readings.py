# SPDX-License-Identifier: Apache-2.0
"""Readings: the counters of all threads of a host at the agent's sweeps.

What a family of contention makes and telemetry turns into samples. A thread
is one vCPU of one guest's life, or one thread of a service; all counters
begin at 0 with the simulation.
"""

import dataclasses
from typing import Any, Protocol

import numpy
from numpy import typing as npt

from kvm_insight.model import entity, sample
from kvm_insight.simulate import plan, water

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]

MICRO = 1_000_000
#: 14 November 2023.
BEGIN_US = 1_700_000_000_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Threads:
    """Which thread is whose, guests first, each one's in order."""

    owner: Ints
    #: First thread of each entity.
    first: Ints


@dataclasses.dataclass(frozen=True, slots=True)
class Readings:
    """Counters: reading x thread."""

    #: Since the simulation began.
    at_us: Ints
    run_us: Ints
    delay_us: Ints
    throttled_us: Ints
    slices: Ints | None = None
    last_cpu: Ints | None = None
    #: One a reading.
    ledgers: list[sample.Ledger | None] | None = None
    #: What devices and memory did; None: CPU only.
    devices: 'Devices | None' = None

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's part of the devices, by the sample's fields."""
        return self.devices.system(at) if self.devices else {}

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's part of the devices."""
        if self.devices is None:
            return {}
        return self.devices.domain(guest, at, answered)


@dataclasses.dataclass(frozen=True, slots=True)
class Agent:
    """How the agent of a host is set up, and what befalls it."""

    interval_s: float = 10.0
    #: libvirt is asked at each so many-th reading.
    libvirt_every: int = 3
    jitter: float = 0.01
    seed: int = 0
    #: The time when the simulation begins, and how far the host's clock is
    #: ahead.
    begin_us: int = BEGIN_US
    skew_us: int = 0
    #: When it is started anew.
    restarts_s: tuple[float, ...] = ()


PLAIN = Agent()


class Devices(Protocol):
    """Disks, interfaces and memory, as the sample has them."""

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's fields at one reading."""

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's fields at one reading; what only libvirt knows
        is of the reading at which it was asked."""


def threads(host: plan.Host) -> Threads:
    """Return whose each thread is."""
    counts = [len(places) for places in host.places()]
    ends = numpy.cumsum(counts)
    return Threads(
        numpy.repeat(numpy.arange(len(counts)), counts),
        numpy.asarray(ends - counts, numpy.int64),
    )


def names(host: plan.Host) -> list[str]:
    """Return each entity's name, as the ledger has it."""
    return [
        *(entity.domain(guest.uuid) for guest in host.guests),
        *(entity.service(one.name) for one in host.services),
    ]


def sweeps(seconds: float, agent: Agent) -> Ints:
    """Return when the agent reads, the first time at once."""
    rng = numpy.random.default_rng([agent.seed, 5])
    count = int(seconds / agent.interval_s) + 1
    away = rng.uniform(-agent.jitter, agent.jitter, count)
    at = (numpy.arange(count) + away) * agent.interval_s
    at = numpy.clip(at, 0.0, seconds)
    return numpy.asarray(at * MICRO, numpy.int64)


def of_flow(
    host: plan.Host, flow: water.Flow, step_s: float, at_us: Ints
) -> Readings:
    """Return what an agent reads of the first variant of a flow."""
    run, delay, throttled = (
        _by_thread(host, part[0], step_s, at_us)
        for part in (flow.run, flow.delay, flow.throttled)
    )
    visited = _visited(host, len(at_us))
    return Readings(at_us, run, delay, throttled, last_cpu=visited)


def grown(rates: Floats, step_s: float, at_us: Ints) -> Ints:
    """Return counters at these times from rates per second in each step."""
    total = numpy.concatenate([[0.0], numpy.cumsum(rates) * step_s])
    steps = numpy.arange(len(total)) * step_s
    values = numpy.interp(at_us / MICRO, steps, total)
    return numpy.asarray(values, numpy.int64)


def spread(host: plan.Host, rates: Floats, step_s: float) -> Floats:
    """Return an entity's rates by thread; all threads are equally busy."""
    rows = []
    at_s = numpy.arange(rates.shape[1]) * step_s
    for one, places in enumerate(host.places()):
        plugged = _plugged(host, one)
        if not plugged:
            rows += [rates[one] / len(places)] * len(places)
            continue
        here = at_s[None, :] >= numpy.array(plugged)[:, None]
        some = numpy.maximum(here.sum(axis=0), 1)
        rows += [rates[one] * present / some for present in here]
    return numpy.array(rows)


def _by_thread(
    host: plan.Host, rates: Floats, step_s: float, at_us: Ints
) -> Ints:
    threads = spread(host, rates, step_s) * MICRO
    return numpy.stack([grown(row, step_s, at_us) for row in threads], axis=1)


def _plugged(host: plan.Host, one: int) -> tuple[float, ...]:
    if one >= len(host.guests):
        return ()
    return host.guests[one].plugged_s


def _visited(host: plan.Host, count: int) -> Ints:
    """Return a CPU where each thread may have been seen last."""
    at = numpy.arange(count)
    columns = []
    for number, cpus in enumerate(
        cpus for places in host.places() for cpus in places
    ):
        allowed = numpy.array(sorted(cpus), numpy.int64)
        columns.append(allowed[(at * 13 + number * 7) % len(allowed)])
    return numpy.stack(columns, axis=1)
