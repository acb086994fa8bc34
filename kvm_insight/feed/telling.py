# SPDX-License-Identifier: Apache-2.0
"""Telling: what a planner has for its feeds at the end of a cycle."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence

import msgspec

from kvm_insight.feed import heard, port
from kvm_insight.model import cluster, inventory, mark, recommendation
from kvm_insight.recommend import (
    heat,
    limits,
    overlay,
    turn,
    world,
)

LOG = logging.getLogger(__name__)


#: As many hosts of one alarm are named in the log.
_MOST_NAMED = 10


class Telling:
    """Makes it, and says so in the log when other hosts are hot that may not
    be marked: no feed needs to be on for that."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._alarms: frozenset[object] = frozenset()

    def of(
        self,
        seen: world.World,
        whole: cluster.Cluster | None,
        outlooks: Mapping[str, inventory.Outlook],
        changed: Sequence[recommendation.Recommendation],
        generation: int,
        now_us: int,
        rules: limits.Limits,
    ) -> port.Told:
        """Return it, with the hosts that are marked from now on; without
        marks where these cannot be decided, which ends no service."""
        told = heard.of(seen, generation, now_us, changed)
        try:
            reports = overlay.fresh(seen.reports, now_us, rules.rules.stale_s)
            heats = heat.of_hosts(reports, outlooks)
            marks = turn.marked(whole, heats, seen.marks, now_us, rules)
        except Exception:
            LOG.exception('marking')
            return told
        if marks is not None:
            marks = msgspec.structs.replace(marks, generation=generation)
            self._say(marks.alarms)
        return dataclasses.replace(told, marks=marks, heats=heats)

    def _say(self, alarms: Sequence[mark.Alarm]) -> None:
        """Say all that stand when any is another one, and that they ended."""
        now = frozenset((one.group, frozenset(one.held)) for one in alarms)
        if now == self._alarms:
            return
        self._alarms = now
        for one in alarms:
            LOG.warning('alarm: %s', mark.words(one, _MOST_NAMED))
        if not alarms:
            LOG.warning(
                'alarm: over; no hot host is unmarked for want of room'
            )
