# SPDX-License-Identifier: Apache-2.0
"""File: small JSON files that others read while we write them."""

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Mapping

from kvm_insight import exception

#: Whoever reads it is another user; nothing secret is ever in it.
_MODE = 0o644


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


def in_region(host: str, region: str | None) -> str | None:
    """Return Nova's name of a host; None if it is in another region."""
    if not region:
        return host
    head, _, name = host.partition('/')
    return name if head == region and name else None
