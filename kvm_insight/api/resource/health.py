# SPDX-License-Identifier: Apache-2.0
"""Health, for operators: whether what is shown can be believed."""

from kvm_insight.api.resource import document
from kvm_insight.model import inventory, mark


class Silent(document.Document, frozen=True, kw_only=True):
    """A host whose newest report is too old."""

    name: str
    report_us: int | None
    silent_s: int | None


class Gap(document.Document, frozen=True, kw_only=True):
    """A host of which samples are missing, in the last 24 hours."""

    name: str
    samples: int
    missing: int
    #: Part of the hours that are told which was measured.
    coverage: float


class Agent(document.Document, frozen=True, kw_only=True):
    """An agent that is behind, has lost something or knows too little."""

    name: str
    version: str
    #: Records that wait on its disk, and those that it had to drop.
    spooled: int | None
    dropped: int
    #: Domains of which it does not know whose they are.
    identity_failures: int


class Read(document.Document, frozen=True, kw_only=True):
    """How far the recorder has read one partition."""

    topic: str
    partition: int
    next_offset: int
    generation: int


class HostCounts(document.Document, frozen=True, kw_only=True):
    """How many hosts, by what is heard of them."""

    reporting: int
    silent: int
    unknown: int


class Health(document.Document, frozen=True, kw_only=True):
    """The pipeline, as far as the store knows."""

    now_us: int
    hosts: HostCounts
    #: The longest silent, and those with the most missing; 100 of each.
    silent: list[Silent]
    gaps: list[Gap]
    #: Those with something to tell, 100 at most.
    agents: list[Agent]
    #: The newest thing that the store was told, of whatever kind.
    newest_us: int | None
    #: None where none ever said anything.
    planner: inventory.PlannerStatus | None
    #: Since when it has said nothing.
    planner_age_s: int | None
    marks: mark.Marks | None
    recorder: list[Read]
