# SPDX-License-Identifier: Apache-2.0
"""Private: files and folders that nobody but their owner may read.

What is there already keeps its mode, which somebody may have chosen.
"""

import os
import pathlib


def file(path: pathlib.Path) -> None:
    """Make the file, and its folder, where they are not; raises OSError.

    SQLite gives what it writes beside a file the file's own mode.
    """
    folder(path.parent)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def folder(path: pathlib.Path) -> None:
    """Make the folder where it is not; raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
