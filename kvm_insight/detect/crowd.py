# SPDX-License-Identifier: Apache-2.0
"""What a thread would wait in a crowd, and without a part of that crowd.

Each thread of the crowd is runnable for its part of the time, apart from the
others; with N of them runnable on c CPUs, one more gets c / (N + 1) of the
time. This needs no history and holds for two CPUs as for a hundred.
"""

import dataclasses
import functools
import math
from collections.abc import Iterable, Sequence

import numpy
from numpy import typing as npt

Floats = npt.NDArray[numpy.float64]

#: A thread that is runnable less than this part of the time is not there.
_NEGLIGIBLE = 0.002


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """One entity's load on the victim's CPUs."""

    threads: int
    cores: float

    def without(self, cores: float) -> 'Load':
        """Return the load that is left without some of it."""
        return Load(self.threads, max(0.0, self.cores - cores))


def wait(loads: Iterable[Load], cpus: int) -> float:
    """Return the part of its wanted time that one more thread waits."""
    return _wait(_runnable(loads), cpus)


def spared(
    loads: Sequence[Load], excess: Sequence[float], cpus: int
) -> list[float]:
    """Return for each the part of the wait that goes when its excess does."""
    pairs = list(zip(loads, excess, strict=True))
    innocent = _runnable(load for load, cores in pairs if cores <= 0)
    accused = [load for load, cores in pairs if cores > 0]
    now = _wait(_joined(innocent, _runnable(accused)), cpus)
    found = []
    for load, cores in pairs:
        if cores <= 0 or now <= 0:
            found.append(0.0)
            continue
        others = _runnable(one for one in accused if one is not load)
        left = _joined(others, _runnable([load.without(cores)]))
        spared_part = 1 - _wait(_joined(innocent, left), cpus) / now
        found.append(min(1.0, max(0.0, spared_part)))
    return found


def _wait(runnable: Floats, cpus: int) -> float:
    count = numpy.arange(len(runnable))
    waits = numpy.maximum(0.0, count + 1 - cpus) / (count + 1)
    return float(runnable @ waits)


def _runnable(loads: Iterable[Load]) -> Floats:
    """Return how likely it is that so many threads are runnable."""
    result = numpy.ones(1)
    for load in loads:
        threads = max(load.threads, 1)
        part = min(1.0, max(0.0, load.cores / threads))
        if part >= _NEGLIGIBLE:
            result = _joined(result, _binomial(threads, part))
    return result


def _joined(one: Floats, other: Floats) -> Floats:
    return numpy.convolve(one, other)


@functools.lru_cache(maxsize=1024)
def _choose(threads: int) -> Floats:
    return numpy.array(
        [float(math.comb(threads, count)) for count in range(threads + 1)]
    )


def _binomial(threads: int, part: float) -> Floats:
    if threads == 1:
        return numpy.array([1 - part, part])
    count = numpy.arange(threads + 1)
    likely: Floats = part**count * (1 - part) ** (threads - count)
    return _choose(threads) * likely
