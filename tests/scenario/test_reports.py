# SPDX-License-Identifier: Apache-2.0
"""What is told of a host, and when."""

import itertools

import msgspec
import pytest

from kvm_insight.detect import host, report
from kvm_insight.detect import settings as detect_settings
from kvm_insight.model import entity, host_report, sample
from tests.scenario import test_hours

SAMPLES = test_hours.SAMPLES
RULES = test_hours.RULES


def reports(
    samples: list[sample.Sample], every_s: float = 60
) -> list[host_report.HostReport]:
    detector = host.Detector('lab/one', RULES)
    reporter = report.Reporter(every_s)
    told = []
    for one in samples:
        before = detector.counters.accepted
        found = detector.consume(one)
        if detector.counters.accepted > before:
            made = reporter.report(one, found, detector.known)
            told += [made] if made else []
    return told


REPORTS = reports(SAMPLES)


def test_it_is_told_at_least_so_often() -> None:
    times = [one.time_us for one in REPORTS]
    assert times[0] == SAMPLES[0].time_us
    for before, after in itertools.pairwise(times):
        assert after - before <= 80_000_000
    quiet = [replaced(one) for one in SAMPLES]
    assert len(reports(quiet, 600)) == 2


def replaced(one: sample.Sample) -> sample.Sample:
    """Return the sample with no instances: nothing can turn."""
    return msgspec.structs.replace(one, domains=[], ledger=None)


def test_a_finding_that_opens_is_told_at_once() -> None:
    detector = host.Detector('lab/one', RULES)
    turns = set()
    for one in SAMPLES:
        if any(found.state != 'update' for found in detector.consume(one)):
            turns.add(one.time_us)
    assert turns
    assert turns <= {one.time_us for one in REPORTS}


def test_an_instance_that_comes_or_goes_is_told_at_once() -> None:
    times = {one.time_us for one in REPORTS}
    turns = [
        after.time_us
        for before, after in itertools.pairwise(SAMPLES)
        if {one.uuid for one in before.domains}
        != {one.uuid for one in after.domains}
    ]
    assert len(turns) == 2
    assert times.issuperset(turns)


def test_each_victim_hurts_once() -> None:
    hurting = [told for told in REPORTS if told.hurts]
    assert hurting
    for told in hurting:
        victims = [(one.victim, one.resource) for one in told.hurts]
        assert len(victims) == len(set(victims))
        lost = sum(one.severity_cores for one in told.hurts)
        assert told.lost_cores == pytest.approx(lost, abs=1e-3)
    assert any(one.aggressors for told in hurting for one in told.hurts)


def test_uses_are_those_of_the_last_two_minutes() -> None:
    told = [one for one in REPORTS if one.hurts][-1]
    used = {one.uuid: one for one in told.instances}
    at = next(
        number
        for number, one in enumerate(SAMPLES)
        if one.time_us == told.time_us
    )
    end = {domain.uuid: domain for domain in SAMPLES[at].domains}
    since = max(
        one.time_us
        for one in SAMPLES[: at + 1]
        if told.time_us - one.time_us >= 115_000_000
    )
    begin = {
        domain.uuid: domain
        for one in SAMPLES
        if one.time_us == since
        for domain in one.domains
    }
    victim = test_hours.NAMES['victim']
    vcpu, old = end[victim].vcpus[0], begin[victim].vcpus[0]
    waited = (vcpu.run_delay_us or 0) - (old.run_delay_us or 0)
    wanted = waited + (vcpu.run_us or 0) - (old.run_us or 0)
    took = told.time_us - since
    assert used[victim].waited_cores == pytest.approx(waited / took, abs=0.02)
    assert used[victim].wanted_cores == pytest.approx(wanted / took, abs=0.02)
    assert told.wanted_cores == pytest.approx(
        sum(one.wanted_cores or 0 for one in told.instances), abs=1e-3
    )


def test_minutes_go_back_from_now() -> None:
    told = REPORTS[-1]
    assert len(told.minutes) == report.MINUTES
    for minute in told.minutes:
        assert minute.cpu_some == pytest.approx(0.05, abs=0.01)
        assert minute.memory_full is None
        assert minute.wanted_cores is not None
    mean = sum(one.wanted_cores or 0 for one in told.minutes[:2]) / 2
    assert told.wanted_cores == pytest.approx(mean, abs=0.05)


def test_nothing_measured_is_none_and_not_zero() -> None:
    first = reports(SAMPLES[:1])[0]
    assert first.wanted_cores is None
    assert all(one.wanted_cores is None for one in first.instances)
    assert first.minutes[0].wanted_cores is None
    unmeasured = [
        msgspec.structs.replace(
            one,
            domains=[
                msgspec.structs.replace(domain, vcpus=[])
                for domain in one.domains
            ],
        )
        for one in SAMPLES[:20]
    ]
    assert reports(unmeasured)[-1].wanted_cores is None


def test_a_reboot_is_told_at_once_and_leaves_no_pressure_behind() -> None:
    reporter = report.Reporter(60)
    known = host.Detector('lab/one', detect_settings.Settings()).known
    assert reporter.report(SAMPLES[30], [], known)
    again = msgspec.structs.replace(
        SAMPLES[31], boot_id='boot-2', uptime_us=5_000_000
    )
    told = reporter.report(again, [], known)
    assert told is not None
    assert told.minutes[0].cpu_some is None
    assert told.hurts == []


def test_who_is_there_is_named_as_the_ledger_names_them() -> None:
    told = next(one for one in REPORTS if one.hurts)
    known = {entity.domain(one.uuid) for one in told.instances}
    for hurt in told.hurts:
        assert hurt.victim in known


def test_how_its_agent_fares_is_told_in_the_agents_own_words() -> None:
    agent = sample.Agent(version='9.9', dropped=7, spooled=3)
    ailing = [
        msgspec.structs.replace(
            one, agent=agent, missing={'pressure': 'no PSI'}
        )
        for one in SAMPLES
    ]
    told = reports(ailing)[-1]
    assert told.agent == agent
    assert told.missing == {'pressure': 'no PSI'}


def test_who_waits_for_whom_now_is_told_as_the_samples_have_it() -> None:
    told = REPORTS[-1]
    by_number = {
        one.sequence: one for one in SAMPLES if one.agent_id == told.agent_id
    }
    last = [by_number[at] for at in sorted(by_number) if at <= told.sequence]
    begin_us = last[-1].uptime_us - told.window_s * 1_000_000
    sums: dict[tuple[str, str], int] = {}
    for before, one in itertools.pairwise(last):
        inside = (before.uptime_us + one.uptime_us) // 2 > begin_us
        for row in one.ledger.rows if one.ledger and inside else ():
            for runner, us in row.charges.items():
                pair = entity.domain(row.victim), runner
                sums[pair] = sums.get(pair, 0) + us
    found = {
        (told.entities[victim], told.entities[runner]): us
        for victim, runner, us in told.charges
    }
    # What is less than 0.5 % of a sample's interval is in nobody's account.
    least_us = 50_000 * len(last)
    assert found
    for pair, us in sums.items():
        assert us - least_us <= found.get(pair, 0) <= us
    assert found.keys() <= sums.keys()
    charged = [us for *_, us in told.charges]
    assert charged == sorted(charged, reverse=True)
