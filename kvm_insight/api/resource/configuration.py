# SPDX-License-Identifier: Apache-2.0
"""Configuration findings: how hosts and instances are set up badly."""

from typing import Any, Literal

from kvm_insight.api.resource import document


class Evidence(document.Document, frozen=True, kw_only=True):
    """One value that was read, and where: a file or an XML node."""

    where: str
    value: str


class Check(document.Document, frozen=True, kw_only=True):
    """What asked, in words that are the same for everybody."""

    #: What is wrong where its answer is bad.
    title: str
    reason: str
    #: The change on the host itself or in libvirt's XML; the same with Nova.
    remedy: str
    remedy_nova: str
    #: When not to follow it, and where to read on.
    unless: str
    source: str


class ConfigurationFinding(document.Document, frozen=True, kw_only=True):
    """One of them; a project sees those of its own instances."""

    id: str
    check: str
    #: None of a check that this version does not know.
    about: Check | None
    host: str | document.Unset = document.UNSET
    host_id: str | None
    #: The instance that it is about; None where it is about the host.
    instance: str | None
    project_id: str | None
    severity: str
    state: str
    opened_us: int
    updated_us: int
    closed_us: int | None
    #: For operators: what was read of instance and host.
    what: str | document.Unset = document.UNSET
    evidence: list[Evidence] | document.Unset = document.UNSET
    #: For operators: as it was published.
    record: dict[str, Any] | document.Unset = document.UNSET


class ConfigurationFindings(document.Document, frozen=True, kw_only=True):
    """A part of them."""

    configuration_findings: list[ConfigurationFinding]
    links: list[document.Link]


class ConfigurationFindingsQuery(document.Paged, frozen=True, kw_only=True):
    """Which of them."""

    check: document.Word | None = None
    severity: Literal['high', 'medium', 'low'] | None = None
    state: Literal['open', 'closed'] | None = None
    instance: document.Word | None = None
    #: For operators alone.
    project_id: document.Word | None = None
    host: document.Word | None = None
    sort_key: Literal['opened_us', 'updated_us'] = 'opened_us'
    sort_dir: Literal['asc', 'desc'] = 'desc'
