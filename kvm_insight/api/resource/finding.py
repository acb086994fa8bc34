# SPDX-License-Identifier: Apache-2.0
"""Findings: who suffers, and who makes them suffer."""

from typing import Literal

from kvm_insight.api.resource import document, party
from kvm_insight.model import finding

Resource = Literal['cpu', 'disk', 'memory', 'network']


class Aggressor(document.Document, frozen=True, kw_only=True):
    """One who made the victim wait."""

    party: party.Party
    waited_us: int
    #: Part of the wait that would have been spared without its excess.
    blame: float
    #: Cores above its own baseline; None where that is not told.
    excess_cores: float | None = None


class Finding(document.Document, frozen=True, kw_only=True):
    """One finding.

    A project sees those whose victim is an instance of its own, by an id of
    its own. Where its instances make others wait, its ledgers and its report
    say when and how much, never whom or how many.
    """

    id: str
    state: Literal['open', 'closed']
    #: What the asker's instances are in it; of operators ``all``.
    role: Literal['victim', 'all']
    host: str | document.Unset = document.UNSET
    host_id: str | None
    resource: Resource
    verdict: finding.Verdict
    cause: finding.Cause | None
    victim: party.Party
    aggressors: list[Aggressor]
    confidence: float
    #: Core-seconds lost per second, now, and core-µs lost in all.
    severity_cores: float
    lost_us: int
    opened_us: int
    updated_us: int
    closed_us: int | None
    closed_reason: str | None
    #: One sentence for people.
    summary: str


class Account(document.Document, frozen=True, kw_only=True):
    """What the victim lost to one, by the ledger."""

    party: party.Party
    lost_us: int


class FindingDetail(Finding, frozen=True, kw_only=True):
    """The same, and what it was drawn from."""

    accounts: list[Account]
    #: Part of the window for which there are samples.
    coverage: float | None
    suffering: float | None
    baseline: float | None
    baseline_source: finding.BaselineSource | None
    #: For operators: the record as it was published.
    record: finding.Finding | document.Unset = document.UNSET


class Findings(document.Document, frozen=True, kw_only=True):
    """A part of the findings."""

    findings: list[Finding]
    links: list[document.Link]


class FindingsQuery(document.Paged, frozen=True, kw_only=True):
    """Which findings."""

    state: Literal['open', 'closed'] | None = None
    resource: Resource | None = None
    verdict: finding.Verdict | None = None
    #: The victim's UUID; for operators an aggressor's, too.
    instance: document.Word | None = None
    #: Open at any time within it; any where nothing is said.
    since: document.Moment | None = None
    until: document.Moment | None = None
    #: For operators alone: the victim's project; where it is.
    project_id: document.Word | None = None
    host: document.Word | None = None
    sort_key: Literal['opened_us', 'updated_us', 'severity_cores'] = (
        'opened_us'
    )
    sort_dir: Literal['asc', 'desc'] = 'desc'
