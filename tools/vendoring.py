# SPDX-License-Identifier: Apache-2.0
"""What the dashboard has of npm: pinned, fetched and verified.

``vendor.json`` beside the files names package, version, the sha256 of the
package as npm hands it out, and that of each file that is taken from it.
Files for pages lie in the tree; those for tests alone in ``.vendor``, where
``fetched`` puts them when they are asked for.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
from typing import Any

TREE = pathlib.Path(__file__).resolve().parent.parent
PINS = TREE / 'kvm_insight/api/dashboard/static/vendor/vendor.json'
#: Where files go by what they are for.
FOLDERS = {'pages': PINS.parent, 'tests': TREE / '.vendor'}

Pin = dict[str, Any]


def pins() -> list[Pin]:
    """Return what is pinned."""
    found: list[Pin] = json.loads(PINS.read_text())['packages']
    return found


def wrong(one: Pin) -> list[str]:
    """Return what of a package is not there, or is not what it should be."""
    found = []
    for name, file in one['files'].items():
        path = FOLDERS[one['for']] / name
        if not path.is_file():
            found.append(f'{path.relative_to(TREE)}: not there')
        elif _digest(path.read_bytes()) != file['sha256']:
            found.append(f'{path.relative_to(TREE)}: not as it is pinned')
    return found


def fetch(one: Pin) -> None:
    """Put the package's files where they belong; SystemExit if they are not
    what they should be."""
    with tempfile.TemporaryDirectory() as folder:
        package = f'{one["package"]}@{one["version"]}'
        subprocess.run(
            ['npm', 'pack', '--silent', package],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=300,
        )
        (path,) = pathlib.Path(folder).glob('*.tgz')
        if _digest(path.read_bytes()) != one['sha256']:
            sys.exit(f'{package}: not the package that is pinned')
        with tarfile.open(path) as archive:
            for name, file in one['files'].items():
                _take(archive, one, name, file)


def _take(
    archive: tarfile.TarFile, one: Pin, name: str, file: dict[str, str]
) -> None:
    member = archive.extractfile(f'package/{file["from"]}')
    assert member is not None
    data = member.read()
    if _digest(data) != file['sha256']:
        sys.exit(f'{one["package"]}: {name} is not what is pinned')
    folder = FOLDERS[one['for']]
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)


def fetched(name: str) -> pathlib.Path:
    """Return a file for tests; fetch it first where that is missing."""
    for one in pins():
        if name in one['files']:
            if wrong(one):
                fetch(one)
            return FOLDERS[one['for']] / name
    raise KeyError(name)


def main() -> int:
    """Fetch, or only verify, what is pinned."""
    parser = argparse.ArgumentParser(
        description='Fetch what the dashboard has of npm, as it is pinned in '
        f'{PINS.relative_to(TREE)}.'
    )
    parser.add_argument(
        '--check', action='store_true', help='only say what is wrong'
    )
    if parser.parse_args().check:
        found = [
            text
            for one in pins()
            if one['for'] == 'pages'
            for text in wrong(one)
        ]
        print('\n'.join(found) or 'all is as it is pinned')
        return bool(found)
    for one in pins():
        fetch(one)
        print(f'{one["package"]} {one["version"]}: {one["licence"]}')
    return 0


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == '__main__':
    sys.exit(main())
