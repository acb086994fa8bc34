# SPDX-License-Identifier: Apache-2.0
"""Matrix: who waited for whom, as a table that fits on a screen."""

import dataclasses
from collections import Counter

from kvm_insight.api.resource import ledger, party

_MOST = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """What one waited for another."""

    us: int
    #: ``0`` (nothing) to ``5``, by its part of the largest.
    level: int


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One who waited; None is all others together."""

    who: party.Party | None
    cells: list[Cell]
    sum_us: int


@dataclasses.dataclass(frozen=True, slots=True)
class Matrix:
    """Rows waited for columns; None is all others together."""

    runners: list[party.Party | None]
    lines: list[Line]
    sums: list[int]
    sum_us: int


def of(told: ledger.HostLedger) -> Matrix:
    """Return those who waited, and were waited for, most; all add up."""
    victims: Counter[int] = Counter()
    runners: Counter[int] = Counter()
    for victim, runner, us in told.charges:
        victims[victim] += us
        runners[runner] += us
    rows, columns = _places(victims), _places(runners)
    sums: Counter[tuple[int, int]] = Counter()
    for victim, runner, us in told.charges:
        sums[rows[victim], columns[runner]] += us
    high, wide = _count(rows), _count(columns)
    largest = max(sums.values(), default=0)
    lines = [
        Line(
            _who(told, rows, row),
            [_cell(sums[row, column], largest) for column in range(wide)],
            sum(sums[row, column] for column in range(wide)),
        )
        for row in range(high)
    ]
    return Matrix(
        [_who(told, columns, column) for column in range(wide)],
        lines,
        [
            sum(sums[row, column] for row in range(high))
            for column in range(wide)
        ],
        sum(sums.values()),
    )


def _places(counted: Counter[int]) -> dict[int, int]:
    """Return party -> row; all that are too many are in the last one."""
    ranked = [number for number, _ in counted.most_common()]
    if len(ranked) <= _MOST + 1:
        return {number: place for place, number in enumerate(ranked)}
    return {number: min(place, _MOST) for place, number in enumerate(ranked)}


def _count(places: dict[int, int]) -> int:
    return max(places.values(), default=-1) + 1


def _who(
    told: ledger.HostLedger, places: dict[int, int], place: int
) -> party.Party | None:
    there = [number for number, at in places.items() if at == place]
    return told.parties[there[0]] if len(there) == 1 else None


def _cell(us: int, largest: int) -> Cell:
    if us <= 0:
        return Cell(us, 0)
    part = us / largest
    return Cell(us, 1 + sum(part >= least for least in (0.1, 0.3, 0.6, 0.9)))
