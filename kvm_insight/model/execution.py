# SPDX-License-Identifier: Apache-2.0
"""Execution: how far the actuator has come with a recommendation.

It is told before anything is begun, so that whoever takes over looks for what
is under way instead of beginning it again.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import sample

SCHEMA = 'kvm_insight.inventory_execution/1'

#: Its key is ``execution/`` and the recommendation's id.
PREFIX = 'execution/'


class Execution(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One recommendation that is carried out, was, or has to wait."""

    #: Its id.
    recommendation: sample.Text
    generation: sample.Count = 0
    #: ``waiting``: the next move may not begin yet. ``left``: the actuator
    #: was told to be silent while a migration was under way.
    state: Literal['waiting', 'moving', 'done', 'failed', 'left']
    #: The move that this is about, from 0, and how many there are.
    move: sample.Count = 0
    moves: sample.Count
    #: When that move was begun; None as long as none was.
    began_us: sample.Count | None = None
    updated_us: sample.Count
    #: So often that move was asked for.
    tries: sample.Count = 0
    #: The instance's last migration before this one, which says nothing.
    before: sample.Text | None = None
    migration: sample.Text | None = None
    #: Part of the memory that is copied, where that is told.
    copied_ratio: sample.Ratio | None = None
    #: Whether it took too long and an abort was asked for.
    aborted: bool = False
    reason: Annotated[str, msgspec.Meta(max_length=4096)] | None = None


def is_begun(one: Execution) -> bool:
    """Say whether any of its moves was begun."""
    return one.move > 0 or one.began_us is not None


def is_under_way(one: Execution) -> bool:
    """Say whether it was begun and is not over."""
    return is_begun(one) and not is_over(one)


def is_over(one: Execution) -> bool:
    """Say whether there is nothing left to do."""
    return one.state in ('done', 'failed', 'left')


def words(one: Execution) -> str:
    """Return it for people."""
    text = f'move {one.move + 1} of {one.moves}: {one.state}'
    if one.state == 'moving' and one.copied_ratio is not None:
        text += f', {one.copied_ratio:.0%} of the memory copied'
    if one.aborted:
        text += ', abort asked for'
    return f'{text}: {one.reason}' if one.reason else text
