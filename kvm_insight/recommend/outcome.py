# SPDX-License-Identifier: Apache-2.0
"""Outcome: whether the victims of a recommendation wait less since.

Before is the mean over a victim's finding; after is what the victim waits,
wherever it is, when things have settled.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from kvm_insight.model import finding, host_report, recommendation
from kvm_insight.recommend import losses as losses_

Reports = Mapping[str, host_report.HostReport]
Verdict = Literal['helped', 'no_change', 'worse', 'unknown']

#: Of what was lost before: below it helped, above it is worse.
_HELPED = 0.5
_WORSE = 1.2
#: Cores that are nothing.
_LITTLE = 0.02
_US = 1_000_000


def begun(
    one: recommendation.Recommendation,
    findings: Mapping[str, finding.Finding],
    losses: losses_.Losses,
    executed_us: int,
    window_s: int,
) -> recommendation.Outcome:
    """Return what was before; what is after comes when it has settled."""
    victims = {
        told.victim.entity: recommendation.VictimOutcome(
            party=told.victim, lost_cores_before=_mean(told)
        )
        for told in (findings.get(name) for name in one.findings)
        if told is not None
    }
    begin_us = executed_us - window_s * _US
    return recommendation.Outcome(
        executed_us=executed_us,
        measured_us=executed_us,
        window_s=window_s,
        victims=list(victims.values()),
        lost_cores_before=losses.mean(_hosts(one), begin_us, executed_us),
        verdict='unknown',
        summary='Carried out; not measured yet.',
    )


def is_pending(one: recommendation.Outcome) -> bool:
    """Say whether what is after is not measured yet."""
    return one.measured_us <= one.executed_us


def finished(
    one: recommendation.Recommendation,
    reports: Reports,
    losses: losses_.Losses,
    now_us: int,
) -> recommendation.Outcome | None:
    """Return the outcome as it is after its window; None as long as that
    lasts, or reports are missing that may still come."""
    before = one.outcome
    if before is None or not is_pending(before):
        return None
    settled_us = before.executed_us + before.window_s * _US
    late = now_us >= settled_us + before.window_s * _US
    victims = [_after(each, reports, settled_us) for each in before.victims]
    half_us = before.executed_us + before.window_s * _US // 2
    hosts = losses.mean(_hosts(one), half_us, now_us + 1)
    missing = hosts is None or any(
        each.lost_cores_after is None for each in victims
    )
    if now_us < settled_us or (missing and not late):
        return None
    measured = msgspec.structs.replace(
        before, victims=victims, lost_cores_after=hosts, measured_us=now_us
    )
    verdict = _verdict(*_totals(measured))
    return msgspec.structs.replace(
        measured, verdict=verdict, summary=_summary(measured, verdict)
    )


def _hosts(one: recommendation.Recommendation) -> list[str]:
    names = [name for x in one.moves for name in (x.source, x.destination)]
    return list(dict.fromkeys(names))


def _mean(told: finding.Finding) -> float | None:
    """Return the cores that a victim waited while its finding was open."""
    open_us = told.updated_us - told.opened_us
    if open_us <= 0:
        return told.severity_cores
    return round(told.lost_us / open_us, 4)


def _after(
    one: recommendation.VictimOutcome, reports: Reports, settled_us: int
) -> recommendation.VictimOutcome:
    for report in reports.values():
        if report.time_us < settled_us:
            continue
        for each in report.instances:
            if each.uuid == one.party.uuid and each.waited_cores is not None:
                return msgspec.structs.replace(
                    one, lost_cores_after=each.waited_cores
                )
    return one


def _totals(
    one: recommendation.Outcome,
) -> tuple[float | None, float | None]:
    """Return what all victims lost before and after; where there are none,
    what their hosts did."""
    if not one.victims:
        return one.lost_cores_before, one.lost_cores_after
    return (
        _sum(each.lost_cores_before for each in one.victims),
        _sum(each.lost_cores_after for each in one.victims),
    )


def _sum(parts: Iterable[float | None]) -> float | None:
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _verdict(before: float | None, after: float | None) -> Verdict:
    if before is None or after is None:
        return 'unknown'
    if after > before * _WORSE + _LITTLE:
        return 'worse'
    if before > _LITTLE and after <= before * _HELPED:
        return 'helped'
    return 'no_change'


_WORDS: Mapping[Verdict, str] = {
    'helped': 'it helped',
    'no_change': 'it made no difference',
    'worse': 'it got worse',
    'unknown': 'what came of it could not be measured',
}


def _summary(one: recommendation.Outcome, verdict: Verdict) -> str:
    parts = [
        f'{each.party.instance_name or each.party.name or each.party.entity}'
        f' waited {_cores(each.lost_cores_before)} cores before and'
        f' {_cores(each.lost_cores_after)} after'
        for each in one.victims[:8]
    ] or [
        f'the hosts lost {_cores(one.lost_cores_before)} cores before and'
        f' {_cores(one.lost_cores_after)} after'
    ]
    text = '; '.join(parts)
    return f'{text[0].upper()}{text[1:]}: {_WORDS[verdict]}.'


def _cores(value: float | None) -> str:
    return 'an unknown number of' if value is None else f'{value:.2f}'
