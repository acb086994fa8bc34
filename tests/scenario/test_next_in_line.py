# SPDX-License-Identifier: Apache-2.0
"""What one made others wait for is no fault of who is next in line."""

from kvm_insight.detect import host, settings
from kvm_insight.simulate import scenario, simulation


def test_when_the_antagonist_leaves_nobody_inherits_its_blame() -> None:
    (scene,) = scenario.build(
        'antagonist',
        1387,
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
