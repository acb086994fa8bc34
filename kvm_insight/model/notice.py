# SPDX-License-Identifier: Apache-2.0
"""Notice: one thing that others are told when it happens."""

from typing import Literal

from kvm_insight.model import mark, sample
from kvm_insight.model import recommendation as recommendation_

SCHEMA = 'kvm_insight.notice/1'


class Notice(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """A recommendation that is new or has changed, or other marks.

    It may come more than once, with the same id, when its sender was not
    sure that it had arrived or when another planner has taken over.
    """

    id: sample.Text
    kind: Literal['recommendation', 'marks']
    #: Of the planner that tells it: refuse what comes from an older one.
    generation: sample.Count
    time_us: sample.Count
    recommendation: recommendation_.Recommendation | None = None
    marks: mark.Marks | None = None
