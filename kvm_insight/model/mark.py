# SPDX-License-Identifier: Apache-2.0
"""Mark: a host to which nothing new should go, as all feeds have it.

The planner decides once for all feeds and all scheduler hosts, so that no two
of them mark different hosts of an aggregate.
"""

from typing import Annotated

import msgspec

from kvm_insight.model import sample

SCHEMA = 'kvm_insight.inventory_marks/1'

_Host = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class Mark(sample.Wire, frozen=True, kw_only=True):
    """One host that is marked."""

    host: _Host
    #: Its resource provider; None where there is no Placement.
    provider: sample.Uuid | None = None
    heat: sample.Ratio
    since_us: sample.Count
    #: Of what it has too little, for people.
    reasons: list[sample.Text] = []


class Turning(sample.Wire, frozen=True, kw_only=True):
    """A host that is to be marked or freed, if it stays as it is."""

    host: _Host
    since_us: sample.Count


class Alarm(sample.Wire, frozen=True, kw_only=True):
    """More hosts of a group are hot than may be marked."""

    #: An aggregate; two with ``&`` between them for the hosts that are in
    #: both; empty for the hosts in no aggregate.
    group: sample.Text = ''
    #: Hosts that can take instances, and how many of them may be marked.
    hosts: sample.Count
    allowed: sample.Count
    #: Hot, but not marked because of this.
    held: list[_Host] = []


class Marks(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """All hosts that are marked, and what is on its way."""

    generation: sample.Count = 0
    time_us: sample.Count
    hosts: list[Mark] = []
    #: Too hot, but not yet for long enough; cool, likewise.
    heating: list[Turning] = []
    cooling: list[Turning] = []
    alarms: list[Alarm] = []


def words(alarm: Alarm, most: int | None = None) -> str:
    """Return it in words, with so many of the hosts by name."""
    group = f'aggregate {alarm.group}' if alarm.group else 'no aggregate'
    named = ', '.join(alarm.held[:most])
    more = len(alarm.held[most:]) if most is not None else 0
    return (
        f'{group}: {alarm.allowed} of {alarm.hosts} hosts may be marked;'
        f' hot and not marked: {named}' + (f' and {more} more' if more else '')
    )
