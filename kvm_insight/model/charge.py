# SPDX-License-Identifier: Apache-2.0
"""Charges of one slot, packed: victim, runner, and µs waited for it.

Who is meant is a column of the window.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy
from numpy import typing as npt

Charges = npt.NDArray[Any]

#: A ledger row keeps its largest charges; the rest is added up.
MOST = 8
REST = 'rest'
KIND = numpy.dtype([('victim', '<u2'), ('runner', '<u2'), ('us', '<u4')])
NONE: Charges = numpy.empty(0, KIND)
_LIMIT = 2**32 - 1


def largest(row: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the runners of a ledger row that are kept, and their charges."""
    ordered = sorted(row.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(us for _, us in ordered[MOST:])
    for runner, us in [*ordered[:MOST], (REST, rest)]:
        if us > 0:
            yield runner, min(us, _LIMIT)


def row(slots: Sequence[Charges], victim: int) -> dict[int, int]:
    """Return what one victim was charged over some slots, by runner."""
    if not slots:
        return {}
    found = numpy.concatenate(slots)
    own = found[found['victim'] == victim]
    runners, places = numpy.unique(own['runner'], return_inverse=True)
    # Sums below 2**53 are exact.
    sums = numpy.bincount(places, own['us'], len(runners))
    pairs = zip(runners.tolist(), sums.tolist(), strict=True)
    return {runner: int(us) for runner, us in pairs}
