# SPDX-License-Identifier: Apache-2.0
"""Instances: all of them for operators, a project's own for its members."""

from typing import Literal

from kvm_insight.api.resource import document, ledger


class Instance(document.Document, frozen=True, kw_only=True):
    """One instance, now or as it was last seen."""

    uuid: str
    name: str | None
    project_id: str | None
    #: For operators; None where nobody knows where it is.
    host: str | document.Unset | None = document.UNSET
    #: Nova's own: another project's instances have another one of the
    #: same host.
    host_id: str | None
    project_name: str | document.Unset | None = document.UNSET
    domain_name: str | document.Unset | None = document.UNSET
    flavor: str | None
    server_group: str | None
    state: str | None
    vcpus: int | None
    memory_bytes: int | None
    #: Cores' worth of CPU time over the last minutes.
    wanted_cores: float | None
    waited_cores: float | None
    #: Part of what it wanted that it waited.
    suffering: float | None
    first_seen_us: int
    last_seen_us: int
    #: No host reports it any more.
    gone_us: int | None
    #: Open ones in which it is the victim.
    open_findings: int


class InstanceDetail(Instance, frozen=True, kw_only=True):
    """One instance, and for whom it waits."""

    #: None where it is not known: its host is silent or keeps no ledger, or
    #: it is gone. For others than operators also where so many wait for so
    #: many there that the least of it was left out: what is left would tell
    #: of others.
    ledger_now: ledger.Now | None


class Instances(document.Document, frozen=True, kw_only=True):
    """A part of the instances."""

    instances: list[Instance]
    links: list[document.Link]


class InstancesQuery(document.Paged, frozen=True, kw_only=True):
    """Which instances."""

    name: document.Word | None = None
    flavor: document.Word | None = None
    state: document.Word | None = None
    server_group: document.Word | None = None
    #: Without it those that are there, and those that were.
    gone: bool | None = None
    #: For operators alone.
    project_id: document.Word | None = None
    host: document.Word | None = None
    sort_key: Literal[
        'uuid', 'name', 'waited_cores', 'wanted_cores', 'last_seen_us'
    ] = 'uuid'
    sort_dir: Literal['asc', 'desc'] = 'asc'
