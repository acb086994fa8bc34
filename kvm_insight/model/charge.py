# SPDX-License-Identifier: Apache-2.0
"""Charges of one slot, packed: victim, runner, and µs waited for it.

Who is meant is a column of the window. Most slots have a few only, so that
they are kept as bytes: an array of its own is larger than what is in it.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy
from numpy import typing as npt

#: A ledger row keeps its largest charges; the rest is added up.
MOST = 8
REST = 'rest'
KIND = numpy.dtype([('victim', '<u2'), ('runner', '<u2'), ('us', '<u4')])
_LIMIT = 2**32 - 1


def largest(row: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the runners of a ledger row that are kept, and their charges."""
    ordered = sorted(row.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(us for _, us in ordered[MOST:])
    for runner, us in [*ordered[:MOST], (REST, rest)]:
        if us > 0:
            yield runner, min(us, _LIMIT)


def packed(charges: Sequence[tuple[int, int, int]]) -> bytes:
    """Return the charges of one slot."""
    return numpy.array(charges, KIND).tobytes() if charges else b''


def unpacked(slots: Iterable[bytes]) -> npt.NDArray[Any]:
    """Return the charges of some slots, one after the other."""
    return numpy.frombuffer(b''.join(slots), KIND)


def moved(slot: bytes, columns: npt.NDArray[numpy.uint16]) -> bytes:
    """Return the charges of a slot after columns got other numbers."""
    charges = unpacked([slot]).copy()
    for who in ('victim', 'runner'):
        charges[who] = columns[charges[who]]
    return charges.tobytes()


def count(slot: bytes) -> int:
    """Return how many charges a slot has."""
    return len(slot) // KIND.itemsize


def split(whole: bytes, counts: Iterable[int]) -> list[bytes]:
    """Return slots of which each has so many of these charges; raise
    ValueError if that does not come out even."""
    ends = [0, *itertools.accumulate(one * KIND.itemsize for one in counts)]
    if ends[-1] != len(whole):
        raise ValueError(f'{len(whole)} bytes of charges, not {ends[-1]}')
    return [whole[begin:end] for begin, end in itertools.pairwise(ends)]


def pairs(slots: Iterable[bytes]) -> list[tuple[int, int, int]]:
    """Return who was charged for whom over some slots, the most first."""
    found = unpacked(slots)
    both = found['victim'].astype(numpy.int64) << 16 | found['runner']
    keys, places = numpy.unique(both, return_inverse=True)
    # Sums below 2**53 are exact.
    sums = numpy.bincount(places, found['us'], len(keys)).astype(numpy.int64)
    order = numpy.lexsort((keys, -sums))
    columns = keys[order] >> 16, keys[order] & 0xFFFF, sums[order]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def row(slots: Sequence[bytes], victim: int) -> dict[int, int]:
    """Return what one victim was charged over some slots, by runner."""
    found = unpacked(slots)
    own = found[found['victim'] == victim]
    runners = numpy.bincount(own['runner']).nonzero()[0]
    # Sums below 2**53 are exact.
    sums = numpy.bincount(own['runner'], own['us'])[runners]
    pairs = zip(runners.tolist(), sums.tolist(), strict=True)
    return {runner: int(us) for runner, us in pairs}
