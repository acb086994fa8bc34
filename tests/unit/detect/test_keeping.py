# SPDX-License-Identifier: Apache-2.0
"""Whose baselines stand still during an incident, and whose do not."""

import msgspec
import numpy
import pytest

from kvm_insight.detect import keeping, memory, settings
from kvm_insight.model import entity, finding, sample, state, window

RULES = settings.Settings()
VICTIM = '11111111-1111-1111-1111-111111111111'
NOISY = '22222222-2222-2222-2222-222222222222'
MINUTE_US = 60_000_000
OPENED_US = 60 * MINUTE_US


def party(uuid: str) -> finding.Party:
    return finding.Party(entity=entity.domain(uuid), uuid=uuid)


@pytest.fixture
def incident() -> state.Incident:
    """Return one who began to wait when little was known, and for whom."""
    told = finding.Finding(
        id='0' * 32,
        state='open',
        host='lab/one',
        resource='cpu',
        victim=party(VICTIM),
        verdict='antagonist',
        confidence=0.5,
        severity_cores=0.1,
        lost_us=1,
        opened_us=OPENED_US,
        updated_us=OPENED_US,
        aggressors=[
            finding.Aggressor(
                party=party(NOISY), waited_us=1, blame=0.5, excess_cores=1.0
            )
        ],
        evidence=finding.Evidence(
            window_s=30,
            start_us=OPENED_US - MINUTE_US,
            end_us=OPENED_US,
            first_sequence=1,
            last_sequence=3,
            agent_id='agent',
            samples=3,
            coverage=1.0,
            suffering=0.4,
            floor=0.2,
            baseline=0.0,
            baseline_source='entitlement',
            run_us=1,
            run_delay_us=1,
            throttled_us=0,
        ),
        summary='',
    )
    return state.Incident(
        finding=told,
        epoch='1.1',
        scale=0,
        opened_uptime_us=OPENED_US,
        rose=True,
    )


def with_history(one: state.Incident) -> state.Incident:
    evidence = msgspec.structs.replace(
        one.finding.evidence, baseline_source='history'
    )
    found = msgspec.structs.replace(one.finding, evidence=evidence)
    return msgspec.structs.replace(one, finding=found)


def known(minutes: int, cores: float, now: float) -> memory.Memory:
    """Return a host on which one ran so much in so many minutes, and does
    now."""
    found = memory.empty(RULES)
    for uuid in (VICTIM, NOISY):
        found.follow(
            sample.Domain(uuid=uuid, epoch='1.1', name=uuid[:1]), RULES
        )
    for at, ran in enumerate([cores] * (minutes + 3) + [now]):
        slot = window.Slot((at + 1) * MINUTE_US, 0, MINUTE_US, at)
        did = window.Values(round(ran * MINUTE_US), 0, 0, 0)
        rows = window.Table((entity.domain(NOISY),), numpy.array([did]))
        found.series.push(slot, rows, {})
        if at < minutes + 3:
            found.learn(slot, rows, ())
    return found


def kept(
    one: state.Incident, what: memory.Memory, minutes: int = 1
) -> set[str]:
    now_us = OPENED_US + minutes * MINUTE_US
    return keeping.kept(one, now_us, what, RULES)


def test_who_rose_stays_as_it_was_known(incident: state.Incident) -> None:
    assert kept(incident, known(5, 0.2, 1.0)) == {
        entity.domain(VICTIM),
        entity.domain(NOISY),
    }


def test_who_does_as_always_is_learned_though_it_is_named(
    incident: state.Incident,
) -> None:
    assert kept(incident, known(5, 1.0, 1.1)) == {entity.domain(VICTIM)}


def test_of_whom_nothing_is_known_there_is_nothing_to_keep(
    incident: state.Incident,
) -> None:
    assert kept(incident, known(1, 1.0, 1.0)) == {entity.domain(VICTIM)}


def test_with_a_history_all_who_are_named_stay_as_they_were(
    incident: state.Incident,
) -> None:
    one = with_history(incident)
    everybody = {entity.domain(VICTIM), entity.domain(NOISY)}
    assert kept(one, known(5, 1.0, 1.0)) == everybody
    assert kept(one, known(5, 1.0, 1.0), minutes=60) == everybody


def test_what_came_early_is_kept_ten_minutes_though_nothing_was_told_since(
    incident: state.Incident,
) -> None:
    loud = known(5, 0.2, 1.0)
    assert kept(incident, loud, minutes=9)
    assert kept(incident, loud, minutes=10) == set()


def test_all_open_incidents_are_asked(incident: state.Incident) -> None:
    what = known(5, 0.2, 1.0)
    assert keeping.frozen(OPENED_US, what, RULES) == set()
    what.incidents = [incident]
    assert keeping.frozen(OPENED_US, what, RULES) == {
        entity.domain(VICTIM),
        entity.domain(NOISY),
    }
    chronic = msgspec.structs.replace(incident.finding, cause='chronic')
    what.incidents = [msgspec.structs.replace(incident, finding=chronic)]
    assert keeping.frozen(OPENED_US, what, RULES) == set()
