# SPDX-License-Identifier: Apache-2.0
"""Scenarios: the truth about each is what its name says."""

import functools

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.model import codec, rates, sample
from kvm_insight.simulate import label, scenario, simulation, stage

SEED = 1000
HOURS = 1.5


@functools.cache
def run_of(
    kind: str, placement: stage.Placement = 'floating'
) -> simulation.Simulation:
    """Return the first host of a scenario."""
    scenes = scenario.build(
        kind, SEED, hours=HOURS, cpus=8, placement=placement
    )
    return simulation.Simulation(scenes[0])


def guilty(kind: str) -> set[str]:
    """Return the names of all that are guilty of anything."""
    run = run_of(kind)
    names = {
        f'domain:{guest.uuid}': guest.name for guest in run.scene.host.guests
    }
    return {
        names.get(entity, entity)
        for one in run.labels().episodes
        for entity in one.guilty
    }


def verdicts(kind: str) -> set[tuple[str | None, str | None]]:
    found = run_of(kind).labels().episodes
    return {(one.verdict, one.cause) for one in found}


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        ('antagonist', {'noisy'}),
        ('together', {'half-0', 'half-1'}),
        ('bystander', {'noisy'}),
        ('decoy', {'noisy'}),
        ('backup', {'service:backup.service'}),
        ('polling', {'noisy'}),
        ('chronic', {'noisy'}),
        ('short', {'noisy'}),
        ('day_night', set()),
        ('cron', set()),
        ('self_inflicted', set()),
        ('quiet', set()),
    ],
)
def test_those_are_guilty_who_should_be(kind: str, expected: set[str]) -> None:
    assert guilty(kind) == expected


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        ('day_night', ('overcommit', None)),
        ('cron', ('overcommit', None)),
        ('self_inflicted', ('self_inflicted', 'burst')),
        ('quota', ('self_inflicted', 'quota')),
        ('backup', ('host_process', None)),
    ],
)
def test_the_class_is_the_one_of_the_scenario(
    kind: str, expected: tuple[str, str | None]
) -> None:
    assert expected in verdicts(kind)


def test_a_quiet_host_has_no_victim() -> None:
    assert run_of('quiet').labels().episodes == []


@pytest.mark.parametrize('kind', scenario.KINDS)
def test_each_scenario_makes_samples_that_every_reader_takes(
    kind: str,
) -> None:
    last: sample.Sample | None = None
    for one in run_of(kind).samples():
        again = codec.decode(codec.encode(one), sample.Sample)
        happened = rates.between(last, again) if last else None
        if happened is None:
            # Late or doubled, after an agent's restart, or the first.
            assert last is None or kind == 'dirty'
        else:
            _check(happened, last, again)
        last = again
    assert last is not None


def _check(
    happened: rates.Rates, last: sample.Sample | None, now: sample.Sample
) -> None:
    """All that was there before has grown as time allows."""
    assert last is not None
    before = {one.uuid: len(one.vcpus) for one in last.domains}
    for one in now.domains:
        if before.get(one.uuid) == len(one.vcpus):
            domain = happened.domains.get(one.uuid)
            if domain is not None:
                assert domain.run_us is not None
                assert domain.run_delay_us is not None


def test_the_same_seed_makes_the_same_bytes() -> None:
    first, second = (
        b''.join(
            codec.encode(one) for one in simulation.Simulation(scene).samples()
        )
        for _ in range(2)
        for scene in scenario.build('antagonist', 1001, hours=0.2)
    )
    assert first == second


def test_another_seed_makes_another_host() -> None:
    one, other = (
        scenario.build('antagonist', seed, hours=0.2)[0].host
        for seed in (1001, 1002)
    )
    assert one != other


def test_labels_survive_their_file() -> None:
    found = run_of('antagonist').labels()
    assert codec.decode(codec.encode(found), label.Labels) == found
    assert msgspec.json.decode(codec.encode(found))['schema'] == label.SCHEMA


def test_guilt_lies_within_the_episode() -> None:
    for one in run_of('antagonist').labels().episodes:
        assert one.start_us < one.end_us
        for start_us, end_us in one.guilty.values():
            assert one.start_us <= start_us < end_us <= one.end_us


@pytest.mark.parametrize(
    'wrong',
    [
        {'kind': 'nonsense'},
        {'hours': 0.0},
        {'hours': float('nan')},
        {'cpus': 0},
        {'ledger': 'ebpf'},
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, object]) -> None:
    given = {'kind': 'quiet', 'seed': 1} | wrong
    with pytest.raises(exception.ConfigError):
        scenario.build(**given)  # type: ignore[arg-type]


def test_the_placement_is_as_asked() -> None:
    sizes_of: dict[stage.Placement, int] = {
        'floating': 8,
        'node': 4,
        'pinned': 1,
    }
    for placement, most in sizes_of.items():
        scene = run_of('quiet', placement=placement).scene
        sizes = {len(c) for g in scene.host.guests for c in g.cpus}
        assert sizes == {most}
