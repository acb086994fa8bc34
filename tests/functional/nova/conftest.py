# SPDX-License-Identifier: Apache-2.0
"""A real Nova in an environment of its own, with nothing of ours in it."""

import json
import os
import pathlib
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import neighbours
import pytest

WORKER = pathlib.Path(__file__).with_name('scheduler.py')
CLASSES = 'kvm_insight.feed.nova_weigher'


@pytest.fixture(scope='session')
def nova_python() -> pathlib.Path:
    """Return a Python that has Nova."""
    return neighbours.python('nova')


class Scheduler:
    """Nova's host manager with our weigher and filter, as a process."""

    def __init__(
        self, python: pathlib.Path, tree: pathlib.Path, folder: pathlib.Path
    ) -> None:
        self.snapshot = folder / 'nova.json'
        config = folder / 'nova.conf'
        config.write_text(
            '[filter_scheduler]\n'
            'weight_classes = nova.scheduler.weights.ram.RAMWeigher,'
            f'{CLASSES}.HotHostWeigher\n'
            'available_filters = nova.scheduler.filters.all_filters\n'
            f'available_filters = {CLASSES}.HotHostFilter\n'
            'enabled_filters = SameHostFilter,HotHostFilter\n'
            f'[kvm_insight]\nsnapshot_path = {self.snapshot}\n'
        )
        self._child = subprocess.Popen(
            [python, '-W', 'ignore', WORKER, config],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={'PYTHONPATH': str(tree), 'PATH': os.environ['PATH']},
        )

    def ask(self, hosts: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Return what Nova answers for these candidates."""
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({'hosts': hosts}) + '\n')
        child.stdin.flush()
        line = child.stdout.readline()
        assert line, 'our part raised out of Nova'
        return dict(json.loads(line))

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture(scope='session')
def running(
    nova_python: pathlib.Path,
    tree: pathlib.Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scheduler]:
    """A scheduler for all tests: Nova takes long to be imported."""
    folder = tmp_path_factory.mktemp('nova')
    made = Scheduler(nova_python, tree, folder)
    yield made
    made.close()


@pytest.fixture
def scheduler(running: Scheduler) -> Scheduler:
    """The scheduler with its snapshot away, which it has not noticed."""
    path = running.snapshot
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    # A trouble that lasts from another test would be told to nobody.
    write_empty(path)
    running.ask({'one': {}, 'two': {}})
    path.unlink()
    return running


def write_empty(path: pathlib.Path) -> None:
    """Write a good snapshot without a hot host."""
    content = {
        'schema': 'kvm_insight.snapshot/1',
        'written_us': time.time_ns() // 1000,
        'hosts': {},
    }
    path.write_text(json.dumps(content))
