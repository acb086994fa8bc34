# SPDX-License-Identifier: Apache-2.0
"""Configuration findings: how hosts and instances are set up badly."""

from typing import Any, Literal

from kvm_insight.api.resource import document


class ConfigurationFinding(document.Document, frozen=True, kw_only=True):
    """One of them; a project sees those of its own instances."""

    id: str
    check: str
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
    #: For operators: as it was published.
    record: dict[str, Any] | document.Unset = document.UNSET


class ConfigurationFindings(document.Document, frozen=True, kw_only=True):
    """A part of them."""

    configuration_findings: list[ConfigurationFinding]
    links: list[document.Link]


class ConfigurationFindingsQuery(document.Paged, frozen=True, kw_only=True):
    """Which of them."""

    check: document.Word | None = None
    severity: document.Word | None = None
    state: document.Word | None = None
    instance: document.Word | None = None
    #: For operators alone.
    project_id: document.Word | None = None
    host: document.Word | None = None
    sort_key: Literal['opened_us', 'updated_us'] = 'opened_us'
    sort_dir: Literal['asc', 'desc'] = 'desc'
