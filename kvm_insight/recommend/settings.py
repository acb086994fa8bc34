# SPDX-License-Identifier: Apache-2.0
"""What the planner goes by; ``conf`` fills it, tests vary it."""

import dataclasses
from typing import NamedTuple


class Knee(NamedTuple):
    """From this part of the capacity on, so much more of each unit is lost.

    Slopes add up: beyond all knees of a CPU a core wanted is a core lost.
    """

    ratio: float
    slope: float


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """All thresholds and weights, in one place."""

    #: What is gained is counted over so long.
    horizon_s: int = 3600
    #: How a host's CPU gets worse with what is wanted of it.
    cpu_knees: tuple[Knee, ...] = (
        Knee(0.70, 0.05),
        Knee(0.85, 0.25),
        Knee(1.00, 0.70),
    )
    memory_knees: tuple[Knee, ...] = (Knee(0.85, 0.5), Knee(0.95, 4.5))
    #: Weights of the score table; the expected and the high forecast count
    #: half each, so that a core lost for sure counts one.
    weight_expected: float = 0.5
    weight_high: float = 0.5
    weight_measured: float = 1.0
    #: Cores that a GiB over the knees is worth.
    weight_memory: float = 0.2
    #: Cores that one member against a soft policy is worth: less than a
    #: migration costs, so that it decides between moves and causes none.
    weight_soft_group: float = 0.01
    #: Cores that a core out of balance is worth; only ``balance`` has it.
    weight_spread: float = 0.2
    #: Part of its cores that an empty host is worth, for ``consolidate``.
    weight_empty: float = 0.05
    #: A host whose high forecast is above this is hot: it is relieved, and
    #: nobody may make another one so.
    hot_ratio: float = 0.85
    #: Measured loss that makes a host hot, in cores.
    hot_lost_cores: float = 0.10
    #: The same in an evacuation where nothing cooler is left, and what a
    #: consolidation fills a host to.
    evacuate_ratio: float = 1.00
    consolidate_ratio: float = 0.70
    #: Memory that a receiver may have in use.
    memory_ratio: float = 0.95
    #: A move is carried out if its gain is so many times its cost.
    worth: float = 1.3
    #: What any migration costs, and what it takes of the instance while it
    #: runs, in core-seconds and as a part of what the instance uses.
    move_core_s: float = 30.0
    slowdown: float = 0.2
    bandwidth_bytes_s: float = 1.0e9
    #: Where the dirty rate is not known, so much of the bandwidth.
    dirty_unknown: float = 0.10
    #: From here on a migration does not converge.
    dirty_most: float = 0.80
    downtime_s: float = 0.5
    #: Guards.
    instance_rest_s: int = 6 * 3600
    receiver_rest_s: int = 15 * 60
    return_rest_s: int = 24 * 3600
    #: Whether instance rest, receiver rest, no return, ``worth`` and the
    #: two forecasts hold; off only to measure what they are good for.
    guarded: bool = True
    #: Measurements that are older say nothing.
    stale_s: int = 900
    expires_s: int = 900
    #: Moves in one plan, and in one recommendation's chain of hosts.
    most_moves: int = 500
    #: Hosts that one consolidation empties.
    most_emptied: int = 10
    #: Destinations of a swap that are looked into, the coolest first.
    swap_hosts: int = 12
    #: Hosts whose final placement is bettered as a whole, and how often it
    #: is shaken.
    most_arena: int = 24
    rounds: int = 250
    #: Filters that this cloud's Nova does not have on.
    without_filters: frozenset[str] = frozenset()
