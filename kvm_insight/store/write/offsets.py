# SPDX-License-Identifier: Apache-2.0
"""How far the bus was read, kept with what came of it.

Who reads a partition claims it and gets a generation that nobody has had. It
writes under that one only: whoever was held up and has lost the partition
finds another generation there, or another offset, and nothing is written.
"""

import dataclasses

import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.store import table

_COLUMNS = table.BUS_OFFSET.c


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A partition that is ours to read."""

    topic: str
    partition: int
    generation: int
    next_offset: int


def claim(
    connection: sa.Connection,
    topic: str,
    partition: int,
    generation: int,
    begin: int,
) -> Claim:
    """Return the claim, with where to go on; ``begin`` for a new one.

    The group's generation is where ours begins; it is not enough alone, since
    a group that was empty for long counts from one again.
    """
    here = _here(topic, partition)
    row = connection.execute(
        sa.select(_COLUMNS.next_offset, _COLUMNS.generation)
        .where(here)
        .with_for_update()
    ).first()
    if row is None:
        made = Claim(topic, partition, max(1, generation), begin)
        connection.execute(table.BUS_OFFSET.insert(), dataclasses.asdict(made))
        return made
    mine = max(row.generation + 1, generation)
    connection.execute(
        table.BUS_OFFSET.update().where(here).values(generation=mine)
    )
    return Claim(topic, partition, mine, row.next_offset)


def advance(connection: sa.Connection, held: Claim, offset: int) -> Claim:
    """Return the claim moved on; raise StoreLost if it is not ours.

    To be called first in a transaction: it waits for another's to end.
    """
    done = connection.execute(
        table.BUS_OFFSET.update()
        .where(
            _here(held.topic, held.partition),
            _COLUMNS.generation == held.generation,
            _COLUMNS.next_offset == held.next_offset,
        )
        .values(next_offset=offset)
    )
    if done.rowcount != 1:
        raise exception.StoreLost(
            f'{held.topic}/{held.partition} has another writer'
        )
    return dataclasses.replace(held, next_offset=offset)


def _here(topic: str, partition: int) -> sa.ColumnElement[bool]:
    return sa.and_(_COLUMNS.topic == topic, _COLUMNS.partition == partition)
