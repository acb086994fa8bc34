# SPDX-License-Identifier: Apache-2.0
"""A burst of a minute, and no more than that, is nobody's fault."""

from kvm_insight.detect import host, settings
from kvm_insight.simulate import scenario, simulation


def test_a_neighbour_with_a_short_small_burst_is_not_named() -> None:
    (scene,) = scenario.build(
        'antagonist',
        1321,
        family='slices',
        ledger='ebpf',
        cpus=4,
        placement='pinned',
    )
    run = simulation.Simulation(scene)
    detector = host.Detector(scene.host.name, settings.Settings())
    named = {
        (found.victim.uuid, one.party.entity)
        for sample in run.samples()
        for found in detector.consume(sample)
        if found.evidence.baseline_source == 'history'
        for one in found.aggressors
    }
    guilty = {
        (one.victim, who)
        for one in run.labels().episodes
        for who in (*one.guilty, *one.tolerated)
    }
    assert named
    assert named <= guilty
