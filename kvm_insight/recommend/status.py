# SPDX-License-Identifier: Apache-2.0
"""Status: what a planner says of itself at the end of each cycle."""

import collections
import dataclasses
from collections.abc import Sequence

from kvm_insight.model import cluster, inventory, mark, vitals
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


def shown(
    seen: world.World,
    said: turn.Said,
    told: inventory.PlannerStatus,
    whole: cluster.Cluster | None,
    marks: mark.Marks | None,
) -> vitals.Plan:
    """Return what is shown of the cycle that ended with this status."""
    known = seen.known | {one.id: one for one in said.recommendations}
    outcomes = [one.outcome for one in known.values() if one.outcome]
    # What planning fell over may be anything.
    cluster_us = None
    if whole is not None and 'broken' not in said.lacks:
        cluster_us = whole.time_us
    return vitals.Plan(
        status=told,
        lacks=said.lacks,
        cluster_us=cluster_us,
        states=collections.Counter(one.state for one in known.values()),
        outcomes=collections.Counter(one.verdict for one in outcomes),
        marked=len(marks.hosts) if marks is not None else None,
        alarms=len(marks.alarms) if marks is not None else None,
    )


class Signs:
    """How a planner fares; its loop tells, any thread may look."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._now = vitals.Planner()

    def turned(self, now_us: int, *, active: bool) -> None:
        """Its loop has come round; what it planned before it lost the lease
        counts no more."""
        plan = self._now.plan if active else None
        self._now = dataclasses.replace(
            self._now, time_us=now_us, active=active, plan=plan
        )

    def planned(self, plan: vitals.Plan) -> None:
        """A cycle was told to its end."""
        cycles = self._now.cycles + 1
        self._now = dataclasses.replace(self._now, cycles=cycles, plan=plan)

    def of(self, *, bus_up: bool) -> vitals.Planner:
        """Return it; without the bus nobody is known to be active."""
        now = self._now
        return dataclasses.replace(
            now, bus_up=bus_up, active=bus_up and now.active
        )
