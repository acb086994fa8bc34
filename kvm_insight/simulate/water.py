# SPDX-License-Identifier: Apache-2.0
"""Family one: CPUs are water, shared by weight among those who want it.

A contention domain is a set of CPUs that several entities may use. In it
each gets what it wants up to a level that is the same for all, by weight
(max-min). What is short is carried on to the next step, in part; what is not
short waits as in a queue with so many servers (Sakasegawa's approximation),
and never longer than those who may stand before it take.
"""

import dataclasses
import math

import numpy
from numpy import typing as npt

from kvm_insight import exception
from kvm_insight.simulate import plan

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]

_FULLEST = 0.985
_ROUNDS = 32


@dataclasses.dataclass(frozen=True, slots=True)
class Nature:
    """What no observer knows of a host."""

    #: How irregular work arrives and how long it takes; 1 is by chance.
    burstiness: float = 0.5
    #: Part of what was short that is wanted again in the next step.
    carry: float = 0.5
    #: Spread of the waits from step to step.
    noise: float = 0.08
    seed: int = 0


MEAN = Nature()


@dataclasses.dataclass(frozen=True, slots=True)
class Flow:
    """What came of a demand, in cores: variant x entity x step."""

    run: Floats
    delay: Floats
    #: Part of the delay that the quota made.
    throttled: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class _Layout:
    """Rows: an entity's threads in one contention domain."""

    entity: Ints
    #: Threads of the row, and which part of its entity's they are.
    threads: Floats
    part: Floats
    weight: Floats
    quota: Floats
    pool: Ints
    #: First row of each pool, and its CPUs.
    starts: Ints
    cpus: Floats


def flow(
    host: plan.Host, step_s: float, wanted: Floats, nature: Nature
) -> Flow:
    """Run several demands (variant x entity x step) on one host.

    The chance in the waits is the same in all variants. Raises ConfigError
    for CPU sets that overlap without being equal: those need slices.
    """
    variants, entities, steps = wanted.shape
    layout = _layout(host)
    count = len(layout.entity)
    many = _repeated(layout, variants)
    rng = numpy.random.default_rng([nature.seed, 77])
    noise = rng.lognormal(0.0, nature.noise, (steps, count))
    rows = wanted[:, layout.entity, :] * layout.part[None, :, None]
    rows = rows.reshape(variants * count, steps).T
    results = numpy.empty((3, steps, variants * count))
    backlog = numpy.zeros(variants * count)
    present = _present(host, step_s, steps)
    whole = many.threads
    for at in range(steps):
        if present is not None:
            some = numpy.tile(present[layout.entity, at], variants)
            many = dataclasses.replace(many, threads=whole * some)
        offered = numpy.minimum(
            rows[at] + nature.carry * backlog, many.threads
        )
        grown = numpy.tile(noise[at], variants)
        _step(many, offered, nature.burstiness, grown, results[:, at])
        backlog = offered - results[0, at]
    shape = (3, steps, variants, count)
    return _gathered(results.reshape(shape), layout, entities)


def _present(host: plan.Host, step_s: float, steps: int) -> Floats | None:
    """Return the part of its threads that each entity has in each step;
    None where all have all of them."""
    if not any(guest.plugged_s for guest in host.guests):
        return None
    at_s = numpy.arange(steps) * step_s
    found = numpy.ones((host.entities, steps))
    for row, guest in enumerate(host.guests):
        if guest.plugged_s:
            here = at_s[None, :] >= numpy.array(guest.plugged_s)[:, None]
            found[row] = here.mean(axis=0)
    return found


def _gathered(results: Floats, layout: _Layout, entities: int) -> Flow:
    _, steps, variants, count = results.shape
    total = numpy.zeros((3, steps, variants, entities))
    for row in range(count):
        total[:, :, :, layout.entity[row]] += results[:, :, :, row]
    run, delay, throttled = total.transpose(0, 2, 3, 1)
    return Flow(run, delay, throttled)


def _step(
    many: _Layout,
    offered: Floats,
    burstiness: float,
    noise: Floats,
    result: Floats,
) -> None:
    """Share one step; write run, delay and throttled into ``result``."""
    allowed = numpy.minimum(offered, many.quota)
    total = numpy.add.reduceat(allowed, many.starts)
    granted = allowed
    if (total > many.cpus).any():
        level = _level(many, allowed, total)
        granted = numpy.minimum(allowed, many.weight * level[many.pool])
    queue = _queue(many, allowed, total, burstiness)
    waited = granted * queue[many.pool] * noise
    room = numpy.maximum(many.threads - granted, 0.0)
    result[0] = granted
    result[1] = numpy.minimum(offered - granted + waited, room)
    result[2] = numpy.minimum(offered - allowed, room)


def _level(many: _Layout, allowed: Floats, total: Floats) -> Floats:
    """Return the water's level in each pool, in cores per weight."""
    level = numpy.full(len(many.cpus), math.inf)
    short = total > many.cpus
    weights = numpy.where(allowed > 0, many.weight, 0.0)
    whole = numpy.add.reduceat(weights, many.starts)
    level[short] = many.cpus[short] / whole[short]
    for _ in range(_ROUNDS):
        full = allowed <= many.weight * level[many.pool] + 1e-12
        served = numpy.add.reduceat(
            numpy.where(full, allowed, 0.0), many.starts
        )
        rest = numpy.add.reduceat(numpy.where(full, 0.0, weights), many.starts)
        after = level.copy()
        change = short & (rest > 0)
        after[change] = (many.cpus - served)[change] / rest[change]
        if numpy.allclose(after[short], level[short], rtol=1e-9):
            break
        level = after
    return level


def _queue(
    many: _Layout, allowed: Floats, total: Floats, burstiness: float
) -> Floats:
    """Return the wait per time that is run, in each pool."""
    load = numpy.minimum(total / many.cpus, _FULLEST)
    power = numpy.sqrt(2 * (many.cpus + 1)) - 1
    queue = burstiness * load**power / (many.cpus * (1 - load))
    # A thread that is kept waiting is runnable longer than it would run.
    present = numpy.minimum(many.threads, 2 * allowed)
    present = numpy.add.reduceat(present, many.starts)
    most = numpy.maximum(present / many.cpus - 1, 0.0) + 0.01
    return numpy.asarray(queue * most / (queue + most))


def _layout(host: plan.Host) -> _Layout:
    pools = _pools(host)
    rows: dict[tuple[int, int], float] = {}
    for entity, threads in enumerate(host.places()):
        for cpus in threads:
            for pool, whole in enumerate(pools):
                if cpus & whole:
                    part = len(cpus & whole) / len(cpus)
                    key = pool, entity
                    rows[key] = rows.get(key, 0.0) + part
    ordered = sorted(rows)
    counts = [len(threads) for threads in host.places()]
    quotas = [guest.quota_cores or math.inf for guest in host.guests]
    quotas += [math.inf] * len(host.services)
    weights = host.weights()
    threads_of = numpy.array([rows[key] for key in ordered])
    part_of = threads_of / [counts[who] for _, who in ordered]
    pool_of = [pool for pool, _ in ordered]
    return _Layout(
        entity=numpy.array([who for _, who in ordered], numpy.int64),
        threads=threads_of,
        part=part_of,
        weight=numpy.array([float(weights[who]) for _, who in ordered]),
        quota=part_of * [quotas[who] for _, who in ordered],
        pool=numpy.array(pool_of, numpy.int64),
        starts=numpy.array(
            [pool_of.index(pool) for pool in sorted(set(pool_of))],
            numpy.int64,
        ),
        cpus=numpy.array([float(len(cpus)) for cpus in pools]),
    )


def _pools(host: plan.Host) -> list[frozenset[int]]:
    """Return the contention domains; services may use several of them."""
    pools: dict[frozenset[int], None] = {}
    seen: set[int] = set()
    for guest in host.guests:
        for cpus in guest.cpus:
            if cpus in pools:
                continue
            if cpus & seen:
                raise exception.ConfigError(
                    f'{host.name}: CPU sets overlap without being equal, '
                    'which the water family cannot share: use slices'
                )
            pools[cpus] = None
            seen |= cpus
    rest = frozenset().union(*(one.cpus for one in host.services)) - seen
    return [*pools, rest] if rest else [*pools]


def _repeated(layout: _Layout, times: int) -> _Layout:
    """Return the layout with each variant a host of its own."""
    rows, pools = len(layout.entity), len(layout.cpus)
    shift = numpy.repeat(numpy.arange(times), rows)
    pool = numpy.tile(layout.pool, times) + shift * pools
    starts = numpy.tile(layout.starts, times)
    starts = starts + numpy.repeat(numpy.arange(times), pools) * rows
    return _Layout(
        entity=numpy.tile(layout.entity, times),
        threads=numpy.tile(layout.threads, times),
        part=numpy.tile(layout.part, times),
        weight=numpy.tile(layout.weight, times),
        quota=numpy.tile(layout.quota, times),
        pool=pool,
        starts=starts,
        cpus=numpy.tile(layout.cpus, times),
    )
