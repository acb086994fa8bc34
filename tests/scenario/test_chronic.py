# SPDX-License-Identifier: Apache-2.0
"""Who waited since it began is held to those like it, wherever they are."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence

import pytest

from kvm_insight.detect import cohorts, host, settings
from kvm_insight.model import codec, finding, inventory, sample, state, usage
from kvm_insight.recommend import cohort, history
from kvm_insight.simulate import scenario, simulation
from tests.scenario import fair

RULES = settings.Settings()
CPUS = 8
MINUTE_US = 60_000_000
#: The hour in which the others were watched ends here.
HOUR_END_US = 1_700_002_800_000_000
KNOWN_US = HOUR_END_US + cohorts.SETTLED_US


@functools.cache
def samples(
    kind: str, seed: int, begin_us: int, hours: float = 0.6
) -> list[sample.Sample]:
    """Return what a simulated host tells."""
    (scene,) = scenario.build(
        kind, seed, cpus=CPUS, hours=hours, placement='floating'
    )
    agent = dataclasses.replace(scene.agent, begin_us=begin_us)
    scene = dataclasses.replace(scene, agent=agent)
    return list(simulation.Simulation(scene).samples())


def told(
    one: host.Detector, news: Iterable[sample.Sample]
) -> list[finding.Finding]:
    return [found for new in news for found in one.consume(new)]


def usual_on(kind: str) -> cohorts.Cohorts:
    """Return what a planner tells of the flavors on four such hosts."""
    past = history.History(24)
    for seed in range(900, 904):
        new = samples(kind, seed, HOUR_END_US - 50 * MINUTE_US, 0.9)
        one = host.Detector(new[0].host, RULES)
        told(one, new)
        for hour in one.account.drain():
            past.take(hour)
    assert (past.newest + 1) * usage.HOUR_US == HOUR_END_US
    found = cohorts.Cohorts()
    for name, of_flavor in cohort.of_flavors(past).items():
        one_ = inventory.FlavorFacts(flavor=name, cohort=of_flavor)
        found.take(inventory.key(one_), codec.encode(one_))
    return found


@pytest.fixture(scope='module')
def calm() -> cohorts.Cohorts:
    return usual_on('quiet')


def named(found: finding.Finding) -> list[str | None]:
    return [one.party.name for one in found.aggressors]


def standing(findings: Sequence[finding.Finding]) -> list[finding.Finding]:
    """Return what is open at the end, but for what the noisy one suffers."""
    last = {one.id: one for one in findings}
    return [
        one
        for one in last.values()
        if one.state != 'closed' and not is_noisy(one.victim.name)
    ]


def is_noisy(name: str | None) -> bool:
    return name is not None and 'noisy' in name


@pytest.mark.parametrize('seed', range(2))
def test_who_was_noisy_since_before_anybody_looked_is_named(
    calm: cohorts.Cohorts, seed: int
) -> None:
    new = samples('chronic', seed, KNOWN_US)
    victims = standing(told(host.Detector(new[0].host, RULES, calm), new))
    assert len(victims) >= len(new[0].domains) - 2
    for one in victims:
        assert (one.verdict, one.cause) == ('antagonist', 'chronic')
        assert one.evidence.baseline_source == 'cohort'
        assert one.evidence.baseline < 0.05 < one.evidence.suffering
        assert one.confidence <= 0.7
        assert all(map(is_noisy, named(one)))
        assert len(one.aggressors) == 1
    # Its own past says that all is as always.
    assert standing(told(host.Detector(new[0].host, RULES), new)) == []


def test_it_is_seen_when_the_cohort_becomes_known(
    calm: cohorts.Cohorts,
) -> None:
    new = samples('chronic', 1, KNOWN_US - 25 * MINUTE_US)
    found = told(host.Detector(new[0].host, RULES, calm), new)
    first = [one for one in found if one.cause == 'chronic']
    assert first[0].opened_us >= KNOWN_US
    assert first[0].opened_us < KNOWN_US + 3 * MINUTE_US
    assert {one.id for one in standing(found)} == {one.id for one in first}


def test_when_the_noisy_one_rests_the_story_ends() -> None:
    facts = fair.small_flavor()
    usual = cohorts.Cohorts()
    usual.take(inventory.key(facts), codec.encode(facts))
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,), flavor='small'),
        fair.Guest('noisy', ((900, 1.0), (900, 0.05)), (0,), flavor='small'),
    ]
    one = host.Detector('lab/one', RULES, usual)
    found = [
        each
        for each in told(one, fair.Host(guests).samples(1200))
        if each.victim.name == 'victim' and each.cause == 'chronic'
    ]
    assert len({each.id for each in found}) == 1
    assert found[-1].closed_reason == 'recovered'
    ended_us = found[-1].updated_us - fair.BEGIN_US
    assert 900_000_000 <= ended_us < 1_000_000_000


@pytest.mark.parametrize('kind', ['day_night', 'chronic'])
def test_where_the_whole_cohort_waits_alike_nobody_is_to_blame(
    kind: str,
) -> None:
    usual = usual_on(kind)
    new = samples('day_night', 1, KNOWN_US, 1.0)
    found = told(host.Detector(new[0].host, RULES, usual), new)
    assert {one.verdict for one in found} <= {'overcommit'}
    assert all(one.aggressors == [] for one in found)


def test_on_a_host_that_is_too_small_for_all_nobody_is_named(
    calm: cohorts.Cohorts,
) -> None:
    new = samples('day_night', 1, KNOWN_US, 1.0)
    found = told(host.Detector(new[0].host, RULES, calm), new)
    assert 'chronic' in {one.cause for one in standing(found)}
    assert {one.verdict for one in found} == {'overcommit'}


def test_quiet_hosts_stay_quiet(calm: cohorts.Cohorts) -> None:
    for seed in range(3):
        new = samples('quiet', seed, KNOWN_US)
        assert told(host.Detector(new[0].host, RULES, calm), new) == []


@pytest.mark.parametrize('at', [1, 90, 170])
def test_handed_over_it_goes_on_with_the_cohorts_it_had(
    calm: cohorts.Cohorts, at: int
) -> None:
    new = samples('chronic', 1, KNOWN_US - 15 * MINUTE_US)
    whole = told(host.Detector(new[0].host, RULES, calm), new)
    assert any(one.cause == 'chronic' for one in whole)
    first = host.Detector(new[0].host, RULES, calm)
    found = told(first, new[:at])
    kept = codec.encode(first.state())
    # Who has them already need not have read them again.
    usual = cohorts.Cohorts() if at == 170 else calm
    second = host.Detector(new[0].host, RULES, usual)
    second.restore(codec.decode(kept, state.HostState))
    assert codec.encode(second.state()) == kept
    assert found + told(second, new[at:]) == whole
