# SPDX-License-Identifier: Apache-2.0
"""What a live migration takes: time, downtime, core-seconds.

Memory is copied once, and what gets dirty meanwhile again and again: at a
dirty rate of the part *d* of the bandwidth it takes ``1 / (1 - d)`` times as
long. Meanwhile the instance is slower, and at the end it stands still.
"""

import dataclasses

from kvm_insight.model import cluster
from kvm_insight.recommend import settings


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """Of one live migration."""

    duration_s: float
    downtime_s: float
    core_s: float


def of(one: cluster.Instance, rules: settings.Settings) -> Cost:
    """Return what moving an instance costs."""
    dirty = dirtied(one, rules)
    copied = one.memory_bytes / (1 - min(dirty, rules.dirty_most))
    duration_s = (copied + one.local_disk_bytes) / rules.bandwidth_bytes_s
    used = one.load.used_cores if one.load is not None else 0.0
    core_s = (
        rules.move_core_s
        + duration_s * rules.slowdown * used
        + rules.downtime_s * used
    )
    return Cost(duration_s, rules.downtime_s, core_s)


def dirtied(one: cluster.Instance, rules: settings.Settings) -> float:
    """Return how fast memory gets dirty, as a part of the bandwidth."""
    if one.dirty_rate_bytes_s is None:
        return rules.dirty_unknown
    return one.dirty_rate_bytes_s / rules.bandwidth_bytes_s
