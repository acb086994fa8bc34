# SPDX-License-Identifier: Apache-2.0
"""A host's ledger of one hour as it lies in the database."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import zstandard

from kvm_insight.model import usage

_LEVEL = 3
#: Before compression; nothing that is larger was ever packed.
_LARGEST = 64 * 1024 * 1024


class Ledger(NamedTuple):
    """Who waited for whom, as ``usage.HostUsage`` has it."""

    entities: list[str]
    charges: list[usage.Charge]


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    entities: list[str]
    flat: list[int]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Packed)


def pack(
    entities: Sequence[str], charges: Sequence[usage.Charge]
) -> bytes | None:
    """Return them compressed; None where nobody waited for anybody."""
    if not charges:
        return None
    flat = list(itertools.chain.from_iterable(charges))
    packed = _ENCODER.encode(_Packed(list(entities), flat))
    return zstandard.compress(packed, _LEVEL)


def unpack(packed: bytes | None) -> Ledger:
    """Return the entities and the charges by their numbers."""
    if packed is None:
        return Ledger([], [])
    whole = _DECODER.decode(
        zstandard.decompress(packed, max_output_size=_LARGEST)
    )
    flat = whole.flat
    return Ledger(
        whole.entities,
        list(zip(flat[::3], flat[1::3], flat[2::3], strict=True)),
    )


def flat(packed: bytes) -> tuple[list[str], list[int]]:
    """Return the entities, and victim, runner and µs in one row: for those
    who read many."""
    whole = _DECODER.decode(
        zstandard.decompress(packed, max_output_size=_LARGEST)
    )
    return whole.entities, whole.flat
