# SPDX-License-Identifier: Apache-2.0
"""Control: what people have said about findings, moves and hosts.

The newest word in each matter counts; ``key`` says which matter that is. A
deleted key takes the word back.
"""

from collections.abc import Iterable
from typing import Literal

from kvm_insight.model import sample

SCHEMA = 'kvm_insight.control/1'

#: Only ever appended to.
Kind = Literal[
    'approval',
    'rejection',
    'mute',
    'acknowledgement',
    'blackout',
    'opt_out',
    'dirty_rate',
    'feed_off',
]
Subject = Literal[
    'recommendation',
    'finding',
    'instance',
    'project',
    'host',
    'aggregate',
    'cloud',
    'feed',
]


class Order(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One word about one subject.

    ``approval``, ``rejection``: of a recommendation. ``acknowledgement``: of a
    finding: somebody is at it. ``mute``: nothing is recommended about a host,
    an instance or a project. ``opt_out``: an instance, or all of a project,
    is never moved. ``blackout``: nothing is moved on a host, in an aggregate
    or anywhere. ``dirty_rate``: measure how fast an instance dirties memory.
    ``feed_off``: a feed takes back what it wrote, and is silent.
    """

    kind: Kind
    about: Subject
    #: Its id, UUID or name; empty for the whole cloud.
    subject: sample.Text = ''
    #: Tells several blackout windows of one subject apart.
    name: sample.Text = ''
    by: sample.Text | None = None
    reason: sample.Text | None = None
    made_us: sample.Count
    #: From when to when it holds; at once, and until it is taken back.
    begins_us: sample.Count | None = None
    ends_us: sample.Count | None = None
    #: It comes again so often, each time as long; a week is 604800.
    every_s: sample.Count | None = None


def key(one: Order) -> str:
    """Return the matter; approval and rejection are words in the same."""
    if one.kind in ('approval', 'rejection'):
        return f'decision/{one.about}/{one.subject}'
    words = [one.kind, one.about, one.subject, one.name]
    return '/'.join(word for word in words if word)


def holds(one: Order, now_us: int) -> bool:
    """Say whether the word holds at this time."""
    return spell(one, now_us) is not None


def spell(one: Order, now_us: int) -> tuple[int, int] | None:
    """Return from when to when it holds, if it does at this time."""
    begins_us = one.begins_us or 0
    ends_us = sample.LIMIT if one.ends_us is None else one.ends_us
    if one.every_s and now_us >= begins_us and one.ends_us is not None:
        every_us = one.every_s * 1_000_000
        ahead_us = (now_us - begins_us) // every_us * every_us
        begins_us, ends_us = begins_us + ahead_us, ends_us + ahead_us
    if begins_us <= now_us < ends_us:
        return begins_us, ends_us
    return None


def off(said: Iterable[Order], now_us: int) -> frozenset[str]:
    """Return the feeds that are told to be silent now."""
    return frozenset(
        one.subject
        for one in said
        if one.kind == 'feed_off' and holds(one, now_us)
    )
