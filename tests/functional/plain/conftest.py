# SPDX-License-Identifier: Apache-2.0
"""A bus of plain hosts, and our services on it."""

import contextlib
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from kvm_insight.bus import driver, port, topic
from kvm_insight.model import codec, inventory, recommendation
from tests import hearing

PREFIX = topic.PREFIX
SIMULATE = 'simulate --plain --cpus 8 --placement floating --hours 0.25'
CONFIG = """
[bus]
driver = embedded
path = {folder}/bus.db
spool_path = {folder}/spool.db
[planner]
source = hosts
cycle_s = 1
[plain]
{plain}
"""


class Stage:
    """A bus with simulated hosts on it."""

    def __init__(self, folder: pathlib.Path, bus: port.Bus) -> None:
        self.folder = folder
        self.bus = bus
        self.config = folder / 'kvm-insight.conf'
        self.started: list[subprocess.Popen[str]] = []
        self.configure(silent_s=600)

    def configure(self, **plain: object) -> None:
        """Write the options of the group plain."""
        lines = '\n'.join(f'{name} = {x}' for name, x in plain.items())
        self.config.write_text(CONFIG.format(folder=self.folder, plain=lines))

    def insight(self, words: str) -> None:
        """Run a command to its end."""
        done = subprocess.run(
            [*self.program('insight'), *words.split()],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def program(self, name: str) -> list[str]:
        code = f'import sys; from kvm_insight.cmd import {name}; '
        code += f'sys.exit({name}.main())'
        return [sys.executable, '-c', code]

    def serve(self, name: str) -> 'subprocess.Popen[str]':
        """Start a service."""
        with (self.folder / f'{name}.log').open('a') as log:
            made = subprocess.Popen(
                [*self.program(name), '--config-file', str(self.config)],
                stderr=log,
                text=True,
            )
        self.started.append(made)
        return made

    def end(self, one: 'subprocess.Popen[str]') -> None:
        """End a service."""
        one.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.wait(20)
        one.kill()
        one.wait()

    def simulate(self, kind: str, seed: int, count: int = 1) -> None:
        words = f'--scenario {kind} --seed {seed} --hosts {count}'
        self.insight(f'{SIMULATE} {words} --config-file {self.config}')

    def records(self, name: str) -> list[bytes]:
        return hearing.values(self.bus, PREFIX + name)

    def told(self) -> list[recommendation.Recommendation]:
        return hearing.recommendations(self.bus, PREFIX)

    def statuses(self) -> list[inventory.PlannerStatus]:
        return hearing.statuses(self.bus, PREFIX)

    def facts(self) -> dict[str, inventory.HostFacts]:
        found = [
            codec.decode(one, inventory.HostFacts)
            for one in self.records(topic.INVENTORY)
            if codec.schema_of(one) == inventory.HOST_SCHEMA
        ]
        return {one.host: one for one in found}

    def wait_for(self, done: Callable[[], object], within_s: float) -> None:
        until = time.monotonic() + within_s
        while not done():
            logs = [one.read_text() for one in self.folder.glob('*.log')]
            assert time.monotonic() < until, (
                [one.unrelieved for one in self.statuses()[-1:]],
                logs,
            )
            time.sleep(0.3)


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Iterator[Stage]:
    bus = driver.open_bus('embedded', {'path': str(tmp_path / 'bus.db')})
    bus.create_topics(topic.layout(PREFIX, partitions=1))
    made = Stage(tmp_path, bus)
    yield made
    for one in made.started:
        made.end(one)
    bus.close()
