# SPDX-License-Identifier: Apache-2.0
"""Overcommit: the planner's advice, beside how the hosts are now."""

from kvm_insight.api import asking
from kvm_insight.api.resource import overcommit
from kvm_insight.model import inventory
from kvm_insight.store import facts, hosts, paging


def index(
    ask: asking.Ask[overcommit.OvercommitQuery, None],
) -> overcommit.Overcommits:
    """Return the advice about each aggregate."""
    members = hosts.members(ask.store)
    found = [
        _shown(one, updated_us, members)
        for updated_us, one in facts.facts(
            ask.store, inventory.AggregateAdvice
        )
        if ask.query.change in (None, one.change)
        and ask.query.aggregate in (None, one.aggregate, one.name)
    ]
    return overcommit.Overcommits(overcommit=found)


def _shown(
    one: inventory.AggregateAdvice,
    updated_us: int,
    members: dict[str, list[paging.Row]],
) -> overcommit.Overcommit:
    rows = members.get(one.name or one.aggregate, [])
    return overcommit.Overcommit(
        aggregate=one.aggregate,
        name=one.name,
        hosts=one.hosts,
        change=one.change,
        current=one.current,
        advised=one.advised,
        reason=one.reason,
        waited=one.waited,
        host_hours=one.host_hours,
        updated_us=updated_us,
        members=[overcommit.Member(**row) for row in rows],
    )
