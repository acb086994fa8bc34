# SPDX-License-Identifier: Apache-2.0
"""Histograms of wanted cores as they lie in the database."""

import itertools
from collections.abc import Iterable, Sequence

import msgspec

from kvm_insight.model import usage

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[int])


def pack(bins: Iterable[usage.Bin]) -> bytes | None:
    """Return them in some four bytes a bin; None where there are none."""
    flat = list(itertools.chain.from_iterable(bins))
    return _ENCODER.encode(flat) if flat else None


def unpack(packed: bytes | None) -> list[usage.Bin]:
    """Return bins and the tenths of a second in them."""
    if packed is None:
        return []
    flat = _DECODER.decode(packed)
    return list(zip(flat[::2], flat[1::2], strict=True))


def merge(packed: Sequence[bytes | None]) -> list[usage.Bin]:
    """Return several as one."""
    return usage.merged(map(unpack, packed))


def flat(packed: bytes | None) -> list[int]:
    """Return bin and weight, bin and weight: for those who add up many."""
    return [] if packed is None else _DECODER.decode(packed)
