# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-feed`` as an operator runs it: a process with a file."""

import pathlib
import signal
import stat
import subprocess
import sys
import time

import pytest

from tests.functional.planner import conftest, test_feeds

CODE = (
    'import sys; from kvm_insight.cmd import feeder; '
    'sys.exit(feeder.main(sys.argv[1:]))'
)


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> conftest.Bench:
    """A bus with hot hosts, and no planner."""
    made = conftest.on_embedded(tmp_path)
    made.describe()
    return made


def start(
    folder: pathlib.Path, active: str, into: str = 'nova.json'
) -> 'subprocess.Popen[str]':
    config = folder / 'kvm-insight.conf'
    config.write_text(
        f'[bus]\npath = {folder}/bus.db\ntopic_prefix = t.\n'
        f'[feed]\nactive = {active}\nregion = r\nwrite_every_s = 1\n'
        f'snapshot_path = {folder}/{into}\n'
    )
    return subprocess.Popen(
        [sys.executable, '-c', CODE, '--config-file', str(config)],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ('active', 'words'),
    [
        ('', 'names no feed of kvm-insight-feed; add nova or watcher'),
        ('webhook,topic', 'add nova or watcher'),
        ('nova,nobody', 'there is no nobody'),
    ],
)
def test_without_a_feed_of_its_own_it_does_not_start(
    bench: conftest.Bench, active: str, words: str
) -> None:
    child = start(bench.folder, active)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 2
    assert words in said
    assert 'Traceback' not in said


def test_it_writes_without_a_planner_and_ends_when_told_to(
    bench: conftest.Bench,
) -> None:
    # A feed of the planner in the same file is none of its business.
    child = start(bench.folder, 'nova,topic')
    path = bench.folder / 'nova.json'
    try:
        # Heat is a fact of the hosts; marks are a planner's.
        expected = {'0': False, '1': False, '2': False}
        bench.wait_for(lambda: test_feeds.hot_in(bench.folder) == expected)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        first = path.stat().st_mtime_ns
        bench.wait_for(lambda: path.stat().st_mtime_ns > first)
    finally:
        begin = time.monotonic()
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert time.monotonic() - begin < 30
    assert 'Traceback' not in said


def test_a_folder_that_is_gone_is_said_once_and_outlived(
    bench: conftest.Bench, tmp_path: pathlib.Path
) -> None:
    gone = tmp_path / 'run'
    gone.mkdir()
    child = start(bench.folder, 'nova', 'run/nova.json')
    try:
        bench.wait_for(lambda: test_feeds.hot_in(gone))
        (gone / 'nova.json').unlink()
        gone.rmdir()
        time.sleep(4)
        gone.mkdir()
        bench.wait_for(lambda: test_feeds.hot_in(gone))
    finally:
        child.terminate()
        _, said = child.communicate(timeout=60)
    assert said.count('No such file or directory; trying again') == 1
    assert said.count('nova: works again') == 1
