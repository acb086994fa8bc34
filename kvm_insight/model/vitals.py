# SPDX-License-Identifier: Apache-2.0
"""Vitals: what a service tells of itself to whoever watches it.

Each is made by the service's own loop and never changed after, so that any
thread may read the newest one. ``None`` is not known, never zero.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from kvm_insight.model import inventory


@dataclasses.dataclass(frozen=True, slots=True)
class Transport:
    """An agent's spool, and how it fares with the bus."""

    bus: Literal['connecting', 'up', 'away', 'refused']
    #: Records, since the agent started.
    delivered: int
    refused: int
    dropped: int
    #: Records now.
    in_flight: int
    spooled: int
    spool_bytes: int
    spool_limit_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """One host, by its newest report, in cores."""

    time_us: int
    wanted: float | None
    waited: float | None
    #: What open findings say is lost.
    lost: float


@dataclasses.dataclass(frozen=True, slots=True)
class Analyzer:
    """One analyzer and the hosts of its partitions."""

    bus_up: bool = False
    #: When its loop last came round, since 1970; None before the first.
    time_us: int | None = None
    partitions: int = 0
    #: Samples on the bus that were not looked at; None while the bus is away.
    lag: int | None = None
    #: Records, since it started.
    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    missing: int = 0
    dead_letters: int = 0
    findings: int = 0
    #: Resource and verdict -> open findings.
    open: Mapping[tuple[str, str], int] = dataclasses.field(
        default_factory=dict
    )
    hosts: Mapping[str, Host] = dataclasses.field(default_factory=dict)


#: Why nothing is planned, in a word.
Lack = Literal[
    'cluster_unreadable',
    'cluster_empty',
    'cluster_old',
    'cluster_wrong',
    'reports_missing',
    'not_confirmed',
    'broken',
]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The active planner's last cycle."""

    status: inventory.PlannerStatus
    lacks: frozenset[Lack]
    #: When the cluster was read, since 1970.
    cluster_us: int | None
    #: Recommendations that are known, by state; outcomes by verdict.
    states: Mapping[str, int]
    outcomes: Mapping[str, int]
    marked: int | None
    alarms: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Planner:
    """One copy; without a plan it waits, or has just become active."""

    bus_up: bool = False
    time_us: int | None = None
    active: bool = False
    cycles: int = 0
    plan: Plan | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Feeder:
    """What writes for Nova and Watcher on one machine."""

    bus_up: bool = False
    time_us: int | None = None
    #: Whether all that was on the topics at the start has been read.
    current: bool = False
    hosts: int = 0
    #: Feed -> when it last was written, and whether that works now.
    written_us: Mapping[str, int] = dataclasses.field(default_factory=dict)
    works: Mapping[str, bool] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """What the database has, by one look at it."""

    #: Hosts by what is heard of them; open findings by their verdict;
    #: recommendations that are on the bus by their state.
    hosts: Mapping[str, int]
    findings: Mapping[str, int]
    recommendations: Mapping[str, int]
    newest_us: int | None
    #: Topic and partition -> the next record to be read.
    offsets: Mapping[tuple[str, int], int]


@dataclasses.dataclass(frozen=True, slots=True)
class Api:
    """One copy of the API; without a store its database is away."""

    #: Method, address as in the table, and status -> requests.
    requests: Mapping[tuple[str, str, int], int]
    #: Address -> seconds that answering took.
    seconds: Mapping[str, float]
    store: Store | None = None
