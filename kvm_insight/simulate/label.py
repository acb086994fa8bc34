# SPDX-License-Identifier: Apache-2.0
"""Labels: what truly happened, beside the samples and never in them.

Times are as the host's own clock has them in its samples, in µs. A value of
``None`` where yes or no is asked is the don't-care band: score it neither
way.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import finding, sample

SCHEMA = 'kvm_insight.labels/1'

Resource = Literal['cpu', 'disk', 'memory', 'network']


class Cause(sample.Wire, frozen=True, kw_only=True):
    """One whose excess counted; ``victim`` itself may be among them."""

    #: As in the ledger: ``domain:<uuid>`` or ``service:<name>``.
    entity: sample.Text
    #: Part of the victim's excess suffering that is gone without it alone.
    spared: float
    #: Its part of what all are to blame for together.
    share: float
    #: Whether naming it is right; None: neither right nor wrong.
    guilty: bool | None = None


class Window(sample.Wire, frozen=True, kw_only=True):
    """One victim, resource and minute, judged by the five around it."""

    start_us: sample.Count
    end_us: sample.Count
    suffering: sample.Ratio
    #: What it suffers at that time without anybody's excess: the median of
    #: the two hours before.
    usual: sample.Ratio = 0.0
    is_victim: bool | None
    verdict: finding.Verdict | None = None
    #: As in a finding.
    cause: sample.Text | None = None
    causes: list[Cause] = []


class Episode(sample.Wire, frozen=True, kw_only=True):
    """Windows one after the other in which one suffers all the time."""

    victim: sample.Uuid
    resource: Resource
    #: When the suffering itself began and ended, to 10 s.
    start_us: sample.Count
    end_us: sample.Count
    #: None: more than one would be right.
    verdict: finding.Verdict | None = None
    cause: sample.Text | None = None
    #: Those guilty in any window, with the begin and end of their guilt.
    guilty: dict[str, tuple[int, int]] = {}
    #: Neither right nor wrong to name.
    tolerated: list[sample.Text] = []


class Track(sample.Wire, frozen=True, kw_only=True):
    """One domain and resource: windows in which anything is to be said."""

    victim: sample.Uuid
    resource: Resource
    #: Those that are missing are of one who does not suffer.
    windows: list[Window] = []


class Labels(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """The truth about one host."""

    host: sample.Text
    kind: sample.Text
    seed: sample.Count
    family: Literal['water', 'slices']
    start_us: sample.Count
    end_us: sample.Count
    window_us: sample.Count
    #: Before this a detector has no history to speak of.
    warm_us: sample.Count
    tracks: list[Track] = []
    episodes: list[Episode] = []


def pairs(
    labels: Labels, least_us: Annotated[int, msgspec.Meta(ge=0)] = 0
) -> list[tuple[str, str, Resource, int, int]]:
    """Return (victim, entity, resource, start, end) of all that are guilty
    for at least so long."""
    return [
        (one.victim, entity, one.resource, start, end)
        for one in labels.episodes
        for entity, (start, end) in one.guilty.items()
        if end - start >= least_us
    ]
