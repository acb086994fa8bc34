# SPDX-License-Identifier: Apache-2.0
"""What was said on a bus until now."""

from kvm_insight.bus import port, tail, topic
from kvm_insight.model import codec, inventory, recommendation


def values(bus: port.Bus, name: str) -> list[bytes]:
    """Return all that is on a topic now, in its order."""
    reader = tail.Tail(bus, [name])
    try:
        return [one.value for one in reader.begin(0) if one.value]
    finally:
        reader.close()


def recommendations(
    bus: port.Bus, prefix: str
) -> list[recommendation.Recommendation]:
    return [
        codec.decode(one, recommendation.Recommendation)
        for one in values(bus, prefix + topic.RECOMMENDATIONS)
    ]


def statuses(bus: port.Bus, prefix: str) -> list[inventory.PlannerStatus]:
    return [
        codec.decode(one, inventory.PlannerStatus)
        for one in values(bus, prefix + topic.INVENTORY)
        if codec.schema_of(one) == inventory.PLANNER_SCHEMA
    ]
