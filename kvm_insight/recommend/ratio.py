# SPDX-License-Identifier: Apache-2.0
"""Ratio: which allocation ratio an aggregate's hosts can carry.

Not from a rule of thumb but from what its hosts measured: how much was wanted
of each core in each hour, and which part of it had to wait. Up to where wait
stays bearable is what a core can carry; how much a vCPU wants at the most says
how many vCPUs that is. Where nobody ever waited there is no such limit to see:
then it is what a core should be filled to, and the ratio is raised by a step
at a time.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy
from numpy import typing as npt

from kvm_insight.model import usage
from kvm_insight.recommend import hotspot

Array = npt.NDArray[numpy.float64]
Change = Literal['lower', 'keep', 'raise', 'unknown']
#: Somebody waits; there is room; there is none; there is, but even what is
#: allowed now is not allocated; or it is not known.
Reason = Literal['waits', 'room', 'bearable', 'not_used', 'too_little_known']


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What is bearable, and how far one advice goes."""

    #: Part of the wanted CPU time that may wait.
    bearable_ratio: float = 0.05
    #: What an effective core is filled to where wait shows no limit.
    full_ratio: float = 0.85
    #: Of all hours of all hosts, those within which it must be so.
    quantile: float = 0.99
    #: The most that one advice raises or lowers a ratio by.
    step: float = 1.25
    #: Below such a change, none is advised.
    least: float = 0.10
    #: Of a host's hours, and hours of all hosts together, to say anything.
    coverage: float = 0.5
    hours: int = 7 * 24


@dataclasses.dataclass(frozen=True, slots=True)
class HostHour:
    """What one host's instances wanted and waited for within one hour."""

    #: As Placement counts them, and what they can do (``hotspot``).
    cpus: float
    effective_cores: float
    vcpus: float
    wanted_cores: float
    #: Part of what was wanted.
    waited_ratio: float


@dataclasses.dataclass(frozen=True, slots=True)
class Advice:
    """Which ratio to set, and why."""

    aggregate: str
    change: Change
    current: float
    advised: float
    reason: Reason
    #: What had to wait, in all but a few of the hours.
    waited_ratio: float = 0.0
    #: What an effective core carries, and what a vCPU wants at the most.
    carried_ratio: float = 0.0
    wanted_ratio: float = 0.0
    host_hours: int = 0


def host_hour(
    record: usage.HostUsage, threads_per_core: int, coverage: float
) -> HostHour | None:
    """Return one record of usage as it matters here; None of an hour that
    was measured too little, or without anybody on the host."""
    vcpus = sum(one.vcpus for one in record.instances)
    if usage.coverage(record) < coverage or not record.cpus or not vcpus:
        return None
    waited = sum(
        max(0, one.cpu.delay_us - one.cpu.throttled_us)
        for one in record.instances
    )
    ran = sum(
        max(0, one.cpu.run_us - one.cpu.polled_us) for one in record.instances
    )
    wanted = ran + waited
    return HostHour(
        cpus=record.cpus,
        effective_cores=hotspot.effective_cores(record.cpus, threads_per_core),
        vcpus=vcpus,
        wanted_cores=wanted / record.measured_us,
        waited_ratio=waited / wanted if wanted else 0.0,
    )


def advise(
    aggregate: str,
    current: float,
    hours: Sequence[HostHour],
    rules: Settings,
) -> Advice:
    """Return the advice for one aggregate's hosts.

    ``current`` is their allocation ratio, ``hours`` what all of them
    measured, at best in a week.
    """
    good = [one for one in hours if _is_good(one)]
    if len(good) < rules.hours or not math.isfinite(current) or current <= 0:
        return Advice(
            aggregate, 'unknown', current, current, 'too_little_known'
        )
    load, waited, per_vcpu, used, real = _columns(good)
    carried = _carried(load, waited, rules)
    wanted = float(numpy.quantile(per_vcpu, rules.quantile))
    suffered = float(numpy.quantile(waited, rules.quantile))
    sound = carried * float(real.mean()) / max(wanted, 1e-9)
    filled = float(numpy.quantile(used, 0.9))
    waits = suffered > rules.bearable_ratio
    decide = _lowered if waits else _raised
    change, advised, reason = decide(current, sound, filled, rules)
    return Advice(
        aggregate=aggregate,
        change=change,
        current=current,
        advised=advised,
        reason=reason,
        waited_ratio=suffered,
        carried_ratio=carried,
        wanted_ratio=wanted,
        host_hours=len(good),
    )


def _lowered(
    current: float, sound: float, filled: float, rules: Settings
) -> tuple[Change, float, Reason]:
    """Return what to do where somebody waits; what is allocated counts,
    whatever the ratio would allow beyond it."""
    lowest = max(min(current, filled) / rules.step, 1.0)
    lower = _rounded(max(sound, lowest))
    if lower > current * (1 - rules.least):
        # It is not the ratio that makes them wait.
        return 'keep', current, 'waits'
    return 'lower', lower, 'waits'


def _raised(
    current: float, sound: float, filled: float, rules: Settings
) -> tuple[Change, float, Reason]:
    """Return what to do where nobody waits."""
    higher = _rounded(min(sound, current * rules.step))
    if higher < current * (1 + rules.least):
        return 'keep', current, 'bearable'
    if filled < current * (1 - rules.least):
        return 'keep', current, 'not_used'
    return 'raise', higher, 'room'


def _carried(load: Array, waited: Array, rules: Settings) -> float:
    """Return to which part a core is filled while wait is bearable."""
    order = numpy.argsort(load, kind='stable')
    fine = _isotonic(waited[order]) <= rules.bearable_ratio
    if fine.all():
        return max(float(load.max()), rules.full_ratio)
    return float(load[order][fine][-1] if fine.any() else load.min())


def _isotonic(values: Array) -> Array:
    """Return the rising series that is next to the values (pooling)."""
    sums: list[float] = []
    counts: list[int] = []
    for value in values.tolist():
        sums.append(value)
        counts.append(1)
        while len(sums) > 1 and sums[-2] * counts[-1] > sums[-1] * counts[-2]:
            last, size = sums.pop(), counts.pop()
            sums[-1] += last
            counts[-1] += size
    means = numpy.array(sums) / numpy.array(counts)
    return numpy.repeat(means, counts)


def _columns(hours: Iterable[HostHour]) -> tuple[Array, ...]:
    """Return demand per effective core, the wait, demand per vCPU, vCPUs
    per CPU, and effective cores per CPU."""
    table = numpy.array(
        [
            (
                one.wanted_cores / one.effective_cores,
                one.waited_ratio,
                one.wanted_cores / one.vcpus,
                one.vcpus / one.cpus,
                one.effective_cores / one.cpus,
            )
            for one in hours
        ]
    )
    return tuple(table.T)


def _is_good(one: HostHour) -> bool:
    sizes = (one.cpus, one.effective_cores, one.vcpus)
    return (
        all(math.isfinite(size) and size > 0 for size in sizes)
        and math.isfinite(one.wanted_cores)
        and one.wanted_cores >= 0
        and 0 <= one.waited_ratio <= 1
    )


def _rounded(ratio: float) -> float:
    """Return a ratio that one would write down, never a greater one."""
    return math.floor(ratio * 10 + 1e-9) / 10
