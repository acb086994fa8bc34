# SPDX-License-Identifier: Apache-2.0
"""What a thread would wait in a crowd, and without a part of that crowd.

Each thread of the crowd is runnable for its part of the time, apart from the
others; with N of them runnable on c CPUs, one more gets c / (N + 1) of the
time. This needs no history and holds for two CPUs as for a hundred.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy
from numpy import typing as npt


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
    runnable = numpy.ones(1)
    for load in loads:
        threads = max(load.threads, 1)
        part = min(1.0, max(0.0, load.cores / threads))
        if part > 0:
            runnable = numpy.convolve(runnable, _binomial(threads, part))
    count = numpy.arange(len(runnable))
    waits = numpy.maximum(0.0, count + 1 - cpus) / (count + 1)
    return float((runnable * waits).sum())


def spared(loads: Sequence[Load], excess: Sequence[float], cpus: int) -> float:
    """Return the part of the wait that goes when the excess does."""
    now = wait(loads, cpus)
    if now <= 0:
        return 0.0
    pairs = zip(loads, excess, strict=True)
    left = wait([load.without(cores) for load, cores in pairs], cpus)
    return min(1.0, max(0.0, 1 - left / now))


def _binomial(threads: int, part: float) -> npt.NDArray[numpy.float64]:
    one = numpy.array([1 - part, part])
    result = numpy.ones(1)
    for _ in range(threads):
        result = numpy.convolve(result, one)
    return result
