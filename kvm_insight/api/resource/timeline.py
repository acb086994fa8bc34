# SPDX-License-Identifier: Apache-2.0
"""Timeline: hour by hour, or day by day.

An hour that is not there was not measured; of one that is there ``coverage``
is the part that was.
"""

from typing import Literal

from kvm_insight.api.resource import document

Step = Literal['hour', 'day']


class Lost(document.Document, frozen=True, kw_only=True):
    """Delay while a finding was open, by its verdict."""

    antagonist_us: int
    self_inflicted_us: int
    overcommit_us: int
    host_process_us: int
    unknown_us: int


class HostHour(document.Document, frozen=True, kw_only=True):
    """One hour or day of a host."""

    start_us: int
    coverage: float
    samples: int
    missing: int
    measured_us: int
    cpus: int
    memory_bytes: int | None
    least_available_bytes: int | None
    busy_us: int | None
    own_run_us: int | None
    own_delay_us: int | None
    run_us: int | None
    delay_us: int | None
    throttled_us: int | None
    lost: Lost
    #: Stall µs: ``cpu_some_us`` and so on.
    pressure: dict[str, int]


class HostTimeline(document.Document, frozen=True, kw_only=True):
    """Hours or days of a host, the oldest first."""

    host: str
    step: Step
    since_us: int
    until_us: int
    hours: list[HostHour]


class Waited(document.Document, frozen=True, kw_only=True):
    """An instance's delay by whom the ledger says it waited for."""

    neighbour_us: int
    own_us: int
    quota_us: int
    host_us: int
    unattributed_us: int


class InstanceHour(document.Document, frozen=True, kw_only=True):
    """One hour or day of an instance, on one host."""

    start_us: int
    #: Of an hour; a day may have been spent on several.
    host: str | document.Unset | None = document.UNSET
    host_id: str | None
    coverage: float
    measured_us: int
    vcpus: int
    memory_bytes: int | None
    run_us: int
    delay_us: int
    throttled_us: int
    #: Part of the run time that was polling for an idle vCPU.
    polled_us: int
    waited: Waited
    caused_us: int
    lost: Lost
    p50_cores: float | None
    p95_cores: float | None
    max_cores: float | None
    #: ``read_bytes`` and so on; None where it was never measured.
    disk: dict[str, int | None] | None
    network: dict[str, int | None] | None
    memory: dict[str, int | None] | None


class InstanceTimeline(document.Document, frozen=True, kw_only=True):
    """Hours or days of an instance, the oldest first."""

    uuid: str
    step: Step
    since_us: int
    until_us: int
    hours: list[InstanceHour]


class TimelineQuery(document.Between, frozen=True, kw_only=True):
    """Of when, and how fine."""

    step: Step = 'hour'
