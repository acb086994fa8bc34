# SPDX-License-Identifier: Apache-2.0
"""Tenant report: how one project's instances fared in a period.

It names nobody but the project and its own instances. CPU times are
core-seconds, so that a large project's month stays a number that every JSON
reader keeps; totals are the sums of what is told of each instance. ``None``
means *not measured*.
"""

from typing import Literal

from kvm_insight.model import finding, sample

SCHEMA = 'kvm_insight.tenant_report/1'

Verdict = Literal['oversized', 'fits', 'undersized', 'unknown']
Resolution = Literal['hour', 'day', 'mixed', 'none']


class Period(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """For what time; from ``since_us`` up to but without ``until_us``."""

    since_us: sample.Count
    until_us: sample.Count
    #: As the IANA names it; what days are made by.
    timezone: sample.Text
    #: ``2026-11``, if it is a whole month.
    month: sample.Text | None = None


class Causes(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Core-seconds waited, by whom they were waited for; all of them."""

    other_projects: float = 0.0
    #: Other instances of the same project.
    own_project: float = 0.0
    #: Other instances, where it is not kept any more whose they were.
    neighbours: float = 0.0
    #: The instance's own vCPUs for one another.
    own_threads: float = 0.0
    #: Its flavor's CPU limit.
    quota: float = 0.0
    #: The host's own work.
    host: float = 0.0
    #: In nobody's account.
    unattributed: float = 0.0


class Cpu(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """CPU time; all of it within what was measured."""

    measured_s: float = 0.0
    #: Core-seconds that ran.
    run_core_s: float = 0.0
    #: What ran (without idle polling) and what was waited.
    wanted_core_s: float = 0.0
    waited_core_s: float = 0.0
    #: Waited of wanted.
    waited_ratio: float | None = None
    causes: Causes = Causes()
    #: Of the wait what fell into open findings, by their verdict.
    lost_core_s: dict[finding.Verdict, float] = {}
    #: How long other instances waited while this one ran.
    caused_core_s: float = 0.0


class Disk(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What was read and written; sums over all disks."""

    measured_s: float
    read_bytes: sample.Count
    write_bytes: sample.Count
    read_requests: sample.Count
    write_requests: sample.Count
    errors: sample.Count


class Network(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What came and went; sums over all interfaces, as the guest sees it."""

    measured_s: float
    rx_bytes: sample.Count
    tx_bytes: sample.Count
    rx_packets: sample.Count
    tx_packets: sample.Count
    drops: sample.Count


class Memory(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Memory: sums, the peak, and the last word of what is no sum."""

    measured_s: float
    swap_in_bytes: sample.Count
    swap_out_bytes: sample.Count
    major_faults: sample.Count
    oom_kills: sample.Count
    peak_rss_bytes: sample.Count | None = None
    usable_bytes: sample.Count | None = None


class SizingRule(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """By what the right size is told."""

    #: With less measured time, or less of the time that the instance was
    #: known, nothing is told.
    least_measured_s: float = 24 * 3600.0
    least_coverage: sample.Ratio = 0.5
    #: Oversized: p99 is below this part of the vCPUs, and fewer would do.
    oversized_below: sample.Ratio = 0.5
    #: Undersized: p95 is above this part of the vCPUs, ...
    undersized_above: sample.Ratio = 0.9
    #: ... or the quota stopped it for this part of what it wanted.
    throttled_above: sample.Ratio = 0.05
    #: The proposed number of vCPUs is used to this part at p99.
    filled: sample.Ratio = 0.8


class Sizing(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What cores were wanted, against the vCPUs that there are."""

    verdict: Verdict
    #: In words, with the figures.
    reason: sample.Text
    vcpus: sample.Count
    #: What the verdict is from: since the vCPUs were so many.
    since_us: sample.Count | None = None
    measured_s: float = 0.0
    p50_cores: float | None = None
    p95_cores: float | None = None
    p99_cores: float | None = None
    proposed_vcpus: sample.Count | None = None


class Worst(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One instance's hour (or day) with a long wait."""

    instance: sample.Uuid
    name: sample.Text | None
    start_us: sample.Count
    length_s: float
    waited_core_s: float
    waited_ratio: float
    #: For whom most of it was waited: a name in ``Causes``.
    cause: sample.Text


class Instance(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One instance in the period."""

    uuid: sample.Uuid
    name: sample.Text | None
    flavor: sample.Text | None
    vcpus: sample.Count | None
    memory_bytes: sample.Count | None
    #: Within all that is known, not only in the period.
    first_seen_us: sample.Count
    last_seen_us: sample.Count
    #: How long it was known to exist in the period, and what part of that
    #: was measured.
    known_s: float
    coverage: sample.Ratio | None
    cpu: Cpu
    sizing: Sizing
    disk: Disk | None = None
    network: Network | None = None
    memory: Memory | None = None


class Slot(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """All instances in one day (or hour) of the period."""

    start_us: sample.Count
    end_us: sample.Count
    #: Instance-seconds.
    known_s: float
    measured_s: float
    run_core_s: float
    wanted_core_s: float
    waited_core_s: float
    caused_core_s: float
    causes: Causes


class Incident(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """A finding about one of the project's instances, in a tenant's words."""

    #: Opaque; None where the reader of the report cannot ask for it.
    id: sample.Text | None
    instance: sample.Uuid | None
    name: sample.Text | None
    resource: sample.Text
    verdict: finding.Verdict
    cause: finding.Cause | None
    confidence: sample.Ratio
    opened_us: sample.Count
    #: None while it is open.
    closed_us: sample.Count | None
    closed_reason: sample.Text | None
    duration_s: float
    #: Of the whole incident, also what is outside the period.
    lost_core_s: float
    text: sample.Text


class Caused(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """When others waited for one of the project's instances; findings that
    name it and that overlap are one."""

    instance: sample.Uuid
    name: sample.Text | None
    resource: sample.Text
    begin_us: sample.Count
    #: None while it goes on.
    end_us: sample.Count | None
    waited_core_s: float
    #: All who waited are instances of the project itself.
    own_only: bool


class Advice(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What could be sized or configured better."""

    check: sample.Text
    severity: sample.Text
    instance: sample.Uuid | None
    name: sample.Text | None
    text: sample.Text
    #: What would be free for others, were it followed.
    saved_vcpus: sample.Count = 0
    saved_memory_bytes: sample.Count = 0
    #: Core-seconds of the period that need not have been reserved.
    saved_core_s: float = 0.0
    remedy: sample.Text | None = None
    #: When not to follow it.
    unless: sample.Text | None = None
    #: Where to read on.
    source: sample.Text | None = None


class Saving(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What all advice saves together; of each instance only the most."""

    #: Of which there is anything to save.
    instances: sample.Count = 0
    vcpus: sample.Count = 0
    memory_bytes: sample.Count = 0
    core_s: float = 0.0


class Totals(sample.Wire, frozen=True, kw_only=True, omit_defaults=False):
    """The sums over all instances."""

    instances: sample.Count
    known_s: float
    coverage: sample.Ratio | None
    cpu: Cpu
    disk: Disk | None
    network: Network | None
    memory: Memory | None


class TenantReport(
    sample.Wire,
    frozen=True,
    kw_only=True,
    omit_defaults=False,
    tag_field='schema',
    tag=SCHEMA,
):
    """One project and period."""

    project_id: sample.Text
    project_name: sample.Text | None
    period: Period
    made_us: sample.Count
    #: What it is made from: hours as long as they are kept, then days.
    resolution: Resolution
    totals: Totals
    instances: list[Instance]
    timeline: list[Slot]
    worst: list[Worst]
    findings: list[Incident]
    caused: list[Caused]
    sizing_rule: SizingRule
    advice: list[Advice]
    #: What checks there were; without any, no advice means nothing.
    advice_checks: sample.Count = 0
    #: A check -> of how many instances it cannot tell.
    advice_unknown: dict[str, sample.Count] = {}
    #: None where nothing was checked.
    saving: Saving | None = None
    #: What a reader has to know to read the figures right.
    notes: list[sample.Text] = []
