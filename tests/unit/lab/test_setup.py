# SPDX-License-Identifier: Apache-2.0
"""What quickstart and check install: only what is missing."""

import pathlib
import subprocess

import pytest


def shell(
    tree: pathlib.Path, script: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    set_up = f'TREE={tree}; . {tree}/tools/setup.sh; choose_python; '
    if path is not None:
        set_up += f'PATH={path}; '
    return subprocess.run(
        ['bash', '-uc', set_up + script],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize('profile', ['python', 'build', 'agent', 'lab'])
def test_each_profile_can_be_asked(tree: pathlib.Path, profile: str) -> None:
    done = shell(tree, f'missing_packages {profile}')
    assert (done.returncode, done.stderr) == (0, '')


def test_a_machine_without_programs_misses_them(tree: pathlib.Path) -> None:
    done = shell(tree, 'missing_packages broker', path='/nowhere')
    assert set(done.stdout.split()) == {'default-jre-headless', 'maven'}


def test_what_another_profile_needs_is_not_asked_for(
    tree: pathlib.Path,
) -> None:
    done = shell(tree, 'missing_packages python', path='/nowhere')
    assert done.stdout == ''


def test_an_ordinary_user_is_told_the_one_command(
    tree: pathlib.Path,
) -> None:
    script = (
        'id() { echo 1000; }; has() { [ "$1" = apt-get ]; }; '
        'missing_packages() { echo maven; }; need_packages broker'
    )
    done = shell(tree, script)
    assert done.returncode == 1
    assert 'sudo apt-get install --no-install-recommends maven' in done.stdout
