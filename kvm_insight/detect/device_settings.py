# SPDX-License-Identifier: Apache-2.0
"""What the detectors of disk, memory and network go by."""

import dataclasses
from typing import Literal

from kvm_insight.detect import settings

Resource = Literal['disk', 'memory', 'network']

#: Slots that are kept: ten minutes of half a minute each.
SLOTS = 20
#: Parts of a baseline: two hours.
BINS = 40
BIN_S = 180.0
#: Parts that wait before they count.
LAG = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of one resource."""

    resource: Resource
    #: Shortest first; the shorter, the higher the floor.
    scales: tuple[settings.Scale, ...]
    #: What work is counted in, as people read it.
    unit: str
    #: Least excess to matter, in parts of what all together do.
    least_excess: float = 0.05
    #: The same of all excess: with less, the load is not what it is.
    least_rise: float = 0.10
    #: Who is named: part of the loss that would have been spared, and part
    #: of all excess; and what of that is asked of who is named already.
    blame: float = 0.30
    share: float = 0.30
    incumbent: float = 0.60
    #: Deviations above the usual, of suffering and of work.
    deviations: float = 5.0
    spread: float = 3.0
    #: So many of the last so many evaluations of one window open.
    above: int = 3
    of: int = 5
    #: So many successive slots below half the floor close.
    calm: int = 3
    coverage: float = 0.70
    #: Bins from which on one's use is known, and is a history.
    glimpse: int = 2
    history: int = 7
    freeze_s: int = 6 * 3600


#: A request that takes 1.9 times as long as usual has lost 0.47 of its time.
DISK = Rules(
    'disk',
    (
        settings.Scale(60, 0.60),
        settings.Scale(120, 0.50),
        settings.Scale(600, 0.45),
    ),
    unit='requests of 32 KiB a second',
)
MEMORY = Rules(
    'memory',
    (
        settings.Scale(60, 0.20),
        settings.Scale(120, 0.10),
        settings.Scale(600, 0.05),
    ),
    unit='bytes',
    least_excess=0.01,
    least_rise=0.01,
)
NETWORK = Rules(
    'network',
    (
        settings.Scale(60, 0.10),
        settings.Scale(120, 0.06),
        settings.Scale(600, 0.05),
    ),
    unit='packets a second',
)
ALL = (DISK, MEMORY, NETWORK)
