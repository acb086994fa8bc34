# SPDX-License-Identifier: Apache-2.0
"""Fence: lets no planner be heard any more that has a successor.

Each record of a planner carries the generation of its lease, and a successor
speaks with a greater one. Whoever reads in the topic's order, and keeps the
greatest generation that it saw, refuses what a planner says that does not
know yet that it was succeeded.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class Fenced(Protocol):
    """A record of a planner."""

    @property
    def generation(self) -> int:
        """Return the generation of its lease."""


One = TypeVar('One', bound=Fenced)


def admits(greatest: int, one: Fenced) -> bool:
    """Say whether a record counts after one of that generation was seen."""
    return one.generation >= greatest


def admitted(records: Iterable[One], greatest: int = 0) -> Iterator[One]:
    """Yield the records that count, in their order."""
    for one in records:
        if admits(greatest, one):
            greatest = one.generation
            yield one
