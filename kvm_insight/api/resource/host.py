# SPDX-License-Identifier: Apache-2.0
"""Hosts, as operators see them; tenants see none."""

from typing import Literal

from kvm_insight.api.resource import document, ledger
from kvm_insight.model import host_report, inventory, sample

State = Literal['reporting', 'silent', 'gone', 'unknown']


class Host(document.Document, frozen=True, kw_only=True):
    """One host, now."""

    name: str
    hypervisor_hostname: str | None
    compute_id: str | None
    availability_zone: str | None
    aggregates: list[str]
    enabled: bool | None
    maintenance: bool | None
    #: ``silent``: its newest report is too old to say how it is.
    state: State
    report_us: int | None
    cpus: int | None
    #: Cores' worth of CPU time over the last minutes.
    wanted_cores: float | None
    waited_cores: float | None
    own_cores: float | None
    lost_cores: float | None
    #: Part of what its instances wanted that they waited.
    suffering: float | None
    memory_bytes: int | None
    memory_available_bytes: int | None
    ledger_source: str | None
    outlook_state: str | None
    #: How many are there, and how many findings are open.
    instances: int
    open_findings: int


class HostDetail(Host, frozen=True, kw_only=True):
    """The same, and what its newest report says."""

    hurts: list[host_report.Hurt]
    minutes: list[host_report.Minute]
    guests: list[host_report.Instance]
    #: Who waited for whom in the time that the report is over; none where
    #: there is no ledger.
    ledger: ledger.HostLedger | None
    outlook: inventory.Outlook | None
    #: What this host cannot tell -> why.
    missing: dict[str, str]
    #: How the one that measures it fares, by its own words.
    agent: sample.Agent | None


class Hosts(document.Document, frozen=True, kw_only=True):
    """A part of the hosts."""

    hosts: list[Host]
    links: list[document.Link]


class HostsQuery(document.Paged, frozen=True, kw_only=True):
    """Which hosts."""

    availability_zone: document.Word | None = None
    #: By its name.
    aggregate: document.Word | None = None
    state: State | None = None
    enabled: bool | None = None
    outlook_state: Literal['hot', 'cool', 'unknown'] | None = None
    sort_key: Literal[
        'name',
        'lost_cores',
        'waited_cores',
        'wanted_cores',
        'report_us',
        'cpus',
        'memory_available_bytes',
    ] = 'name'
    sort_dir: Literal['asc', 'desc'] = 'asc'


class Group(document.Document, frozen=True, kw_only=True):
    """An aggregate or a zone, and how many hosts are in it."""

    name: str
    hosts: int


class Aggregates(document.Document, frozen=True, kw_only=True):
    """All aggregates that have hosts."""

    aggregates: list[Group]


class Zones(document.Document, frozen=True, kw_only=True):
    """All availability zones that have hosts."""

    availability_zones: list[Group]
