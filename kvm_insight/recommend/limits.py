# SPDX-License-Identifier: Apache-2.0
"""Limits: what a plan may rest on, and what is planned; loads no numpy, since
every service reads the options that fill it."""

import dataclasses
from collections.abc import Sequence

from kvm_insight.model import recommendation
from kvm_insight.recommend import settings, watermarks


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a plan may rest on, and what is planned."""

    rules: settings.Settings = dataclasses.field(
        default_factory=settings.Settings
    )
    modes: Sequence[recommendation.Mode] = ('relieve',)
    #: A description of the cluster that is older says nothing; 0 is no limit.
    cluster_age_s: int = 24 * 3600
    #: Part of the hosts whose report must be fresh.
    least_fresh: float = 0.5
    #: How long after a move its outcome is measured.
    outcome_s: int = 600
    #: Whether to ask how fast an instance dirties its memory before its move
    #: is told.
    dirty_rates: bool = False
    #: What hosts are marked by.
    marks: watermarks.Watermarks = dataclasses.field(
        default_factory=watermarks.Watermarks
    )
