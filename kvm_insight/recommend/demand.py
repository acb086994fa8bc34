# SPDX-License-Identifier: Apache-2.0
"""What hosts and instances are expected to want, as numbers to add up.

Four quantities of each host: cores by the expected and by the high forecast,
core-seconds per second that are lost already and that no forecast explains,
and GiB of memory. Each instance adds something to them where it comes, and
takes something from them where it leaves.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kvm_insight.model import cluster
from kvm_insight.recommend import settings

Floats = npt.NDArray[np.float64]

EXPECTED, HIGH, MEASURED, MEMORY = range(4)
GIB = float(1 << 30)
#: Verdicts on a victim that say that it may be helped by a move.
HELPED = ('antagonist', 'overcommit', 'host_process')


def forecast(
    peaks: Sequence[cluster.Peak], used: float | None, horizon_s: int
) -> tuple[float, float] | None:
    """Return the expected and the high demand within the horizon."""
    if len(peaks) == 1:
        return peaks[0].p50_cores, peaks[0].p95_cores
    if peaks:
        one = min(peaks, key=lambda peak: abs(peak.horizon_s - horizon_s))
        return one.p50_cores, one.p95_cores
    return None if used is None else (used, used)


def of_instance(one: cluster.Instance, horizon_s: int) -> list[float]:
    """Return what an instance brings; nothing if nothing was measured."""
    load = one.load
    if load is None:
        return [0.0, 0.0, 0.0, 0.0]
    expected, high = forecast(load.peaks, load.used_cores, horizon_s) or (0, 0)
    memory = load.memory_used_bytes
    if memory is None:
        memory = one.memory_bytes
    return [expected, high, grief(load), memory / GIB]


def grief(load: cluster.InstanceLoad) -> float:
    """Return the loss that is gone here when the instance is gone."""
    helped = load.lost_cores if load.verdict in HELPED else 0.0
    return helped + load.caused_cores


def of_host(
    host: cluster.Host,
    brought: Floats,
    suffered: float,
    rules: settings.Settings,
) -> tuple[list[float], list[float]]:
    """Return a host's quantities and the capacities to hold them against.

    ``brought`` is the sum over its instances, ``suffered`` what is lost by
    those of them whose verdict is known.
    """
    load = host.load
    if load is None:
        return [0.0] * 4, [0.0, 0.0, 0.0, np.inf]
    cores = forecast(load.peaks, load.used_cores, rules.horizon_s)
    expected, high = cores or (brought[EXPECTED], brought[HIGH])
    used = load.used_cores
    known = min(suffered, load.lost_cores) if load.lost_cores else suffered
    memory = load.memory_used_bytes
    quantities = [
        expected,
        high,
        known,
        brought[MEMORY] if memory is None else memory / GIB,
    ]
    limit = np.inf if load.memory_bytes is None else load.memory_bytes / GIB
    capacity = load.capacity_cores
    # What the forecast of now explains is no grief of its own.
    quantities[MEASURED] -= lost(
        expected if used is None else used,
        capacity,
        rules.cpu_knees,
    )
    return quantities, [capacity, capacity, 0.0, limit]


def lost(
    wanted: float, capacity: float, knees: Sequence[settings.Knee]
) -> float:
    """Return what is lost where so much is wanted; convex in it."""
    return sum(
        knee.slope * max(0.0, wanted - knee.ratio * capacity) for knee in knees
    )
