# SPDX-License-Identifier: Apache-2.0
"""Assets: scripts and styles, each under the hash of what is in it.

A browser may keep them for ever: another content has another address.
"""

import dataclasses
import hashlib
import importlib.resources
from collections.abc import Iterator
from importlib.resources import abc

_KINDS = {
    '.css': 'text/css',
    '.js': 'text/javascript',
    '.svg': 'image/svg+xml',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    data: bytes
    kind: str
    digest: str


def all_of_them() -> dict[str, Asset]:
    """Return name -> file, of all that are served."""
    root = importlib.resources.files('kvm_insight.api.dashboard') / 'static'
    return dict(_found(root, ''))


def _found(folder: abc.Traversable, begin: str) -> Iterator[tuple[str, Asset]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _found(one, f'{begin}{one.name}/')
            continue
        kind = _KINDS.get('.' + one.name.rpartition('.')[2])
        if kind is not None:
            data = one.read_bytes()
            digest = hashlib.sha256(data).hexdigest()[:16]
            yield begin + one.name, Asset(data, kind, digest)
