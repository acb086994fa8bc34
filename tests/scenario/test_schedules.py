# SPDX-License-Identifier: Apache-2.0
"""Schedules on a simulated host: who is named, when, and who never is."""

import dataclasses
import functools

import pytest

from kvm_insight.detect import host, settings
from kvm_insight.model import codec, finding, sample
from tests.scenario import fair

QUIET_S = 120.0
BUSY_S = 180.0
ONCE = ((QUIET_S, 0.0), (BUSY_S, 1.0), (10_000.0, 0.0))
BOTH = (0, 1)


@dataclasses.dataclass(frozen=True)
class Told:
    """Findings of one run, with the second in which each was told."""

    names: dict[str, str]
    findings: list[tuple[float, finding.Finding]]

    def named(self) -> set[str]:
        """Return all instances and services that were ever named."""
        return {
            one.party.name or ''
            for _, found in self.findings
            for one in found.aggressors
        }

    def of(self, victim: str) -> list[finding.Finding]:
        """Return what was told of one victim."""
        return [f for _, f in self.findings if f.victim.name == victim]

    def first(self, who: str) -> float:
        """Return when somebody was first named."""
        return min(
            at
            for at, found in self.findings
            for one in found.aggressors
            if one.party.name == who
        )

    def ended(self, who: str) -> float:
        """Return when the last finding that names somebody closed."""
        last = {
            found.id: (at, found)
            for at, found in self.findings
            if any(one.party.name == who for one in found.aggressors)
        }
        assert all(found.state == 'closed' for _, found in last.values())
        return max(at for at, _ in last.values())


def steady(name: str, duty: float, *cpus: int, **more: object) -> fair.Guest:
    return fair.Guest(name, ((1, duty),), cpus, **more)  # type: ignore[arg-type]


def noisy(*cpus: int) -> fair.Guest:
    return fair.Guest('noisy', ONCE, cpus, project='red')


def told(simulated: fair.Host, seconds: float) -> Told:
    detector = host.Detector('lab/one', settings.Settings())
    findings = []
    for one in simulated.samples(seconds):
        # As it comes from the bus.
        decoded = codec.decode(codec.encode(one), sample.Sample)
        at = (one.time_us - fair.BEGIN_US) / 1e6
        findings += [(at, found) for found in detector.consume(decoded)]
    names = {guest.uuid: guest.name for guest in simulated.guests}
    return Told(names, findings)


MIXES = {
    'pinned to one CPU': [
        steady('victim', 0.5, 0),
        noisy(0),
        steady('other', 0.6, 1),
        steady('idle', 0.02, 1),
    ],
    'pinned, beside a light one': [
        steady('victim', 0.6, 0),
        noisy(0),
        steady('light', 0.1, 0),
        steady('other', 0.9, 1),
    ],
    'pinned, with a quieter victim': [
        steady('victim', 0.4, 1),
        noisy(1),
        steady('full', 1.0, 0),
    ],
    'victim pinned, noisy one floats': [
        steady('victim', 0.5, 0),
        steady('full', 0.9, 1),
        noisy(*BOTH),
    ],
    'floating, four guests': [
        steady('victim', 0.6, *BOTH),
        noisy(*BOTH),
        steady('some', 0.4, *BOTH),
        steady('more', 0.38, *BOTH),
    ],
    'floating, five guests': [
        steady('victim', 0.5, *BOTH),
        noisy(*BOTH),
        steady('some', 0.35, *BOTH),
        steady('more', 0.35, *BOTH),
        steady('light', 0.1, *BOTH),
    ],
}


@functools.cache
def run_of(mix: str, seed: int, source: str | None) -> Told:
    """Return what is told of a mix with the noisy one's whole schedule."""
    simulated = fair.Host(MIXES[mix], seed=seed, source=source)
    return told(simulated, QUIET_S + BUSY_S + 130)


@pytest.mark.parametrize('seed', [1, 2])
@pytest.mark.parametrize('mix', MIXES)
def test_the_noisy_one_is_named_in_time_and_nobody_else(
    mix: str, seed: int
) -> None:
    run = run_of(mix, seed, 'ebpf')
    assert run.named() == {'noisy'}
    assert QUIET_S < run.first('noisy') <= QUIET_S + 60
    assert run.ended('noisy') <= QUIET_S + BUSY_S + 120


@pytest.mark.parametrize('mix', MIXES)
def test_its_own_wait_is_nobody_elses_fault(mix: str) -> None:
    run = run_of(mix, 1, 'ebpf')
    for found in run.of('noisy'):
        assert found.verdict in ('self_inflicted', 'overcommit')
        assert not found.aggressors


@pytest.mark.parametrize('mix', MIXES)
def test_without_a_ledger_nobody_innocent_is_named(mix: str) -> None:
    run = run_of(mix, 1, None)
    assert run.named() <= {'noisy'}
    for _, found in run.findings:
        assert found.evidence.ledger_source is None
        assert found.confidence < 0.5


@pytest.mark.parametrize('confidence', [0.3, 0.9])
def test_a_sampled_ledger_names_with_less_confidence(
    confidence: float,
) -> None:
    mix = MIXES['pinned to one CPU']
    simulated = fair.Host(mix, source='sampled', confidence=confidence)
    run = told(simulated, QUIET_S + BUSY_S)
    assert run.named() == {'noisy'}
    assert all(found.confidence < 0.68 for found in run.of('victim'))


def test_a_guest_under_quota_waits_for_nobody_but_itself() -> None:
    guests = [
        steady('limited', 0.9, 0, quota=0.2),
        steady('neighbour', 0.4, 0),
        steady('other', 0.5, 1),
    ]
    run = told(fair.Host(guests), 240)
    assert run.named() == set()
    assert {(f.verdict, f.cause) for f in run.of('limited')} == {
        ('self_inflicted', 'quota')
    }


def test_a_quota_does_not_hide_an_antagonist() -> None:
    guests = [steady('victim', 0.5, 0, quota=0.9), noisy(0)]
    run = told(fair.Host(guests), QUIET_S + BUSY_S)
    assert run.named() == {'noisy'}


def test_threads_of_one_guest_wait_for_one_another() -> None:
    guests = [steady('crowded', 1.0, 0, vcpus=2), steady('other', 0.5, 1)]
    run = told(fair.Host(guests), 200)
    assert run.named() == set()
    assert {(f.verdict, f.cause) for f in run.of('crowded')} == {
        ('self_inflicted', 'own_threads')
    }


@pytest.mark.parametrize('cpus', [(0,), BOTH])
def test_a_busy_process_of_the_host_is_named_and_no_instance(
    cpus: tuple[int, ...],
) -> None:
    guests = [
        steady('victim', 0.5, *cpus),
        steady('other', 0.6, *((1,) if cpus == (0,) else BOTH)),
        steady('some', 0.4, 1),
    ]
    backup = fair.Process('backup', ONCE, cpus)
    run = told(fair.Host(guests, [backup]), QUIET_S + BUSY_S + 130)
    assert run.named() == {'backup'}
    verdicts = {f.verdict for f in run.of('victim') if f.aggressors}
    assert verdicts == {'host_process'}
    assert run.first('backup') <= QUIET_S + 60
    assert run.ended('backup') <= QUIET_S + BUSY_S + 120


def test_a_busy_process_elsewhere_is_not_named() -> None:
    guests = [steady('victim', 0.5, 0), noisy(0), steady('other', 0.3, 1)]
    backup = fair.Process('backup', ((10_000, 1.0),), (1,))
    run = told(fair.Host(guests, [backup]), QUIET_S + BUSY_S)
    assert run.of('victim')
    for found in run.of('victim'):
        names = {one.party.name for one in found.aggressors}
        assert names == {'noisy'}


def test_all_at_once_is_nobodys_fault() -> None:
    together = ((QUIET_S, 0.05), (10_000.0, 0.45))
    guests = [
        fair.Guest(f'cron-{number}', together, BOTH) for number in range(5)
    ]
    run = told(fair.Host(guests), QUIET_S + BUSY_S)
    assert run.findings
    assert run.named() == set()
    assert {f.verdict for _, f in run.findings} <= {
        'overcommit',
        'self_inflicted',
        'unknown',
    }


def test_two_antagonists_are_both_named() -> None:
    guests = [
        steady('victim', 0.5, 0),
        noisy(0),
        fair.Guest('loud', ONCE, (0,)),
        steady('other', 0.5, 1),
    ]
    run = told(fair.Host(guests), QUIET_S + BUSY_S)
    assert run.named() == {'noisy', 'loud'}


def test_an_idle_guest_that_polls_is_no_antagonist() -> None:
    guests = [
        steady('victim', 0.5, 0),
        steady('poller', 0.02, 0, poll=0.9),
        noisy(0),
    ]
    run = told(fair.Host(guests), QUIET_S + BUSY_S)
    assert run.named() == {'noisy'}


def test_a_wait_that_was_always_so_is_told_until_that_is_known() -> None:
    guests = [steady('a', 0.6, 0), steady('b', 0.6, 0)]
    run = told(fair.Host(guests), 1700)
    told_of = [one for _, one in run.findings]
    ends = [one for one in told_of if one.state == 'closed']
    assert ends
    assert {one.closed_reason for one in ends} == {'usual'}
    assert {one.id for one in ends} == {one.id for one in told_of}
    begun_us = min(one.opened_us for one in ends)
    for one in ends:
        assert 1000 < ((one.closed_us or 0) - begun_us) / 1e6 < 1500
        assert not one.aggressors


def test_a_quiet_host_has_nothing_to_tell() -> None:
    guests = [
        steady('a', 0.5, 0),
        steady('b', 0.01, 0),
        steady('c', 0.7, 1),
    ]
    assert told(fair.Host(guests), 600).findings == []


def test_a_domain_that_leaves_closes_its_finding() -> None:
    guests = [steady('victim', 0.5, 0, ends_s=250.0), noisy(0)]
    run = told(fair.Host(guests), QUIET_S + BUSY_S)
    last = run.of('victim')[-1]
    assert (last.state, last.closed_reason) == ('closed', 'gone')


def test_an_antagonist_that_leaves_closes_the_finding() -> None:
    stays = steady('noisy', 1.0, 0, starts_s=QUIET_S, ends_s=250.0)
    guests = [steady('victim', 0.5, 0), stays, steady('other', 0.1, 1)]
    run = told(fair.Host(guests), 400)
    assert run.named() == {'noisy'}
    assert run.first('noisy') <= QUIET_S + 70
    assert run.ended('noisy') <= 250 + 120
