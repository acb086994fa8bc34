# SPDX-License-Identifier: Apache-2.0
"""Dead letter: a record that could not be used, and where it lies."""

from typing import Annotated

import msgspec

from kvm_insight.model import sample

SCHEMA = 'kvm_insight.dead_letter/1'

#: How much of the record is kept: enough to see what it was.
HEAD = 1024


class DeadLetter(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """Coordinates, reason and the first bytes of one record."""

    topic: sample.Text
    partition: sample.Count
    offset: sample.Count
    key: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    timestamp_ms: sample.Count | None = None
    reason: Annotated[str, msgspec.Meta(max_length=4096)]
    size: sample.Count
    #: Base64 on the wire.
    head: bytes = b''
