# SPDX-License-Identifier: Apache-2.0
"""Records to bytes and back; whatever is damaged ends in one CodecError.

A record is JSON that begins with its schema. Nothing here raises anything but
``exception.CodecError``, however broken the bytes are, and nothing is decoded
that is larger than ``LARGEST`` bytes.
"""

import functools
import re
import typing
from typing import TypeVar

import msgspec

from kvm_insight import exception
from kvm_insight.model import sample

LARGEST = 4 * 1024 * 1024
_HEAD = re.compile(rb'\s*\{\s*"schema"\s*:\s*"([a-z_.]{1,64})/(\d{1,6})"')

Record = TypeVar('Record', bound=sample.Wire)

_encoder = msgspec.json.Encoder()


def encode(record: sample.Wire) -> bytes:
    """Return the record as JSON, its schema first."""
    return _encoder.encode(record)


def schema_of(value: bytes) -> str:
    """Return the schema that the record says, without decoding it."""
    head = _HEAD.match(value[:256])
    if head is None:
        raise exception.RecordDamaged('does not begin with a schema')
    return f'{head[1].decode()}/{int(head[2])}'


def decode(value: bytes, kind: type[Record], largest: int = LARGEST) -> Record:
    """Return the record; raise CodecError and nothing else."""
    if len(value) > largest:
        raise exception.RecordDamaged(f'{len(value)} bytes, over {largest}')
    expected = kind.__struct_config__.tag
    found = schema_of(value)
    if found != expected:
        raise exception.SchemaUnknown(f'{found}, not {expected}')
    try:
        return typing.cast(Record, _decoder(kind).decode(value))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as why:
        raise exception.RecordDamaged(str(why)) from why


@functools.cache
def _decoder(kind: type[sample.Wire]) -> msgspec.json.Decoder[sample.Wire]:
    return msgspec.json.Decoder(kind)
