# SPDX-License-Identifier: Apache-2.0
"""Population: the ordinary guests among whom something happens."""

import math

import numpy
from numpy import typing as npt

from kvm_insight.simulate import demand, stage

Floats = npt.NDArray[numpy.float64]


def populate(
    one: stage.Stage,
    group: int,
    level: float,
    *,
    crowd: float = 2.0,
    usual: bool = False,
    shape: Floats | None = None,
) -> list[int]:
    """Fill a group with ordinary guests up to a part of its CPUs.

    ``crowd`` is vCPUs per CPU; a shape, if given, is what all of them follow.
    """
    rng, cpus = one.rng, one.cpus(group)
    sizes = _sizes(rng, cpus, max(3.0, crowd * cpus))
    raw = rng.lognormal(0.0, 0.7, len(sizes)) * sizes
    cores = _scaled(raw, level * cpus, 0.8 * numpy.array(sizes))
    rows = []
    for vcpus, wants in zip(sizes, cores, strict=True):
        if shape is None:
            form = _form(one)
        else:
            form = shape * demand.steady(rng, one.at_s, 0.08)
        quiet = numpy.minimum(form * wants, float(vcpus))
        rows.append(one.add(group, vcpus, quiet, usual=usual))
    return rows


def _form(one: stage.Stage) -> Floats:
    """Return the shape of an ordinary guest, about 1 in the mean."""
    rng, at_s = one.rng, one.at_s
    if traces := one.setting.traces:
        trace = traces[int(rng.integers(len(traces)))]
        begin_s = float(rng.uniform(0, len(trace.values) * trace.every_s))
        form = demand.traced(rng, at_s, trace.values, trace.every_s, begin_s)
        return numpy.asarray(form / max(float(form.mean()), 1e-3))
    if rng.random() < 0.8:
        return demand.steady(rng, at_s, float(rng.uniform(0.04, 0.15)))
    # Now and then something runs that takes a while.
    on = demand.bursty(rng, at_s, 40.0, 500.0)
    return demand.steady(rng, at_s, 0.08) * (0.9 + 0.5 * on)


def _sizes(rng: numpy.random.Generator, cpus: int, vcpus: float) -> list[int]:
    sizes = [size for size in (1, 2, 4, 8, 16) if size <= max(1, cpus // 2)]
    if cpus < 32:
        sizes = [size for size in sizes if size <= 4]
    found: list[int] = []
    while sum(found) < vcpus and len(found) < 60:
        found.append(int(rng.choice(sizes)))
    return found


def _scaled(raw: Floats, total: float, most: Floats) -> Floats:
    """Return the parts of a total, none above its own most."""
    total = min(total, float(most.sum()))
    low, high = 0.0, 1e6
    for _ in range(60):
        middle = math.sqrt(max(low, 1e-9) * high)
        if float(numpy.minimum(raw * middle, most).sum()) < total:
            low = middle
        else:
            high = middle
    return numpy.asarray(numpy.minimum(raw * high, most))
