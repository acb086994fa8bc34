# SPDX-License-Identifier: Apache-2.0
"""A real Watcher in an environment of its own, and our package beside it."""

import os
import pathlib
import subprocess
import venv

import pytest

WATCHER = 'python-watcher>=16,<18'


@pytest.fixture(scope='session')
def watcher_python(tree: pathlib.Path) -> pathlib.Path:
    """Return a Python that has Watcher; installed once, kept in the tree."""
    known = os.environ.get('KVM_INSIGHT_WATCHER_PYTHON')
    if known:
        return pathlib.Path(known)
    home = tree / '.venv-watcher'
    python = home / 'bin/python'
    if not (home / 'installed').exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [python, '-m', 'pip', 'install', '--no-input', '-q']
        subprocess.run([*pip, WATCHER], check=True, timeout=280)
        # Its entry points and its code, and nothing that it needs elsewhere.
        words = [*pip, '--no-deps', '-e', str(tree)]
        subprocess.run(words, check=True, timeout=120)
        (home / 'installed').touch()
    return python
