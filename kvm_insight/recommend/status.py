# SPDX-License-Identifier: Apache-2.0
"""Status: what a planner says of itself at the end of each cycle."""

from collections.abc import Sequence

from kvm_insight.model import inventory
from kvm_insight.recommend import standing, turn, world

#: Hosts that are told as not relieved.
_MOST_STAYS = 50
_LONGEST = 1024


def of(
    seen: world.World,
    said: turn.Said,
    waits: Sequence[str],
    generation: int,
    now_us: int,
) -> inventory.PlannerStatus:
    """Return the status after this was said; ``waits`` is why nothing was
    planned."""
    known = seen.known | {one.id: one for one in said.recommendations}
    planned_us = seen.planned_us if waits else now_us
    return inventory.PlannerStatus(
        generation=generation,
        time_us=now_us,
        state='waiting' if waits else 'planning',
        reasons=[one[:_LONGEST] for one in waits],
        hosts=said.hosts,
        fresh_hosts=said.fresh_hosts,
        open=sum(map(standing.is_open, known.values())),
        planned_us=planned_us or None,
        unrelieved={
            stay.host: [reason[:_LONGEST] for reason in stay.reasons]
            for stay in said.stays[:_MOST_STAYS]
        },
    )
