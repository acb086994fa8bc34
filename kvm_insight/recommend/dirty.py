# SPDX-License-Identifier: Apache-2.0
"""Dirty: whose dirty rate is to be measured before a move is told.

Measuring all instances all the time would cost guests something for nothing;
so only those that a plan would move are asked for, and the plan waits a
little for the answer. Where none comes, it goes on without.
"""

from collections.abc import Iterable, Mapping

from kvm_insight.model import control, recommendation
from kvm_insight.recommend import overlay

#: So long an answer is waited for: an agent's sample, and a report after it.
WAIT_US = 180 * 1_000_000
#: After that it is asked for again.
AGAIN_US = 900 * 1_000_000
_US = 'planner'

#: Key -> what is asked; None takes it back.
Asks = Mapping[str, control.Order | None]


def held(
    new: Iterable[recommendation.Recommendation],
    reports: overlay.Reports,
    said: Mapping[str, control.Order],
    now_us: int,
) -> tuple[set[str], Asks]:
    """Return the ids of those that have to wait, and what is to be asked, or
    is of no more use."""
    rates = overlay.dirty_rates(reports)
    waiting: set[str] = set()
    asks: dict[str, control.Order | None] = {
        key: None
        for key, one in said.items()
        if _is_ours(one) and not 0 <= now_us - one.made_us < AGAIN_US
    }
    for one in new:
        for move in one.moves:
            if (move.source, move.instance) in rates:
                continue
            order = _order(move.instance, now_us)
            key = control.key(order)
            before = said.get(key)
            since_us = AGAIN_US if before is None else now_us - before.made_us
            if not 0 <= since_us < AGAIN_US:
                asks[key] = order
            if since_us < WAIT_US or key in asks:
                waiting.add(one.id)
    return waiting, asks


def _is_ours(one: control.Order) -> bool:
    return one.kind == 'dirty_rate' and one.by == _US


def _order(uuid: str, now_us: int) -> control.Order:
    return control.Order(
        kind='dirty_rate',
        about='instance',
        subject=uuid,
        by=_US,
        made_us=now_us,
        ends_us=now_us + WAIT_US,
    )
