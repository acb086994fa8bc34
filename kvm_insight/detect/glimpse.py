# SPDX-License-Identifier: Apache-2.0
"""Glimpse: what an analyzer shows of itself and of the hosts it follows."""

import collections
import dataclasses
from collections.abc import Collection

from kvm_insight.detect import shard
from kvm_insight.model import vitals


@dataclasses.dataclass(slots=True)
class Counters:
    """What went through, since this analyzer started."""

    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    #: Sequence numbers that never came.
    missing: int = 0
    dead_letters: int = 0
    findings: int = 0
    #: Samples on the bus that are not looked at yet.
    lag: int = 0


def of(
    shards: Collection[shard.Shard], counters: Counters, time_us: int
) -> vitals.Analyzer:
    """Return it, as it is at this time."""
    still: collections.Counter[tuple[str, str]] = collections.Counter(
        (one.resource, one.verdict)
        for held in shards
        for one in held.all_standing()
    )
    hosts: dict[str, vitals.Host] = {}
    for held in shards:
        hosts |= held.hosts
    return vitals.Analyzer(
        time_us=time_us,
        partitions=len(shards),
        open=still,
        hosts=hosts,
        **dataclasses.asdict(counters),
    )
