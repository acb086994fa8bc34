# SPDX-License-Identifier: Apache-2.0
"""Book: what the recorder writes into, one transaction a batch."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.store import schema, trouble
from kvm_insight.store.write import offsets, told

#: Writes some records of one kind, in the order of the bus.
Write = Callable[[sa.Connection, Sequence[told.Told[Any]]], None]
_Result = TypeVar('_Result')

_TRIES = 6
_PAUSE_S = 0.05


class Book:
    """A database; raises StoreError and nothing else of its own."""

    def __init__(self, database: sa.Engine) -> None:
        """Write to this one; nothing is asked of it yet."""
        self._database = database

    def check(self) -> None:
        """Return if it is there and has the right tables."""
        with trouble.told():
            schema.check(self._database)

    def claim(
        self, topic: str, partition: int, generation: int, begin: int
    ) -> offsets.Claim:
        """Take over a partition, from where the last one stood."""
        return self._tried(
            lambda connection: offsets.claim(
                connection, topic, partition, generation, begin
            )
        )

    def write(
        self,
        held: offsets.Claim,
        offset: int,
        write: Write,
        records: Sequence[told.Told[Any]],
    ) -> offsets.Claim:
        """Write these and that the next one is at ``offset``: both or
        nothing. Raises StoreLost, StoreRefused or StoreUnavailable."""

        def work(connection: sa.Connection) -> offsets.Claim:
            moved = offsets.advance(connection, held, offset)
            if records:
                write(connection, records)
            return moved

        return self._tried(work)

    def run(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Return what some work in a transaction of its own gives."""
        return self._tried(work)

    def close(self) -> None:
        """Let all connections go."""
        self._database.dispose()

    def _tried(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Do it, again where others were in the way."""
        for attempt in range(1, _TRIES):
            try:
                return self._once(work)
            except trouble.Busy:
                # Not at once with whom it collided.
                time.sleep(_PAUSE_S * attempt * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            return self._once(work)
        except trouble.Conflict as why:
            # It is no coincidence.
            raise exception.StoreRefused(str(why)) from None

    def _once(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        with trouble.told(), self._database.begin() as connection:
            return work(connection)
