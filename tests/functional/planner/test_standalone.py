# SPDX-License-Identifier: Apache-2.0
"""From samples to a recommendation in one process, as an operator runs it."""

import dataclasses
import pathlib
import subprocess
import sys
import time

from kvm_insight.bus import driver, topic
from kvm_insight.cmd import outlet
from kvm_insight.model import codec
from kvm_insight.simulate import cluster, scenario, simulation, stage

CPUS = 8
HOURS = 0.25
#: As if the last sample came when the test began.
LATE_S = 20.0


def scenes() -> list[stage.Scene]:
    """Return a host on which one is far too noisy, and three quiet ones."""
    begin_us = int((time.time() - LATE_S - HOURS * 3600) * 1e6)
    return [
        dataclasses.replace(
            scene, agent=dataclasses.replace(scene.agent, begin_us=begin_us)
        )
        for kind, seed in (('chronic', 1), *(('quiet', n) for n in range(3)))
        for scene in scenario.build(
            kind, seed, cpus=CPUS, hours=HOURS, placement='floating'
        )
    ]


def simulated(state: pathlib.Path, hosts: list[stage.Scene]) -> None:
    """Put what agents would have told on the bus of a standalone."""
    bus = driver.open_bus('embedded', {'path': str(state / 'bus.db')})
    bus.create_topics(topic.layout(topic.PREFIX, partitions=1))
    with outlet.to_bus(bus, topic.PREFIX + topic.SAMPLES) as out:
        for scene in hosts:
            for one in simulation.Simulation(scene).samples():
                out.take(one)
    bus.close()


def test_standalone_with_a_description_of_the_cluster_recommends(
    tmp_path: pathlib.Path,
) -> None:
    hosts = scenes()
    simulated(tmp_path, hosts)
    described = tmp_path / 'cluster.json'
    described.write_bytes(codec.encode(cluster.of(hosts, HOURS * 3600)))
    config = tmp_path / 'kvm-insight.conf'
    config.write_text(f'[planner]\ncluster_file = {described}\ncycle_s = 1\n')
    words = [
        *('--config-file', str(config), '--state', str(tmp_path)),
        *('--uri', 'test:///default', '--run-dir', str(tmp_path)),
        *('--host', 'elsewhere', '--for', '15', '--interval', '2'),
    ]
    code = 'import sys; from kvm_insight.cmd import insight; '
    code += 'sys.exit(insight.main())'
    done = subprocess.run(
        [sys.executable, '-c', code, 'standalone', *words],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = [one for one in done.stdout.splitlines() if 'PROPOSED' in one]
    assert said, done.stdout + done.stderr
    assert hosts[0].host.name in said[0]
