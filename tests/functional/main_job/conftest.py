# SPDX-License-Identifier: Apache-2.0
"""The stage of the main job: services, guests, broker, and the truth."""

import contextlib
import dataclasses
import os
import pathlib
import uuid
from collections.abc import Callable, Iterator

import pytest
from broker import node
from lab import daemon

from tests.functional.main_job import script, stage, truth

#: A maker of stages; each has topics, spool and recording of its own.
Play = Callable[[str], contextlib.AbstractContextManager[stage.Stage]]


@pytest.fixture(scope='session')
def cpus() -> tuple[int, int]:
    """Two CPUs for the guests to meet on."""
    found = sorted(os.sched_getaffinity(0))
    assert len(found) >= 2, 'two CPUs are needed'
    return found[0], found[1]


@pytest.fixture(scope='session')
def play(
    lab: daemon.Lab,
    broker: node.Broker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Play:
    """Start agent, analyzer and recorder on the shared libvirtd."""

    def start(
        name: str,
    ) -> contextlib.AbstractContextManager[stage.Stage]:
        folder = pathlib.Path(tmp_path_factory.mktemp(name))
        prefix = f'{name}-{uuid.uuid4().hex[:8]}.'
        return stage.play(
            folder, broker.servers[0], prefix, lab.uri, lab.pid_folder
        )

    return start


@pytest.fixture(scope='session')
def enter(
    lab: daemon.Lab, virt_type: str
) -> Callable[..., contextlib.AbstractContextManager[truth.Consoles]]:
    """Start guests; they leave when the block ends."""

    @contextlib.contextmanager
    def start(*guests: script.Guest) -> Iterator[truth.Consoles]:
        consoles = truth.Consoles(
            {one.name: lab.place.console(one.name) for one in guests}
        )
        try:
            for one in guests:
                lab.start(dataclasses.replace(one, virt=virt_type))
            yield consoles
        finally:
            consoles.close()
            lab.stop(*(one.name for one in guests))

    return start
