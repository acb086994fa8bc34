# SPDX-License-Identifier: Apache-2.0
"""The plugin's broker for real: Java, jars, topics, a second run, clean."""

import pathlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from broker import jars

from kvm_insight import conf
from kvm_insight.bus import driver, topic
from kvm_insight.conf import bus as options
from tests.functional.devstack import node


@pytest.fixture
def real(nodes: Callable[..., node.Node]) -> Iterator[node.Node]:
    """A node whose broker is a real one; nothing of it stays."""
    with socket.create_server(('127.0.0.1', 0)) as one:
        port = one.getsockname()[1]
        with socket.create_server(('127.0.0.1', 0)) as other:
            controller = other.getsockname()[1]
    made = nodes(
        BIN=str(pathlib.Path(sys.executable).parent),
        REAL_PROCESSES='1',
        # Those that need nothing but the broker.
        ENABLED_SERVICES='key,kvm-insight-kafka,kvm-insight-analyzer',
        KVM_INSIGHT_KAFKA_JARS=str(jars.install()),
        KVM_INSIGHT_KAFKA_PORT=str(port),
        KVM_INSIGHT_KAFKA_CONTROLLER_PORT=str(controller),
    )
    made.programs = f'{pathlib.Path(jars.java()).parent}:'
    yield made
    made.run('unstack')


def topics(one: node.Node) -> set[str]:
    loaded = conf.load([str(one.configuration)])
    bus = driver.open_bus(*options.driver_settings(loaded))
    try:
        return set(bus.topics())
    finally:
        bus.close()


def test_the_broker_takes_our_topics_and_leaves_nothing(
    real: node.Node,
) -> None:
    phases = ('install', 'post-config', 'extra')
    real.run(*(f'stack {phase}' for phase in phases))
    wanted = {one.name for one in topic.layout('kvm-insight.', partitions=4)}
    assert wanted <= topics(real)
    said = real.run('stack extra').stdout
    assert 'all of them are there already' in said
    (pid,) = (real.root / 'running/kvm-insight-kafka').read_text().split()
    real.run('unstack')
    alive = subprocess.run(['kill', '-0', pid], capture_output=True)
    assert alive.returncode != 0
    real.run(*(f'stack {phase}' for phase in phases))
    assert wanted <= topics(real), 'data stays between unstack and stack'
    real.run('unstack')
    # The environment is the one of these tests: it is not to lose us.
    real.run('clean', BIN=str(real.root))
    assert not (real.root / 'opt/stack/data/kvm-insight').exists()
