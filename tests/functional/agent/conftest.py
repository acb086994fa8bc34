# SPDX-License-Identifier: Apache-2.0
"""The real agent beside a real libvirtd; what it publishes is read back."""

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest
from lab import daemon

from kvm_insight import exception
from kvm_insight.bus import embedded, port
from kvm_insight.model import codec, sample

TOPIC = 'kvm-insight.samples'
Condition = Callable[[sample.Sample], bool]


class Watched:
    """One agent process and the samples that it has published."""

    def __init__(self, folder: pathlib.Path, options: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / 'agent.conf'
        self.configure(options)
        self.samples: list[sample.Sample] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._log: TextIO | None = None
        self._bus: port.Bus | None = None
        self._consumer: port.Consumer | None = None

    def configure(self, options: dict[str, str]) -> None:
        """Write the options: names are ``group.option``."""
        groups: dict[str, list[str]] = {}
        for name, value in options.items():
            group, _, option = name.partition('.')
            groups.setdefault(group, []).append(f'{option} = {value}\n')
        self.config.write_text(
            ''.join(f'[{g}]\n{"".join(lines)}' for g, lines in groups.items())
        )

    def start(self, *before: str) -> 'Watched':
        """Start it; ``before`` are words in front of the command."""
        self._log = (self.folder / 'agent.log').open('a')
        self.process = subprocess.Popen(
            [
                *before,
                sys.executable,
                '-c',
                'import sys; from kvm_insight.cmd import agent;'
                ' sys.exit(agent.main())',
                '--config-file',
                str(self.config),
            ],
            stdout=self._log,
            stderr=self._log,
            env=os.environ | {'PYTHONWARNINGS': 'default'},
        )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.folder / 'agent.log').read_text()

    def poll(self) -> list[sample.Sample]:
        """Return what came since the last call."""
        if self._consumer is None:
            if not (self.folder / 'bus.db').exists():
                return []
            self._bus = embedded.connect({'path': str(self.folder / 'bus.db')})
            self._consumer = self._bus.consumer([TOPIC])
        try:
            records = self._consumer.poll(0.2)
        except exception.BusRefused:
            # The file is there, the topics not yet.
            return []
        new = [codec.decode(r.value or b'', sample.Sample) for r in records]
        self.samples += new
        return new

    def wait(self, condition: Condition, timeout_s: float) -> sample.Sample:
        """Return the first new sample for which the condition holds."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            assert self.process is None or self.process.poll() is None, (
                self.log
            )
            for new in self.poll():
                if condition(new):
                    return new
            time.sleep(0.05)
        raise AssertionError(
            f'not within {timeout_s} s; last: {self.samples[-1:]}\n{self.log}'
        )

    def more(self, count: int, timeout_s: float = 20) -> list[sample.Sample]:
        """Return so many samples that come from now on."""
        while self.poll():
            pass
        wanted = len(self.samples) + count
        self.wait(lambda _: len(self.samples) >= wanted, timeout_s)
        return self.samples[wanted - count :]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """End it; return its exit code and how long that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(20)
        return code, time.monotonic() - began

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._consumer is not None:
            self._consumer.close()
        if self._bus is not None:
            self._bus.close()
        if self._log is not None:
            self._log.close()


Watch = Callable[..., Watched]


@pytest.fixture
def watch(tmp_path: pathlib.Path) -> Iterator[Watch]:
    """A maker of agents: of which lab, with which further options."""
    made: list[Watched] = []

    def make(
        lab: daemon.Lab, *, start: bool = True, **options: str
    ) -> Watched:
        folder = tmp_path / f'agent-{len(made)}'
        defaults = {
            'agent.libvirt_uri': lab.uri,
            'agent.run_dir': str(lab.pid_folder),
            'agent.host': 'lab-host',
            'agent.interval_s': '1',
            'agent.tick_s': '0.4',
            'agent.survey_s': '1',
            'agent.libvirt_timeout_s': '1.5',
            'bus.path': str(folder / 'bus.db'),
            'bus.spool_path': str(folder / 'spool.db'),
        }
        given = {
            name.replace('__', '.'): value for name, value in options.items()
        }
        watched = Watched(folder, defaults | given)
        made.append(watched)
        return watched.start() if start else watched

    yield make
    for watched in made:
        watched.close()
