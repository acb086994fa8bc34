# SPDX-License-Identifier: Apache-2.0
"""What guests want, by seeded generators; in parts of whatever they ask for.

Each returns one value a step, never below 0. Steps are seconds or a few of
them; what happens inside a second (duty cycles) is the scheduler's affair.
"""

import dataclasses
import math

import numpy
from numpy import typing as npt

Floats = npt.NDArray[numpy.float64]
Random = numpy.random.Generator

#: Steps that a trace can have: nine years of five minutes.
LONGEST = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """What one machine did, a value each so many seconds."""

    values: Floats
    every_s: float


def times(seconds: float, step_s: float) -> Floats:
    """Return the begin of each step."""
    return numpy.arange(int(seconds / step_s), dtype=numpy.float64) * step_s


def steady(
    rng: Random, at_s: Floats, spread: float = 0.1, memory_s: float = 45.0
) -> Floats:
    """Return a level of 1 with noise that forgets after ``memory_s``."""
    knots = numpy.arange(at_s[0], at_s[-1] + 2 * memory_s, memory_s)
    slow = numpy.interp(at_s, knots, rng.normal(0.0, spread, len(knots)))
    fast = rng.normal(0.0, spread / 3, len(at_s))
    return numpy.maximum(0.0, 1 + slow + fast)


def day_night(
    rng: Random, at_s: Floats, hour: float, depth: float = 0.6
) -> Floats:
    """Return a day that peaks at 14 h, begun at this hour."""
    angle = 2 * numpy.pi * ((at_s / 3600 + hour - 14) / 24)
    shape = 1 - depth / 2 + depth / 2 * numpy.cos(angle)
    return numpy.asarray(shape * steady(rng, at_s, 0.06))


def bursty(
    rng: Random, at_s: Floats, on_s: float = 60.0, off_s: float = 600.0
) -> Floats:
    """Return 0 and 1 for spans of random length."""
    count = int((at_s[-1] - at_s[0]) / (on_s + off_s) * 4) + 16
    spans = rng.exponential(numpy.tile([off_s, on_s], count))
    edges = at_s[0] + numpy.cumsum(spans)
    on = numpy.searchsorted(edges, at_s, side='right') % 2 == 1
    return numpy.asarray(on, numpy.float64)


def cron(
    at_s: Floats, every_s: float, lasts_s: float, offset_s: float
) -> Floats:
    """Return 1 while a job runs that starts by the clock."""
    inside = (at_s - offset_s) % every_s < lasts_s
    return numpy.asarray(inside & (at_s >= offset_s), numpy.float64)


def span(at_s: Floats, begin_s: float, end_s: float) -> Floats:
    """Return 1 from begin to end, in part for a step that is cut."""
    step_s = at_s[1] - at_s[0] if len(at_s) > 1 else 1.0
    inside = numpy.minimum(at_s + step_s, end_s) - numpy.maximum(at_s, begin_s)
    return numpy.clip(inside / step_s, 0.0, 1.0)


def traced(
    rng: Random, at_s: Floats, values: Floats, every_s: float, begin_s: float
) -> Floats:
    """Return a trace between its points: a bridge with noise of its own.

    The trace goes round; what is not a number in it is bridged over.
    """
    known = numpy.flatnonzero(numpy.isfinite(values))
    if not len(known):
        return numpy.zeros(len(at_s))
    grid = numpy.arange(len(values))
    whole = numpy.interp(grid, known, values[known], period=len(values))
    place = (at_s + begin_s) / every_s
    bridge = numpy.interp(place, grid, whole, period=len(values))
    return numpy.asarray(numpy.maximum(bridge, 0.0) * steady(rng, at_s, 0.08))


def laid_out(
    ends_s: Floats, lasts_s: Floats, values: Floats, every_s: float
) -> Trace:
    """Return spans of any length as a trace: the mean of each step, or NaN
    where nothing was measured.

    Spans may come in any order and overlap. Raises ValueError if that takes
    more steps than a trace can have.
    """
    begins_s = ends_s - lasts_s
    first_s = float(begins_s.min())
    steps = math.ceil((float(ends_s.max()) - first_s) / every_s)
    if steps > LONGEST:
        raise ValueError(
            f'{steps} steps of {every_s:g} s from begin to end, more than'
            f' {LONGEST}'
        )
    known = numpy.isfinite(values)
    spans_s = numpy.stack([begins_s, ends_s])[:, known] - first_s
    edges_s = numpy.arange(steps + 1, dtype=numpy.float64) * every_s
    covered = _integral(spans_s, numpy.ones(len(spans_s[0])), edges_s)
    summed = _integral(spans_s, values[known], edges_s)
    # What clocks are off by leaves slivers, which say nothing.
    there = covered > 0.01 * every_s
    means = numpy.full(steps, numpy.nan)
    means[there] = numpy.maximum(summed[there] / covered[there], 0.0)
    return Trace(means, every_s)


def _integral(spans_s: Floats, rates: Floats, edges_s: Floats) -> Floats:
    """Return what comes together between edges, of rates of spans."""
    if not len(rates):
        return numpy.zeros(len(edges_s) - 1)
    at_s = spans_s.ravel()
    order = numpy.argsort(at_s, kind='stable')
    at_s = at_s[order]
    rate = numpy.cumsum(numpy.concatenate([rates, -rates])[order])
    total = numpy.cumsum(rate[:-1] * numpy.diff(at_s))
    whole = numpy.interp(edges_s, at_s, numpy.concatenate([[0.0], total]))
    return numpy.asarray(numpy.diff(whole))
