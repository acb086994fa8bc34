# SPDX-License-Identifier: Apache-2.0
"""Standing: recommendations that were made, and what has become of them.

A recommendation that stands keeps its hosts to itself until it is carried
out, given up or expires; so a plan does not change its mind with every
measurement. All of it is a function of the topics: whoever takes over comes
to the same.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec

from kvm_insight.model import cluster, execution, finding, recommendation
from kvm_insight.recommend import losses as losses_
from kvm_insight.recommend import outcome, overlay, ruling

Recommendation = recommendation.Recommendation

OPEN = ('proposed', 'approved', 'executing')
#: So long a migration may take beyond the expiry.
_LONGEST_US = 3600 * 1_000_000
_replace = msgspec.structs.replace


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """All that is looked at."""

    whole: cluster.Cluster
    #: The fresh ones.
    reports: overlay.Reports
    findings: Mapping[str, finding.Finding]
    losses: losses_.Losses
    ruled: ruling.Ruling
    #: Id -> why Nova or Placement would refuse it now.
    refusals: Mapping[str, list[str]]
    now_us: int
    #: How long after a move its outcome is measured.
    outcome_s: int
    #: Id -> how far the actuator has come.
    executions: Mapping[str, execution.Execution] = dataclasses.field(
        default_factory=dict
    )


def is_open(one: Recommendation) -> bool:
    """Say whether it may still be carried out."""
    return one.state in OPEN


def again(
    known: Mapping[str, Recommendation], generation: int
) -> dict[str, Recommendation]:
    """Return what stands in the words of an earlier generation."""
    return {
        name: one
        for name, one in known.items()
        if is_open(one) and one.generation != generation
    }


def outlived(
    known: Iterable[Recommendation], now_us: int, kept_s: int
) -> list[str]:
    """Return the ids of those that ended so long ago. When one did is not
    in it: at its expiry at the latest, or when its outcome was measured."""
    oldest_us = now_us - kept_s * 1_000_000
    return sorted(
        one.id
        for one in known
        if not is_open(one)
        and one.expires_us < oldest_us
        and (one.outcome is None or one.outcome.measured_us < oldest_us)
    )


def touched(known: Iterable[Recommendation]) -> frozenset[str]:
    """Return all hosts that these touch."""
    return frozenset(
        name
        for one in known
        for move in one.moves
        for name in (move.source, move.destination)
    )


def reviewed(one: Recommendation, view: View) -> Recommendation:
    """Return a recommendation as it is now."""
    if one.state == 'executed':
        measured = outcome.finished(
            one, view.reports, view.losses, view.now_us
        )
        return one if measured is None else _replace(one, outcome=measured)
    if not is_open(one):
        return one
    seen = _Progress(one, overlay.places(view.reports))
    if seen.is_done:
        return _executed(one, view, seen)
    carried = view.executions.get(one.id)
    if carried is not None and carried.state == 'failed':
        return _replace(one, state='failed', state_reason=carried.reason)
    if seen.elsewhere:
        # Somebody else moved it: what this rests on is gone.
        state = 'failed' if one.state == 'executing' else 'withdrawn'
        return _replace(one, state=state, state_reason=seen.elsewhere)
    is_begun = carried is not None and execution.is_begun(carried)
    if seen.has_begun or is_begun or one.state == 'executing':
        return _executing(one, view, carried)
    refusal = _refusal(one, view)
    if refusal is not None:
        return _replace(one, state='withdrawn', state_reason=refusal)
    return decided(one, view.ruled)


def decided(one: Recommendation, ruled: ruling.Ruling) -> Recommendation:
    """Return an open one with what people have decided about it."""
    word = ruled.approved.get(one.id)
    if word is None:
        return _replace(one, state='proposed', state_reason=None)
    by = f' by {word.by}' if word.by else ''
    why = f': {word.reason}' if word.reason else ''
    return _replace(one, state='approved', state_reason=f'approved{by}{why}')


def is_over(one: Recommendation, now_us: int) -> bool:
    """Say whether it has expired, and nobody began to carry it out."""
    return one.state in ('proposed', 'approved') and now_us >= one.expires_us


def renewed(
    made: Iterable[Recommendation],
    released: Mapping[str, Recommendation],
    ruled: ruling.Ruling,
    executions: Mapping[str, execution.Execution],
) -> list[Recommendation]:
    """Return what a plan says anew: what was rejected, or failed when it was
    carried out, is left out, and what was said before keeps its beginning."""
    found = []
    failed = {x for x, one in executions.items() if one.state == 'failed'}
    for one in made:
        if one.id in ruled.rejected or one.id in failed:
            continue
        before = released.get(one.id)
        if before is not None:
            one = _replace(one, created_us=before.created_us)
        found.append(decided(one, ruled))
    return found


def given_up(one: Recommendation, now_us: int) -> Recommendation:
    """Return one that no plan says any more."""
    if is_over(one, now_us):
        return _replace(
            one, state='expired', state_reason='nobody carried it out in time'
        )
    return _replace(
        one, state='withdrawn', state_reason='another plan took its place'
    )


class _Progress:
    """Where the instances of a recommendation are, by the reports."""

    def __init__(
        self, one: Recommendation, places: Mapping[str, set[str]]
    ) -> None:
        arrived, begun, lost = [], [], []
        for move in one.moves:
            seen = places.get(move.instance, set())
            arrived.append(seen == {move.destination})
            begun.append(move.destination in seen)
            if seen and not seen & {move.source, move.destination}:
                who = move.name or move.instance
                lost.append(f'{who} is on {", ".join(sorted(seen))} now')
        self.is_done = bool(arrived) and all(arrived)
        self.has_begun = any(begun)
        self.elsewhere = '; '.join(lost)
        self.hosts = {move.destination for move in one.moves}


def _executed(
    one: Recommendation, view: View, seen: _Progress
) -> Recommendation:
    """Return it with what was before, as long as that is known."""
    executed_us = max(view.reports[name].time_us for name in seen.hosts)
    return _replace(
        one,
        state='executed',
        state_reason=None,
        outcome=outcome.begun(
            one, view.findings, view.losses, executed_us, view.outcome_s
        ),
    )


def _executing(
    one: Recommendation, view: View, carried: execution.Execution | None
) -> Recommendation:
    if view.now_us >= one.expires_us + _LONGEST_US:
        return _replace(
            one, state='failed', state_reason='it was begun and did not end'
        )
    words = None if carried is None else execution.words(carried)
    return _replace(one, state='executing', state_reason=words)


def _refusal(one: Recommendation, view: View) -> str | None:
    """Return why it should not be carried out any more."""
    refused = forbidden(one, view.ruled, view.now_us)
    if refused is not None:
        return refused
    refusals = view.refusals.get(one.id)
    if refusals:
        return f'it is not valid any more: {"; ".join(refusals)}'[:4000]
    told = [view.findings.get(name) for name in one.findings]
    closed = [each for each in told if each and each.state == 'closed']
    if one.mode == 'relieve' and told and len(closed) == len(told):
        return 'what it was to relieve is over'
    return None


def forbidden(
    one: Recommendation, ruled: ruling.Ruling, now_us: int
) -> str | None:
    """Return why people do not want it to be carried out now."""
    word = ruled.rejected.get(one.id)
    if word is not None:
        by = f' by {word.by}' if word.by else ''
        why = f': {word.reason}' if word.reason else ''
        return f'rejected{by}{why}'
    said, hosts = ruled.said, touched([one])
    for dark in said.blackouts:
        if dark.begin_us <= now_us < dark.end_us and (
            dark.hosts is None or dark.hosts & hosts
        ):
            return 'nothing is moved in this blackout window'
    subjects = hosts | {move.instance for move in one.moves}
    muted = sorted(subjects & said.muted)
    if muted:
        return f'{muted[0]} is muted'
    subjects |= {move.project_id for move in one.moves}
    opted_out = sorted(subjects & said.opted_out)
    return f'{opted_out[0]} is never to be moved' if opted_out else None
