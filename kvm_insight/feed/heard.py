# SPDX-License-Identifier: Apache-2.0
"""Heard: what a feed is told of recommendations, whoever tells it."""

from collections.abc import Sequence

from kvm_insight.feed import port
from kvm_insight.model import control, recommendation
from kvm_insight.recommend import standing, world


def of(
    seen: world.World,
    generation: int,
    now_us: int,
    changed: Sequence[recommendation.Recommendation] = (),
) -> port.Told:
    """Return what people, planners and the actuator said; nothing of hosts.

    ``changed`` are those that a planner has just decided.
    """
    known = seen.known | {one.id: one for one in changed}
    return port.Told(
        generation,
        now_us,
        standing=[one for one in known.values() if standing.is_open(one)],
        changed=changed,
        orders=list(seen.said.values()),
        executions=seen.executions,
        off=control.off(seen.said.values(), now_us),
    )
