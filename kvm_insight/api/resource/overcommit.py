# SPDX-License-Identifier: Apache-2.0
"""Overcommit, for operators: which allocation ratios carry, and which not."""

from typing import Literal

from kvm_insight.api.resource import document

Change = Literal['lower', 'keep', 'raise', 'unknown']


class Member(document.Document, frozen=True, kw_only=True):
    """One host of an aggregate, now."""

    name: str
    cpus: int | None
    wanted_cores: float | None
    waited_cores: float | None
    lost_cores: float | None
    #: Whether more will be wanted soon than is well.
    outlook_state: str | None


class Overcommit(document.Document, frozen=True, kw_only=True):
    """One aggregate: what its hosts' allocation ratio is and may be."""

    aggregate: str
    name: str | None
    hosts: int
    change: Change
    current: float
    advised: float
    reason: str
    #: Part of the wanted CPU time that waited, in all but 1 % of the hours.
    waited: float
    host_hours: int
    updated_us: int
    members: list[Member]


class Overcommits(document.Document, frozen=True, kw_only=True):
    """All aggregates about which there is advice."""

    overcommit: list[Overcommit]


class OvercommitQuery(document.Query, frozen=True, kw_only=True):
    """Which aggregates."""

    aggregate: document.Word | None = None
    change: Change | None = None
