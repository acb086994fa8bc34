# SPDX-License-Identifier: Apache-2.0
"""Nova and Watcher, each in an environment of its own in the tree.

``python tools/neighbours.py`` installs what is missing; tests ask for the
Python of one. Ours is beside them as an operator would put it there: its code
and entry points, and nothing that it needs elsewhere.
"""

import os
import pathlib
import subprocess
import sys
import venv

TREE = pathlib.Path(__file__).resolve().parent.parent
NEIGHBOURS = {
    'nova': 'nova>=34.0.0,<35',
    'watcher': 'python-watcher>=17.0.0,<18',
}


def python(name: str) -> pathlib.Path:
    """Return a Python that has it; install it first where that is missing.

    ``KVM_INSIGHT_NOVA_PYTHON`` or ``..._WATCHER_...`` names another one.
    """
    known = os.environ.get(f'KVM_INSIGHT_{name.upper()}_PYTHON')
    if known:
        return pathlib.Path(known)
    home = TREE / f'.venv-{name}'
    found = home / 'bin/python'
    done = home / 'installed'
    if not done.exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(found), '-m', 'pip', 'install', '--no-input', '-q']
        subprocess.run([*pip, NEIGHBOURS[name]], check=True)
        subprocess.run([*pip, '--no-deps', '-e', str(TREE)], check=True)
        done.touch()
    return found


def main() -> int:
    """Install both."""
    for name in NEIGHBOURS:
        print(f'{name}: {python(name)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
