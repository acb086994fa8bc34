# SPDX-License-Identifier: Apache-2.0
"""Telling: what a planner has for its feeds at the end of a cycle."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence

import msgspec

from kvm_insight.feed import heard, port
from kvm_insight.model import cluster, inventory, recommendation
from kvm_insight.recommend import (
    heat,
    limits,
    overlay,
    turn,
    world,
)

LOG = logging.getLogger(__name__)


def of(
    seen: world.World,
    whole: cluster.Cluster | None,
    outlooks: Mapping[str, inventory.Outlook],
    changed: Sequence[recommendation.Recommendation],
    generation: int,
    now_us: int,
    rules: limits.Limits,
) -> port.Told:
    """Return it, with the hosts that are marked from now on; without marks
    where these cannot be decided, which ends no service."""
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
    return dataclasses.replace(told, marks=marks, heats=heats)
