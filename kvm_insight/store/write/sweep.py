# SPDX-License-Identifier: Apache-2.0
"""Sweep: one look through all that may be too old, step by step."""

import logging
import time
from collections.abc import Callable, Iterator

from kvm_insight.store.write import book, purge

LOG = logging.getLogger(__name__)

MOST = 1000


class Sweep:
    """Takes some rows away with each ``step``, until there are none."""

    def __init__(self, limits: purge.Limits, most: int = MOST) -> None:
        """Begin; ``most`` rows are taken in one transaction."""
        self.taken: dict[str, int] = {}
        self._most = most
        self._left: Iterator[tuple[str, purge.Step]] = purge.steps(limits)
        self._now = next(self._left, None)

    @property
    def is_over(self) -> bool:
        """Say whether there is nothing left to do."""
        return self._now is None

    def step(self, into: book.Book) -> None:
        """Take some rows away; raises StoreError."""
        if self._now is None:
            return
        name, step = self._now
        count = into.run(lambda connection: step(connection, self._most))
        if count:
            self.taken[name] = self.taken.get(name, 0) + count
        else:
            self._now = next(self._left, None)
        if self.is_over and self.taken:
            LOG.info('too old, and taken away: %s', self.taken)


class Sweeper:
    """Looks now and then, and takes a little with each ``step``."""

    def __init__(
        self, limits: Callable[[], purge.Limits], every_s: float
    ) -> None:
        """Begin with the first step; ``limits`` are those of now."""
        self.taken = 0
        self._limits = limits
        self._every_s = every_s
        self._sweep: Sweep | None = None
        self._next_s = 0.0

    @property
    def is_busy(self) -> bool:
        """Say whether there is more to take."""
        return self._sweep is not None

    def step(self, into: book.Book) -> None:
        """Do a little, if it is time to; raises StoreError."""
        if self._sweep is None:
            if time.monotonic() < self._next_s:
                return
            self._sweep = Sweep(self._limits())
        self._sweep.step(into)
        if self._sweep.is_over:
            self.taken += sum(self._sweep.taken.values())
            self._next_s = time.monotonic() + self._every_s
            self._sweep = None

    def give_up(self) -> None:
        """Leave the rest to another one."""
        self._sweep = None
