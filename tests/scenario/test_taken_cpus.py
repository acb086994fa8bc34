# SPDX-License-Identifier: Apache-2.0
"""Who takes CPUs and keeps them is to blame, though on nobody's queue."""

from kvm_insight.detect import host, settings
from kvm_insight.simulate import scenario, simulation


def test_two_that_fill_a_node_are_named_and_no_bystander_is() -> None:
    (scene,) = scenario.build(
        'together',
        1745,
        family='slices',
        ledger='ebpf',
        cpus=32,
        placement='node',
    )
    detector = host.Detector(scene.host.name, settings.Settings())
    named = {
        one.party.name
        for sample in simulation.Simulation(scene).samples()
        for found in detector.consume(sample)
        if found.evidence.baseline_source == 'history'
        for one in found.aggressors
    }
    assert named == {'half-0', 'half-1'}
