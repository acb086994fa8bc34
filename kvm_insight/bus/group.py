# SPDX-License-Identifier: Apache-2.0
"""Consumer groups of the embedded bus: who reads which partition.

Members of all threads and processes meet in the log's file. A partition has
one owner. When members come or go, targets are computed anew; an owner first
gives up what is not its target any more, then the new one claims it, in a
greater generation. A commit by anyone but the owner fails.
"""

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence

from kvm_insight import exception
from kvm_insight.bus import balance, log, port

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS consumer_group (
        name TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS member (
        id TEXT PRIMARY KEY, "group" TEXT NOT NULL, seen_s REAL NOT NULL)
        WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS subscription (
        member TEXT NOT NULL, topic TEXT NOT NULL,
        PRIMARY KEY (member, topic)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS claim (
        "group" TEXT NOT NULL, topic TEXT NOT NULL, number INTEGER NOT NULL,
        target TEXT, owner TEXT,
        PRIMARY KEY ("group", topic, number)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS committed (
        "group" TEXT NOT NULL, topic TEXT NOT NULL, number INTEGER NOT NULL,
        "offset" INTEGER NOT NULL,
        PRIMARY KEY ("group", topic, number)) WITHOUT ROWID""",
)
_TARGETS = """SELECT topic, number FROM claim
    WHERE "group" = ? AND target = ?"""
_FREE = _TARGETS + ' AND owner IS NULL'


class Membership:
    """One consumer's place in its group.

    ``owned`` and ``generation`` are as of the last call; a listener is told
    between ``to_give_up`` and ``give_up``, and after ``claim``.
    """

    def __init__(
        self,
        records: log.Log,
        group: str,
        topics: Sequence[str],
        session_s: float,
    ) -> None:
        """Prepare the place; ``join`` takes it."""
        self._log = records
        self._group = group
        self._topics = tuple(topics)
        self._session_s = session_s
        self._id = ''
        self.owned: set[port.Partition] = set()
        self.generation = -1
        with records.transaction() as connection:
            for statement in SCHEMA:
                connection.execute(statement)

    def join(self) -> None:
        """Become a new member; what was owned before is not ours any more."""
        self._id = uuid.uuid4().hex
        self.owned.clear()
        with self._log.transaction() as connection:
            connection.execute(
                'INSERT INTO member VALUES (?, ?, ?)',
                (self._id, self._group, time.monotonic()),
            )
            connection.executemany(
                'INSERT OR IGNORE INTO subscription VALUES (?, ?)',
                [(self._id, topic) for topic in self._topics],
            )
            self._rebalance(connection)

    def beat(self) -> None:
        """Say that we live, if we still are a member."""
        with self._log.transaction() as connection:
            connection.execute(
                'UPDATE member SET seen_s = ? WHERE id = ?',
                (time.monotonic(), self._id),
            )

    def alive(self) -> bool:
        """Say whether the group still counts us in."""
        return bool(
            self._log.query('SELECT 1 FROM member WHERE id = ?', (self._id,))
        )

    def check(self) -> None:
        """Expel members that are silent; take notice of new partitions."""
        if self._silent() or self._unclaimed():
            with self._log.transaction() as connection:
                self._expel(connection, self._silent())
                self._rebalance(connection)

    def to_give_up(self) -> list[port.Partition]:
        """Return what we own and another member should."""
        targets = self._select(_TARGETS)
        self._read_generation()
        return sorted(self.owned - set(targets))

    def give_up(self, partitions: Sequence[port.Partition]) -> None:
        """Leave partitions to their next owner."""
        with self._log.transaction() as connection:
            connection.executemany(
                """UPDATE claim SET owner = NULL WHERE "group" = ?
                    AND topic = ? AND number = ? AND owner = ?""",
                [(self._group, *one, self._id) for one in partitions],
            )
        self.owned.difference_update(partitions)

    def claim(self) -> list[port.Partition]:
        """Take what is meant for us and owned by nobody; return it."""
        if not self._select(_FREE):
            return []
        with self._log.transaction() as connection:
            rows = connection.execute(
                """UPDATE claim SET owner = target
                    WHERE "group" = ? AND target = ? AND owner IS NULL
                    RETURNING topic, number""",
                (self._group, self._id),
            ).fetchall()
            self._raise_generation(connection)
        self._read_generation()
        taken = sorted(port.Partition(*row) for row in rows)
        self.owned.update(taken)
        return taken

    def commit(self, offsets: Mapping[port.Partition, int]) -> None:
        """Keep the offsets; raise BusUnavailable if one is not ours."""
        with self._log.transaction() as connection:
            for partition, offset in offsets.items():
                owner = connection.execute(
                    """SELECT owner FROM claim WHERE "group" = ?
                        AND topic = ? AND number = ?""",
                    (self._group, *partition),
                ).fetchone()
                if owner is None or owner[0] != self._id:
                    raise exception.BusUnavailable(
                        f'{partition.topic}/{partition.number} is not ours '
                        'any more: nothing is committed'
                    )
                connection.execute(
                    'INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)',
                    (self._group, *partition, offset),
                )

    def committed(self, partition: port.Partition) -> int | None:
        """Return the group's offset."""
        rows = self._log.query(
            """SELECT "offset" FROM committed WHERE "group" = ?
                AND topic = ? AND number = ?""",
            (self._group, *partition),
        )
        return rows[0][0] if rows else None

    def leave(self) -> None:
        """Go at once; the others share what was ours."""
        with self._log.transaction() as connection:
            self._expel(connection, [self._id])
            self._rebalance(connection)
        self.owned.clear()

    # Within a transaction, or reading only

    def _select(self, statement: str) -> list[port.Partition]:
        rows = self._log.query(statement, (self._group, self._id))
        return [port.Partition(*row) for row in rows]

    def _silent(self) -> list[str]:
        now = time.monotonic()
        # A time from the future is from before the machine was booted.
        rows = self._log.query(
            """SELECT id FROM member WHERE "group" = ?
                AND (seen_s < ? OR seen_s > ?) AND id != ?""",
            (self._group, now - self._session_s, now + 1, self._id),
        )
        return [row[0] for row in rows]

    def _unclaimed(self) -> bool:
        rows = self._log.query(
            """SELECT 1 FROM subscription
                JOIN part ON part.topic = subscription.topic
                LEFT JOIN claim ON claim."group" = ?
                    AND claim.topic = part.topic
                    AND claim.number = part.number
                WHERE member = ? AND claim.target IS NULL LIMIT 1""",
            (self._group, self._id),
        )
        return bool(rows)

    def _expel(
        self, connection: sqlite3.Connection, members: Sequence[str]
    ) -> None:
        for member in members:
            connection.execute(
                'DELETE FROM subscription WHERE member = ?', (member,)
            )
            connection.execute('DELETE FROM member WHERE id = ?', (member,))
            connection.execute(
                'UPDATE claim SET owner = NULL WHERE owner = ?', (member,)
            )

    def _rebalance(self, connection: sqlite3.Connection) -> None:
        members: dict[str, list[str]] = {}
        for member, topic in connection.execute(
            """SELECT id, topic FROM member
                JOIN subscription ON member = id WHERE "group" = ?""",
            (self._group,),
        ):
            members.setdefault(member, []).append(topic)
        connection.execute(
            """INSERT OR IGNORE INTO claim ("group", topic, number)
                SELECT ?, topic, number FROM part""",
            (self._group,),
        )
        owners = {
            port.Partition(topic, number): owner
            for topic, number, owner in connection.execute(
                """SELECT topic, number, owner FROM claim
                    WHERE "group" = ?""",
                (self._group,),
            )
        }
        target = balance.assign(owners, members, owners)
        connection.executemany(
            """UPDATE claim SET target = ? WHERE "group" = ?
                AND topic = ? AND number = ?""",
            [(target.get(one), self._group, *one) for one in owners],
        )
        self._raise_generation(connection)

    def _raise_generation(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            """INSERT INTO consumer_group VALUES (?, 1) ON CONFLICT (name)
                DO UPDATE SET generation = generation + 1""",
            (self._group,),
        )

    def _read_generation(self) -> None:
        rows = self._log.query(
            'SELECT generation FROM consumer_group WHERE name = ?',
            (self._group,),
        )
        if rows:
            self.generation = rows[0][0]
