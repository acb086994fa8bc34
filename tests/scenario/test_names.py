# SPDX-License-Identifier: Apache-2.0
"""Who is guilty is named on whole hosts, and no bystander is."""

import pytest

from kvm_insight.detect import host, settings
from kvm_insight.simulate import scenario, simulation, stage


def names(
    kind: str, seed: int, cpus: int, placement: stage.Placement
) -> set[str]:
    """Return who was named on a host with the exact ledger; nobody who is
    not guilty is."""
    (scene,) = scenario.build(
        kind,
        seed,
        family='slices',
        ledger='ebpf',
        cpus=cpus,
        placement=placement,
    )
    run = simulation.Simulation(scene)
    detector = host.Detector(scene.host.name, settings.Settings())
    told = [
        (found.victim.uuid, one.party)
        for sample in run.samples()
        for found in detector.consume(sample)
        if found.evidence.baseline_source == 'history'
        for one in found.aggressors
    ]
    guilty = {
        (one.victim, who)
        for one in run.labels().episodes
        for who in (*one.guilty, *one.tolerated)
    }
    assert {(victim, party.entity) for victim, party in told} <= guilty
    return {party.name or party.entity for _, party in told}


def test_when_the_antagonist_leaves_nobody_inherits_its_blame() -> None:
    assert names('antagonist', 1387, 4, 'pinned')


def test_a_neighbour_with_a_short_small_burst_is_not_named() -> None:
    assert names('antagonist', 1321, 4, 'pinned')


def test_who_takes_cpus_and_keeps_them_is_named_though_on_no_queue() -> None:
    assert names('together', 1745, 32, 'node') == {'half-0', 'half-1'}


@pytest.mark.parametrize('seed', [1220, 1352])
def test_nobody_is_named_for_what_it_does_since_before_anybody_looked(
    seed: int,
) -> None:
    assert names('day_night', seed, 16, 'node') == set()
