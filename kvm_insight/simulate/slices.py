# SPDX-License-Identifier: Apache-2.0
"""Slices: fair shares of CPUs, slice by slice, with the exact ledger.

The second family of contention: run queues per CPU as Linux has them, with
wake-ups, placement, balancing, migrations, weights by entity, and quota. Who
waited for whom is known exactly. The demand depends on the seed and the
thread alone, so a run with one entity's duty changed is the counterfactual.
"""

import dataclasses
from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.simulate import (
    slices_event,
    slices_kernel,
)
from kvm_insight.simulate import slices_field as of

#: Columns of ``charged`` behind those of the entities.
IDLE, QUOTA, UNATTRIBUTED = -3, -2, -1
#: Shorter than a slice by far; nobody's demand needs it shorter.
LEAST_CYCLE_US = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Readings:
    """What was read at each tick: a row a reading, a column a thread.

    All count from the beginning, only ``charged`` since the reading before:
    how long (µs) a victim entity's threads waited while each entity ran on
    the CPU where they waited; then for idle, quota, and unattributed.
    """

    run_us: of.Numbers
    delay_us: of.Numbers
    throttled_us: of.Numbers
    slices: of.Numbers
    last_cpu: of.Numbers
    #: Work that arrived, and what of it was given up after ``carry``.
    demand_us: of.Numbers
    dropped_us: of.Numbers
    charged: of.Numbers


def run(
    *,
    cpus: int,
    entity: npt.NDArray[Any],
    allowed: npt.NDArray[numpy.bool_],
    duty: npt.NDArray[Any],
    cycle_us: npt.NDArray[Any],
    carry: npt.NDArray[Any],
    weight: npt.NDArray[Any],
    quota_us: npt.NDArray[Any],
    tick_us: npt.NDArray[Any],
    missed: float = 0.0,
    seed: int = 0,
) -> Readings:
    """Schedule a host's threads; return what is read at the given times.

    ``duty`` has a row a thread and a column a second: the wanted share of a
    CPU, as work that comes each ``cycle_us`` or so and is dropped when it is
    older than ``carry`` cycles. ``weight`` and ``quota_us`` (per 100 ms, 0 is
    none) are an entity's, and all its threads share them. ``missed`` is the
    chance that the ledger does not see a switch. Nobody runs after the last
    second of ``duty`` but for what was left over.
    """
    _check(allowed, cycle_us, weight, tick_us)
    ticks = numpy.ascontiguousarray(tick_us, numpy.int64)
    h = of.Host(
        thread=_threads(entity, allowed, cycle_us, carry, seed),
        cpu=_cpus(cpus, len(weight)),
        entity=_entities(entity, weight, quota_us),
        host=numpy.zeros(of.HOST_FIELDS, numpy.int64),
        queue=numpy.zeros((cpus, max(len(entity), 1)), numpy.int64),
        depth=numpy.zeros(cpus, numpy.int64),
        load=numpy.zeros(cpus, numpy.int64),
        allowed=numpy.ascontiguousarray(allowed, numpy.bool_),
        wanted=_wanted(duty),
        at=slices_event.times(cpus + len(entity) + 1),
        first=slices_event.tournament(cpus + len(entity) + 1),
        charged=_charged(len(ticks), len(weight)),
    )
    h.host[of.MISSED] = round(missed * 2**32)
    h.host[of.DICE] = _chances(seed, 1, 2)[0]
    return _read(h, _chances(seed, len(entity), 1), ticks)


def _read(h: of.Host, chances: of.Numbers, tick_us: of.Numbers) -> Readings:
    """Let it run; the first work comes anywhere in a thread's cycle."""
    begin_us = chances % h.thread[:, of.CYCLE]
    shape = (len(slices_kernel.READ), len(tick_us), len(h.thread))
    out = numpy.zeros(shape, numpy.int64)
    slices_kernel.run(h, begin_us, tick_us, out)
    run_us, delay_us, throttled_us, slices, last_cpu, demand_us, dropped = out
    return Readings(
        run_us=run_us,
        delay_us=delay_us,
        throttled_us=throttled_us,
        slices=slices,
        last_cpu=last_cpu,
        demand_us=demand_us,
        dropped_us=dropped,
        charged=h.charged,
    )


def _check(
    allowed: npt.NDArray[numpy.bool_],
    cycle_us: npt.NDArray[Any],
    weight: npt.NDArray[Any],
    tick_us: npt.NDArray[Any],
) -> None:
    """Raise ValueError for what would never end or has no meaning."""
    if not numpy.any(allowed, axis=1).all():
        raise ValueError('a thread is allowed on no CPU')
    if numpy.min(cycle_us, initial=LEAST_CYCLE_US) < LEAST_CYCLE_US:
        raise ValueError(f'a cycle is under {LEAST_CYCLE_US} us')
    if numpy.min(weight, initial=1) < 1:
        raise ValueError('a weight is under 1')
    if (numpy.diff(tick_us) < 0).any():
        raise ValueError('the readings are not in the order of time')


def _threads(
    entity: npt.NDArray[Any],
    allowed: npt.NDArray[numpy.bool_],
    cycle_us: npt.NDArray[Any],
    carry: npt.NDArray[Any],
    seed: int,
) -> of.Numbers:
    """Return the threads, all asleep, each on one of its CPUs."""
    result = numpy.zeros((len(entity), of.THREAD_FIELDS), numpy.int64)
    result[:, of.ENTITY] = entity
    result[:, of.CYCLE] = cycle_us
    result[:, of.CARRY] = carry
    result[:, of.CHANCE] = _chances(seed, len(entity), 0)
    result[:, of.CHOICES] = numpy.sum(allowed, axis=1)
    for at, may in enumerate(allowed):
        choices = numpy.flatnonzero(may)
        result[at, of.CPU] = choices[at % len(choices)]
    return result


def _cpus(count: int, entities: int) -> of.Numbers:
    result = numpy.zeros((count, of.CPU_FIELDS), numpy.int64)
    result[:, of.RUNNER] = -1
    result[:, of.SEEN] = entities
    return result


def _entities(
    entity: npt.NDArray[Any],
    weight: npt.NDArray[Any],
    quota_us: npt.NDArray[Any],
) -> of.Numbers:
    result = numpy.zeros((len(weight), of.ENTITY_FIELDS), numpy.int64)
    result[:, of.WEIGHT] = weight
    result[:, of.QUOTA] = quota_us
    result[:, of.POOL] = quota_us
    members = numpy.bincount(entity, minlength=len(weight))
    result[:, of.MEMBERS] = numpy.maximum(members, 1)
    return result


def _charged(readings: int, entities: int) -> of.Numbers:
    return numpy.zeros((readings, entities, entities + 3), numpy.int64)


def _wanted(duty: npt.NDArray[Any]) -> of.Numbers:
    """Return the work wanted up to the begin of each second."""
    share = numpy.clip(numpy.asarray(duty, numpy.float64), 0, 1)
    result = numpy.zeros((len(share), share.shape[1] + 1), numpy.int64)
    result[:, 1:] = numpy.rint(share * 1e6).astype(numpy.int64).cumsum(axis=1)
    return result


def _chances(seed: int, count: int, purpose: int) -> of.Numbers:
    """Return a number from 1 to 2^32-1 per thread (splitmix64's mixing).

    It depends on the seed, the purpose and the thread's number, not on how
    many there are.
    """
    golden = numpy.uint64(0x9E3779B97F4A7C15)
    mixed = numpy.arange(1, count + 1, dtype=numpy.uint64) * golden
    for word in (seed, purpose):
        mixed += numpy.uint64((word + 1) * int(golden) % 2**64)
        mixed ^= mixed >> numpy.uint64(30)
        mixed *= numpy.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> numpy.uint64(27)
        mixed *= numpy.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> numpy.uint64(31)
    high = mixed >> numpy.uint64(32)
    result: of.Numbers = numpy.maximum(high, numpy.uint64(1)).astype('i8')
    return result
