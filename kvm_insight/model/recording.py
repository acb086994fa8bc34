# SPDX-License-Identifier: Apache-2.0
"""Recording: what an analyzer consumed, one line a record, in its order.

A record's own bytes are kept exactly: as JSON inside the line where they are
JSON on one line, else as base64.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import codec, sample

SCHEMA = 'kvm_insight.recorded/1'
#: A line: the largest record as base64, and its coordinates.
LARGEST = 2 * codec.LARGEST
Kind = Literal['state', 'sample', 'inventory']


class Recorded(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One record as it lay on the bus."""

    #: A state from the beginning of the recording, or what came then; what
    #: is usual for cohorts, from before and as it came.
    kind: Kind
    partition: sample.Count
    offset: sample.Count
    key: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    timestamp_ms: int = 0
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    #: Base64 on the wire: a value that is no JSON on one line.
    damaged: bytes | None = None

    def content(self) -> bytes | None:
        """Return the record's own bytes; None for a tombstone."""
        if self.damaged is not None:
            return self.damaged
        if isinstance(self.value, msgspec.UnsetType):
            return None
        return bytes(self.value)


def line(
    kind: Kind,
    place: tuple[int, int],
    key: str | None,
    timestamp_ms: int,
    value: bytes | None,
) -> bytes:
    """Return one line of a recording, its end included."""
    whole = value is not None and _is_one_line(value)
    return (
        codec.encode(
            Recorded(
                kind=kind,
                partition=place[0],
                offset=place[1],
                key=key,
                timestamp_ms=timestamp_ms,
                value=msgspec.Raw(value) if whole and value else msgspec.UNSET,
                damaged=None if whole else value,
            )
        )
        + b'\n'
    )


def read(text: bytes) -> Recorded:
    """Return what a line holds; raise CodecError if it is none."""
    return codec.decode(text, Recorded, LARGEST)


def _is_one_line(value: bytes) -> bool:
    """Say whether these bytes come back as they are inside a line."""
    if b'\n' in value or b'\r' in value:
        return False
    if value != value.strip() or not value:
        return False
    try:
        value.decode()
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
