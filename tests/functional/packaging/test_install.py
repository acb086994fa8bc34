# SPDX-License-Identifier: Apache-2.0
"""The core installs and runs without libvirt and without a compiler."""

import os
import pathlib
import subprocess
import sys

import pytest

NO_COMPILER = {'CC': '/bin/false', 'CXX': '/bin/false'}


@pytest.fixture(scope='module')
def core(
    tree: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """The bin folder of an environment with ``pip install .`` alone."""
    folder = tmp_path_factory.mktemp('core')
    clone = folder / 'clone'
    quiet = {'check': True, 'capture_output': True, 'text': True}
    git = ['git', '-c', 'safe.directory=*']
    subprocess.run([*git, 'clone', '-q', tree, clone], **quiet)  # type: ignore[call-overload]
    programs = folder / 'venv/bin'
    subprocess.run([sys.executable, '-m', 'venv', folder / 'venv'], **quiet)  # type: ignore[call-overload]
    done = subprocess.run(
        [programs / 'pip', 'install', '-q', clone],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | NO_COMPILER,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return programs


def say(program: pathlib.Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [program, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd='/',
    )
    return done.returncode, done.stdout + done.stderr


def test_the_core_has_no_libvirt(core: pathlib.Path) -> None:
    status, said = say(core / 'python', '-c', 'import libvirt')
    assert (status, 'ModuleNotFoundError' in said) == (1, True)


@pytest.mark.parametrize('verb', ['', 'replay', 'record', 'top', 'status'])
def test_each_verb_explains_itself_without_libvirt(
    core: pathlib.Path, verb: str
) -> None:
    words = [verb] if verb else []
    status, said = say(core / 'kvm-insight', *words, '--help')
    assert status == 0, said
    assert 'usage: kvm-insight' in said


@pytest.mark.parametrize('name', ['analyzer', 'planner'])
def test_services_explain_themselves_without_libvirt(
    core: pathlib.Path, name: str
) -> None:
    status, said = say(core / f'kvm-insight-{name}', '--help')
    assert status == 0, said


def test_the_agent_says_what_it_lacks_and_the_remedy(
    core: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    status, said = say(
        core / 'kvm-insight',
        'standalone',
        '--state',
        str(tmp_path),
        '--for',
        '5',
    )
    assert status in {1, 2}, said
    assert 'kvm-insight[agent]' in said
    assert 'Traceback' not in said


def test_the_exact_ledger_comes_with_its_object(core: pathlib.Path) -> None:
    found = list(core.parent.glob('lib/*/site-packages/kvm_insight/**/*.o'))
    assert found, 'no BPF object was installed'
