# SPDX-License-Identifier: Apache-2.0
"""Recommendation: moves, what they gain and cost, and the reason for each.

Gains and costs are core-seconds: what instances would have waited within the
horizon, and what a migration takes from them. Moves are carried out in their
order, each when the one before it has ended; any two open recommendations
touch different hosts, so their moves may run beside each other.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import finding, sample

SCHEMA = 'kvm_insight.recommendation/1'

Mode = Literal['relieve', 'balance', 'consolidate', 'evacuate']
Sentence = Annotated[str, msgspec.Meta(max_length=4096)]


class Part(sample.Wire, frozen=True, kw_only=True):
    """One line of the score table, before and after all moves."""

    name: sample.Text
    weight: float
    #: How the hosts' values become one.
    statistic: Literal['sum', 'deviation', 'count']
    unit: sample.Text
    before: float
    after: float


class RunnerUp(sample.Wire, frozen=True, kw_only=True):
    """The next best that was there instead, and why it lost."""

    instance: sample.Uuid
    destination: sample.Text
    gain_core_s: float
    cost_core_s: float
    reason: Sentence


class Move(sample.Wire, frozen=True, kw_only=True):
    """One live migration."""

    instance: sample.Uuid
    name: sample.Text | None = None
    project_id: sample.Text = 'unassigned'
    source: sample.Text
    destination: sample.Text
    #: What it is in the findings, or why else it was taken.
    role: Literal['aggressor', 'victim', 'neighbour', 'evacuee', 'exchange']
    findings: list[sample.Text] = []
    #: By the expected (P50) and by the high (P95) forecast. One move of an
    #: exchange may gain less than nothing; the whole gains.
    gain_core_s: float
    gain_p95_core_s: float
    cost_core_s: float
    duration_s: float
    downtime_s: float
    memory_bytes: sample.Count
    #: How likely the destination gets hot within the horizon.
    risk: sample.Ratio
    reason: Sentence
    runner_up: RunnerUp | None = None


class Validity(sample.Wire, frozen=True, kw_only=True):
    """Whether Nova and Placement would do it, when that was last asked."""

    verdict: Literal['valid', 'invalid', 'unchecked'] = 'unchecked'
    #: The cluster as it was read, or Placement itself.
    against: Literal['cluster', 'placement'] = 'cluster'
    checked_us: sample.Count = 0
    refusals: list[Sentence] = []


class VictimOutcome(sample.Wire, frozen=True, kw_only=True):
    """One victim's wait, before the moves and after them."""

    party: finding.Party
    #: Core-seconds lost per second; None where it was not measured.
    lost_cores_before: float | None = None
    lost_cores_after: float | None = None


class Outcome(sample.Wire, frozen=True, kw_only=True):
    """What came of it, measured."""

    executed_us: sample.Count
    measured_us: sample.Count
    #: Length of the windows before and after.
    window_s: sample.Count
    victims: list[VictimOutcome] = []
    #: The same of all hosts that were touched.
    lost_cores_before: float | None = None
    lost_cores_after: float | None = None
    verdict: Literal['helped', 'no_change', 'worse', 'unknown']
    summary: Sentence = ''


class Recommendation(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """What to do, why, and what came of it; one id through all states.

    The id is made from mode, moves and since when each instance is where it
    is, so that planning again writes the same record again. The fingerprint
    is of all facts that the moves rest on: another one means plan anew.
    """

    id: sample.Text
    fingerprint: sample.Text
    #: Of the plan lease: feeds refuse what comes from an older one.
    generation: sample.Count = 0
    state: Literal[
        'proposed',
        'approved',
        'executing',
        'executed',
        'failed',
        'expired',
        'withdrawn',
    ] = 'proposed'
    mode: Mode
    moves: list[Move]
    #: Of the whole, over the horizon.
    horizon_s: sample.Count
    gain_core_s: float
    gain_p95_core_s: float
    cost_core_s: float
    risk: sample.Ratio
    score_before: float
    score_after: float
    parts: list[Part]
    findings: list[sample.Text] = []
    validity: Validity = Validity()
    created_us: sample.Count
    expires_us: sample.Count
    #: Why it is in this state, where that needs words.
    state_reason: Sentence | None = None
    outcome: Outcome | None = None
    #: A few sentences for people.
    summary: Sentence
