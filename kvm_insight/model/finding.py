# SPDX-License-Identifier: Apache-2.0
"""Finding: a victim, its aggressors, the contended resource, the evidence."""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import sample

SCHEMA = 'kvm_insight.finding/1'

Verdict = Literal[
    'antagonist', 'self_inflicted', 'overcommit', 'host_process', 'unknown'
]
#: What a victim's wait is held to.
BaselineSource = Literal['history', 'entitlement', 'cohort']
#: Why, inside a verdict. Only ever appended to.
Cause = Literal[
    'quota',
    'limit',
    'burst',
    'own_threads',
    'service',
    'microarchitecture',
    'chronic',
    'crowded',
    'insufficient_evidence',
]


class Party(sample.Wire, frozen=True, kw_only=True):
    """Who, in the words of operator and tenant."""

    #: As in the ledger: ``domain:<uuid>``, ``service:<name>``, ``host``.
    entity: sample.Text
    uuid: sample.Uuid | None = None
    name: sample.Text | None = None
    instance_name: sample.Text | None = None
    project_id: sample.Text | None = None
    project_name: sample.Text | None = None
    #: Who started it. No tenant is shown it, and no summary has it.
    user_id: sample.Text | None = None
    user_name: sample.Text | None = None
    flavor: sample.Text | None = None
    #: As the cloud tells it; None where no planner reads one.
    server_group: sample.Text | None = None


class Aggressor(sample.Wire, frozen=True, kw_only=True):
    """One who made the victim wait, with what would have been spared."""

    party: Party
    #: Core-µs that the victim waited while this one ran, since the finding
    #: opened and the window before it; the ledger's account.
    waited_us: sample.Count
    #: Part of the victim's wait that would have been spared without this
    #: one's excess.
    blame: sample.Ratio
    #: Cores above its own baseline or entitlement.
    excess_cores: float
    #: The same of another resource, in its unit.
    excess: float | None = None
    unit: sample.Text | None = None


class Evidence(sample.Wire, frozen=True, kw_only=True):
    """What the verdict was drawn from; enough to draw it again."""

    window_s: sample.Count
    start_us: sample.Count
    end_us: sample.Count
    first_sequence: sample.Count
    last_sequence: sample.Count
    agent_id: sample.Text
    samples: sample.Count
    #: Part of the window for which there are samples.
    coverage: sample.Ratio
    suffering: sample.Ratio
    floor: sample.Ratio
    baseline: float
    #: ``history`` of its own, or the ``entitlement`` while that is short;
    #: its ``cohort`` where it waited as long as it is known.
    baseline_source: BaselineSource
    run_us: sample.Count
    run_delay_us: sample.Count
    throttled_us: sample.Count
    ledger_source: Literal['ebpf', 'sampled'] | None = None
    ledger_confidence: sample.Ratio | None = None
    #: The window's ledger row: entity -> core-µs.
    charges: dict[str, sample.Count] = {}
    #: What is shared, of another resource than the CPUs.
    device: sample.Text | None = None


class Finding(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One incident; the same id from ``open`` over ``update`` to ``closed``.

    The id is made from host, victim, resource and the opening sample, so a
    replay writes the same record again.
    """

    id: sample.Text
    state: Literal['open', 'update', 'closed']
    host: sample.Text
    #: Of the host, as the cloud tells them; aggregates by their names.
    availability_zone: sample.Text | None = None
    aggregates: list[sample.Text] = []
    resource: Literal['cpu', 'disk', 'memory', 'network']
    victim: Party
    verdict: Verdict
    cause: Cause | None = None
    aggressors: list[Aggressor] = []
    #: Others that were considered, with why they are not named.
    alternatives: list[Aggressor] = []
    confidence: sample.Ratio
    #: Core-seconds lost per second, now; of another resource seconds, in
    #: which the domain waited longer than is usual.
    severity_cores: float
    #: Core-µs lost since the incident began, and to whom by the ledger; of
    #: another resource by each one's part of what was done there.
    lost_us: sample.Count
    accounts: dict[str, sample.Count] = {}
    opened_us: sample.Count
    updated_us: sample.Count
    closed_us: sample.Count | None = None
    #: Why it closed: the wait ended, it proved to be usual once a history was
    #: known, the domain left, or data ended.
    closed_reason: Literal['recovered', 'usual', 'gone', 'silent'] | None = (
        None
    )
    evidence: Evidence
    #: One sentence for people.
    summary: Annotated[str, msgspec.Meta(max_length=4096)]
