# SPDX-License-Identifier: Apache-2.0
"""Incident: one open finding from its opening sample to its close."""

import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from kvm_insight.detect import (
    contest,
    device_words,
    evidence,
    record,
    scene,
    settings,
    verdict,
    words,
)
from kvm_insight.model import entity, finding, sample, state, window

#: From here on, what came soon after the first sample may be usual.
_LATER_US = 600_000_000

Reason = Literal['recovered', 'usual', 'gone', 'silent']


def begun(
    host: str,
    epoch: str,
    at: int,
    found: tuple[settings.Scale, evidence.Picture],
    judged: verdict.Verdict,
    seen: scene.Scene,
) -> state.Incident:
    """Return the incident that begins here, with its first finding."""
    scale, picture = found
    victim = seen.party(picture.case.victim.entity)
    bare = finding.Finding(
        id=_identifier(host, victim.uuid or '', epoch, scale, seen),
        state='open',
        host=host,
        resource='cpu',
        victim=victim,
        verdict=judged.verdict,
        confidence=judged.confidence,
        severity_cores=round(picture.severity, 6),
        lost_us=picture.delay_us,
        opened_us=seen.slot.time_us,
        updated_us=seen.slot.time_us,
        evidence=record.of(picture, scale, seen.host),
        summary='',
    )
    one = state.Incident(
        finding=bare,
        epoch=epoch,
        scale=at,
        opened_uptime_us=seen.slot.uptime_us,
        lost_us=picture.delay_us,
        accounts=picture.row,
        rose=picture.case.rose,
        known=picture.case.rose
        and picture.case.victim.usually_ran is not None,
    )
    told_first = told(one, seen.slot, said(judged, one, seen))
    return msgspec.structs.replace(one, finding=told_first)


def _identifier(
    host: str,
    uuid: str,
    epoch: str,
    scale: settings.Scale,
    seen: scene.Scene,
) -> str:
    """Return the id: a replay of the same samples makes it again."""
    sequence = str(seen.slot.sequence)
    window_s = str(scale.seconds)
    parts = (host, uuid, epoch, 'cpu', window_s, seen.host.agent_id, sequence)
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:32]


def is_a_change(one: state.Incident, now_us: int) -> bool:
    """Say whether it is known that it was not always so. Else what goes on
    is to be learned, and may be what is usual; also some minutes after
    (``now_us``, by the host's own clock) what came when little was known
    yet."""
    if one.known or one.finding.evidence.baseline_source == 'history':
        return True
    recent = now_us - one.opened_uptime_us < _LATER_US
    return one.rose and recent and bool(one.finding.aggressors)


def involved(found: finding.Finding) -> set[str]:
    """Return the victim, and whoever is named."""
    named = {one.party.entity for one in found.aggressors}
    if found.verdict == 'host_process':
        named.add(entity.HOST)
    return named | {found.victim.entity}


def grown(
    incident: state.Incident, lost_us: int, row: Mapping[str, int]
) -> state.Incident:
    """Return the incident with what one more sample lost, and to whom."""
    accounts = dict(incident.accounts)
    for who, us in row.items():
        accounts[who] = min(accounts.get(who, 0) + us, sample.LIMIT)
    return msgspec.structs.replace(
        incident,
        lost_us=min(incident.lost_us + lost_us, sample.LIMIT),
        accounts=accounts,
    )


def confirmed(
    incident: state.Incident, fresh: verdict.Verdict
) -> tuple[state.Incident, bool]:
    """Say whether a verdict counts: a new one must come twice in a row."""
    key = '|'.join(str(part) for part in fresh.key())
    if fresh.key() == key_of(incident.finding) or incident.doubt == key:
        return msgspec.structs.replace(incident, doubt=None), True
    return msgspec.structs.replace(incident, doubt=key), False


def key_of(
    found: finding.Finding,
) -> tuple[str, str | None, tuple[str, ...]]:
    """Return a finding's verdict as ``Verdict.key`` has it."""
    names = tuple(sorted(one.party.entity for one in found.aggressors))
    return found.verdict, found.cause, names


def is_another(found: finding.Finding, fresh: verdict.Verdict) -> bool:
    """Say whether a verdict tells another story: nobody named is the same,
    and so is the host, whichever of its processes is ahead."""
    if found.verdict == fresh.verdict == 'host_process':
        return False
    before = words.names(found)
    after = {blame.entity for blame in fresh.named}
    return bool(before or after) and not before & after


def said(
    judged: verdict.Verdict, one: state.Incident, seen: scene.Scene
) -> dict[str, object]:
    """Return a verdict as a finding has it."""

    def accused(blame: contest.Blame) -> finding.Aggressor:
        return finding.Aggressor(
            party=seen.party(blame.entity),
            waited_us=one.accounts.get(blame.entity, 0),
            blame=round(blame.blame, 4),
            excess_cores=round(blame.excess, 4),
        )

    return {
        'verdict': judged.verdict,
        'cause': judged.cause,
        'confidence': round(judged.confidence, 4),
        'aggressors': [accused(blame) for blame in judged.named],
        'alternatives': [accused(blame) for blame in judged.others],
    }


def told(
    incident: state.Incident,
    slot: window.Slot,
    changes: Mapping[str, object],
) -> finding.Finding:
    """Return the next record of an incident, its numbers brought up to now."""
    found: finding.Finding = msgspec.structs.replace(
        incident.finding,
        updated_us=max(slot.time_us, incident.finding.updated_us),
        lost_us=incident.lost_us,
        accounts=incident.accounts,
        **changes,
    )
    aggressors = [
        msgspec.structs.replace(
            one, waited_us=incident.accounts.get(one.party.entity, 0)
        )
        for one in found.aggressors
    ]
    return msgspec.structs.replace(
        found, aggressors=aggressors, summary=_summary(found, aggressors)
    )


def closed(
    incident: state.Incident,
    slot: window.Slot,
    reason: Reason,
) -> finding.Finding:
    """Return the last record of an incident."""
    at = max(slot.time_us, incident.finding.opened_us)
    return told(
        incident,
        slot,
        {
            'state': 'closed',
            'closed_us': at,
            'closed_reason': reason,
            'severity_cores': 0.0,
        },
    )


def updated(
    incident: state.Incident,
    slot: window.Slot,
    severity: float,
    changes: Mapping[str, object],
) -> finding.Finding:
    """Return the next update of an incident."""
    rate = {'state': 'update', 'severity_cores': round(severity, 6)}
    return told(incident, slot, {**changes, **rate})


def due(
    incident: state.Incident,
    slot: window.Slot,
    severity: float,
    changed: bool,
    rules: settings.Settings,
) -> bool:
    """Say whether there is news: something material, or a minute is over."""
    before = incident.finding.severity_cores
    factor = rules.material
    if changed or severity > before * factor:
        return True
    if severity * factor < before and not incident.calm:
        return True
    since_us = slot.time_us - incident.finding.updated_us
    return since_us >= rules.update_s * 1_000_000


def _summary(
    found: finding.Finding, aggressors: list[finding.Aggressor]
) -> str:
    if found.resource != 'cpu':
        return device_words.summary(found, aggressors)[:4096]
    return words.summary(
        found.victim,
        found.verdict,
        found.cause,
        aggressors,
        found.lost_us,
        found.evidence.suffering,
    )[:4096]


def goes_on(
    picture: evidence.Picture,
    fresh: verdict.Verdict,
    rules: settings.Settings,
) -> bool:
    """Say whether those who are named go on at full speed, and the fresh
    verdict would drop them only since nobody remembers a time before."""
    case = picture.case
    named = {blame.entity for blame in fresh.named}
    if not case.incumbents or case.rose or case.incumbents & named:
        return False
    going_on = {
        one.entity
        for one in case.others
        if entity.uuid_of(one.entity) is not None
        and one.at_full_speed(rules)
        and one.charged_us
    }
    return case.incumbents <= going_on
