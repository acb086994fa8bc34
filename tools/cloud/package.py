# SPDX-License-Identifier: Apache-2.0
"""The services' Python environment, and the guests' kernel."""

import pathlib
import shutil
import subprocess
import sys

from lab import image

from cloud import place


def install() -> pathlib.Path:
    """Return the environment, made if it is not there."""
    folder = place.venv()
    mark = folder / 'installed'
    if mark.exists():
        return folder
    place.say('installing the services; some minutes where nothing is cached')
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run(sys.executable, '-m', 'venv', folder)
    # Of the same registry, and several times as fast with 150 packages.
    _run(folder / 'bin/pip', 'install', '-q', '--no-input', 'uv')
    _run(
        folder / 'bin/uv',
        'pip',
        'install',
        '-q',
        f'--python={folder}/bin/python',
        f'--requirement={place.HERE}/requirements.txt',
        f'--constraint={place.HERE}/constraints.txt',
    )
    mark.touch()
    return folder


def guest(where: place.Place) -> None:
    """Make the guests' kernel, initramfs and an empty disk."""
    folder = where.home / 'guest'
    folder.mkdir(exist_ok=True)
    image.make(folder / 'kernel', folder / 'initramfs')
    with (folder / 'disk').open('wb') as disk:
        disk.truncate(16 << 20)


def _run(*words: object) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise place.CloudError(f'{words[0]}: {done.stderr[-2000:]}')
