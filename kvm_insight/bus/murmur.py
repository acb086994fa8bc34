# SPDX-License-Identifier: Apache-2.0
"""Kafka's default partitioner: murmur2 of the key.

Every driver puts a host's records into the partition of the same number, so
that state, offsets and recordings mean the same on each.
"""

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """Return the hash as Kafka's Java client computes it, unsigned."""
    length = len(data)
    state = _SEED ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], 'little')
        word = (word * _M) & _MASK
        word ^= word >> 24
        state = ((state * _M) & _MASK) ^ ((word * _M) & _MASK)
    if whole < length:
        state ^= int.from_bytes(data[whole:], 'little')
        state = (state * _M) & _MASK
    state ^= state >> 13
    state = (state * _M) & _MASK
    return state ^ (state >> 15)


def partition(key: bytes, count: int) -> int:
    """Return the partition of this key among ``count``."""
    return (murmur2(key) & 0x7FFFFFFF) % count
