# SPDX-License-Identifier: Apache-2.0
"""Recommendations, for operators: what to move, and what came of it."""

from typing import Literal

from kvm_insight.api.resource import document, order
from kvm_insight.model import execution, recommendation

State = Literal[
    'proposed',
    'approved',
    'executing',
    'executed',
    'failed',
    'expired',
    'withdrawn',
]
Outcome = Literal['helped', 'no_change', 'worse', 'unknown']


class Recommendation(document.Document, frozen=True, kw_only=True):
    """One recommendation."""

    id: str
    state: State
    mode: recommendation.Mode
    generation: int
    gain_core_s: float
    cost_core_s: float
    risk: float
    created_us: int
    expires_us: int
    outcome: Outcome | None
    moves: list[recommendation.Move]
    #: When it was taken off the bus, which keeps it for some days.
    gone_us: int | None
    summary: str


class RecommendationDetail(Recommendation, frozen=True, kw_only=True):
    """The same, with all that speaks for it, and how it went."""

    #: As it was published: score before and after, validity, outcome.
    record: recommendation.Recommendation
    #: How far the actuator has come.
    execution: execution.Execution | None
    #: Who approved or rejected it last.
    decision: order.Order | None


class Recommendations(document.Document, frozen=True, kw_only=True):
    """A part of the recommendations."""

    recommendations: list[Recommendation]
    links: list[document.Link]


class RecommendationsQuery(document.Paged, frozen=True, kw_only=True):
    """Which recommendations."""

    state: State | None = None
    mode: recommendation.Mode | None = None
    outcome: Outcome | None = None
    #: With a move of it; from or to it.
    instance: document.Word | None = None
    host: document.Word | None = None
    since: document.Moment | None = None
    until: document.Moment | None = None
    sort_key: Literal['created_us', 'expires_us', 'gain_core_s'] = 'created_us'
    sort_dir: Literal['asc', 'desc'] = 'desc'
