# SPDX-License-Identifier: Apache-2.0
"""Host report: what hurts on one host now, what it has, and its use.

The newest one of each host is kept. Published now and then and at once when
a finding opens, closes or turns, or an instance comes or goes.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import finding, sample, usage

SCHEMA = 'kvm_insight.host/1'

#: Of who waits for whom so many pairs are told, the largest.
MOST_CHARGES = 200
#: Cores' worth of CPU time per second.
Cores = Annotated[float, msgspec.Meta(ge=0.0)]


class Blamed(sample.Wire, frozen=True, kw_only=True):
    """One who is named in an open finding."""

    entity: sample.Text
    blame: sample.Ratio
    excess_cores: float


class Hurt(sample.Wire, frozen=True, kw_only=True):
    """One open finding in short."""

    finding_id: sample.Text
    resource: Literal['cpu', 'disk', 'memory', 'network']
    victim: sample.Text
    verdict: finding.Verdict
    cause: finding.Cause | None = None
    aggressors: list[Blamed] = []
    confidence: sample.Ratio
    #: Core-seconds lost per second.
    severity_cores: float
    opened_us: sample.Count


class Instance(sample.Wire, frozen=True, kw_only=True):
    """One instance, with its use over the report's window."""

    uuid: sample.Uuid
    name: sample.Text | None = None
    #: This and its project's name are as the cloud tells them, and where no
    #: planner reads one as its metadata has them; its group only the cloud.
    instance_name: sample.Text | None = None
    project_id: sample.Text | None = None
    project_name: sample.Text | None = None
    flavor: sample.Text | None = None
    server_group: sample.Text | None = None
    state: sample.Text = 'unknown'
    vcpus: sample.Count
    #: Run and wait without polling and quota: what it wants. None where it
    #: was not measured.
    wanted_cores: Cores | None = None
    waited_cores: Cores | None = None
    #: What it was given, what it holds on the host, and how fast it dirties.
    memory_bytes: sample.Count | None = None
    rss_bytes: sample.Count | None = None
    dirty_rate_bytes_s: sample.Count | None = None
    #: A job runs on it, a migration as a rule.
    busy_with: sample.Text | None = None


class Minute(sample.Wire, frozen=True, kw_only=True):
    """One of the last minutes; None where it was not measured."""

    wanted_cores: Cores | None = None
    waited_cores: Cores | None = None
    own_cores: Cores | None = None
    #: Part of the time in which somebody, or all, stood still.
    cpu_some: sample.Ratio | None = None
    memory_some: sample.Ratio | None = None
    memory_full: sample.Ratio | None = None
    io_some: sample.Ratio | None = None
    io_full: sample.Ratio | None = None


class HostReport(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One host at one sample."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    hypervisor_hostname: sample.Text | None = None
    #: The resource provider's UUID.
    compute_id: sample.Text | None = None
    #: Of the host, as the cloud tells them; aggregates by their names.
    availability_zone: sample.Text | None = None
    aggregates: list[sample.Text] = []
    #: Of the sample that it is drawn from.
    time_us: sample.Count
    agent_id: sample.Text
    sequence: sample.Count
    #: What uses are over, as far as it was measured.
    window_s: sample.Count
    cpus: sample.Count
    #: By all instances, run and wait together; waited alone; by the host.
    wanted_cores: Cores | None = None
    waited_cores: Cores | None = None
    own_cores: Cores | None = None
    #: What open findings say is lost, each victim once.
    lost_cores: Cores = 0.0
    memory_bytes: sample.Count | None = None
    memory_available_bytes: sample.Count | None = None
    #: The last minutes, the newest first.
    minutes: list[Minute] = []
    ledger_source: Literal['ebpf', 'sampled'] | None = None
    #: Those in the ledger below, and who of them waited for whom how long in
    #: the window: the largest charges, the largest first.
    entities: list[sample.Text] = []
    charges: list[usage.Charge] = []
    #: What this host cannot tell -> why.
    missing: dict[str, sample.Text] = {}
    #: How the one that measures it fares, by its own words.
    agent: sample.Agent | None = None
    hurts: list[Hurt] = []
    instances: list[Instance] = []


def account(
    report: HostReport, own: str
) -> tuple[dict[str, int], dict[str, int]]:
    """Return for whom this one waited how many µs, and who for it; what it
    waited for itself is in the first."""
    suffered: dict[str, int] = {}
    caused: dict[str, int] = {}
    most = len(report.entities)
    for victim, runner, us in report.charges:
        if max(victim, runner) >= most:
            continue
        if report.entities[victim] == own:
            who = report.entities[runner]
            suffered[who] = suffered.get(who, 0) + us
        elif report.entities[runner] == own:
            who = report.entities[victim]
            caused[who] = caused.get(who, 0) + us
    return suffered, caused
