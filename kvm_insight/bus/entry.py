# SPDX-License-Identifier: Apache-2.0
"""A record on its way into the embedded log or out of a spool."""

import dataclasses
from collections.abc import Mapping

import msgspec
import zstandard

#: What a record costs in the file beside its key, headers and value.
OVERHEAD = 64
_LEVEL = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One record on its way into the log, or out of a spool."""

    topic: str
    key: str | None
    value: bytes | None
    timestamp_ms: int
    headers: Mapping[str, bytes]
    #: Grows with each record of the file; 0 before it is appended.
    id: int = 0
    #: What the record takes in the file.
    size: int = 0


class Codec:
    """Packs values; used by one thread at a time."""

    def __init__(self) -> None:
        self._pack = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
        self._unpack = zstandard.ZstdDecompressor()

    def pack(self, value: bytes | None) -> bytes | None:
        """Return the value compressed, with a checksum."""
        return None if value is None else self._pack.compress(value)

    def unpack(self, value: bytes | None) -> bytes | None:
        """Return the value; raise zstandard.ZstdError if it is damaged."""
        return None if value is None else self._unpack.decompress(value)


def pack_headers(headers: Mapping[str, bytes]) -> bytes | None:
    """Return the headers as bytes; None for none."""
    return msgspec.msgpack.encode(dict(headers)) if headers else None


def unpack_headers(packed: bytes | None) -> dict[str, bytes]:
    """Return the headers; raise msgspec.DecodeError if damaged."""
    if packed is None:
        return {}
    return msgspec.msgpack.decode(packed, type=dict[str, bytes])


def stored_size(
    key: str | None, value: bytes | None, headers: bytes | None
) -> int:
    """Return what a packed record is counted as."""
    return (
        OVERHEAD
        + len((key or '').encode())
        + len(value or b'')
        + len(headers or b'')
    )
