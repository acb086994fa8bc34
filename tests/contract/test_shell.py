# SPDX-License-Identifier: Apache-2.0
"""Shell scripts, looked at as OpenStack's gate does and by shellcheck."""

import pathlib
import subprocess
import sys

import pytest

#: As DevStack's own tox.ini has it.
BASHATE = ['-v', '-iE006', '-eE005,E042']


@pytest.fixture
def plugin(tree: pathlib.Path) -> list[str]:
    """The plugin's files, and the stand-ins that its tests run it with."""
    folder = tree / 'devstack'
    found = [folder / name for name in ('settings', 'override-defaults')]
    found += [*folder.glob('*.sh'), *folder.glob('lib/*')]
    found += [tree / 'tests/functional/devstack/functions']
    assert len(found) > 5
    return [str(path) for path in found]


def test_bashate_has_nothing_to_say_of_the_plugin(plugin: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'bashate.bashate', *BASHATE, *plugin],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'warning(s) found' not in done.stdout, done.stdout


def test_shellcheck_has_nothing_to_say(
    tree: pathlib.Path, plugin: list[str]
) -> None:
    done = subprocess.run(
        ['shellcheck', '-x', *plugin, 'check', 'quickstart', '.ci/run'],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_plugin_only_dispatches(tree: pathlib.Path) -> None:
    lines = (tree / 'devstack/plugin.sh').read_text().splitlines()
    assert not [line for line in lines if line.startswith('function ')]
    assert len(lines) < 60
