# SPDX-License-Identifier: Apache-2.0
"""File: small JSON files that others read while we write them."""

import contextlib
import json
import os
import pathlib
import tempfile
import time
from collections.abc import Mapping

from kvm_insight import exception

#: Whoever reads it is another user; nothing secret is ever in it.
_MODE = 0o644


class File:
    """One such file: it says its schema and when it was written."""

    def __init__(
        self, path: object, schema: str, region: object = None
    ) -> None:
        """Write there, of hosts of one region or of all."""
        self.path = pathlib.Path(str(path))
        self._schema = schema
        self._region = str(region) if region else None

    def write(self, **content: object) -> None:
        """Replace the file; raise FeedError if that fails."""
        head = {'schema': self._schema, 'written_us': time.time_ns() // 1000}
        replace(self.path, head | content)

    def clear(self) -> list[str]:
        """Delete the file; return that in words. Raises FeedError."""
        return [f'deleted {self.path}'] if remove(self.path) else []

    def name_of(self, host: str) -> str | None:
        """Return Nova's name of a host; None if it is in another region."""
        if self._region is None:
            return host
        head, _, name = host.partition('/')
        return name if head == self._region and name else None


def replace(path: pathlib.Path, content: Mapping[str, object]) -> None:
    """Put the content there in one step; raise FeedError if that fails."""
    text = json.dumps(content, separators=(',', ':'), ensure_ascii=False)
    name = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=f'.{path.name}.', dir=path.parent
        )
        with os.fdopen(handle, 'w', encoding='utf-8') as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        pathlib.Path(name).replace(path)
    except OSError as why:
        if name is not None:
            with contextlib.suppress(OSError):
                pathlib.Path(name).unlink()
        raise exception.FeedError(f'{path}: {why.strerror}') from why


def remove(path: pathlib.Path) -> bool:
    """Delete it; say whether it was there. Raises FeedError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as why:
        raise exception.FeedError(f'{path}: {why.strerror}') from why
    return True
