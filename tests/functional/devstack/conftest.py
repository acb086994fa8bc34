# SPDX-License-Identifier: Apache-2.0
"""Nodes in a folder, for the DevStack plugin's phases."""

import pathlib
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.functional.devstack import node


@pytest.fixture
def open_port() -> Iterator[str]:
    """Where something listens, as a broker that is up would."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        yield str(listener.getsockname()[1])


@pytest.fixture
def nodes(
    tree: pathlib.Path, tmp_path: pathlib.Path, open_port: str
) -> Callable[..., node.Node]:
    """A maker of nodes; keywords are the lines of local.conf."""

    def make(**settings: str) -> node.Node:
        root = tmp_path / 'node'
        for folder in ('opt/stack/kvm-insight', 'etc/systemd/system'):
            (root / folder).mkdir(parents=True)
        nova = root / 'etc/nova/nova.conf'
        nova.parent.mkdir()
        nova.write_text('[DEFAULT]\nhost = compute-7\n\n')
        settings.setdefault('ENABLED_SERVICES', node.ALL_IN_ONE)
        settings.setdefault('KVM_INSIGHT_KAFKA_PORT', open_port)
        return node.Node(root, tree / 'devstack', settings)

    return make
