# SPDX-License-Identifier: Apache-2.0
"""An append-only log of records in one SQLite file; bus and spool use it.

What ``append`` returned from is on the disk (WAL, ``synchronous=FULL``).
Several threads may share a Log; several processes may each open one on the
same file.
"""

import contextlib
import itertools
import json
import pathlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from kvm_insight.bus import entry, murmur, port, schema

_BUSY_S = 30.0
_WAL_LIMIT = 16 * 1024 * 1024


class UnknownTopicError(LookupError):
    """The log has no such topic."""


class Log:
    """Topics, partitions and their records in one file."""

    def __init__(self, path: pathlib.Path, *, exclusive: bool = False) -> None:
        """Open or make the file; raises sqlite3.Error when that fails.

        ``exclusive``: no other connection may open it while this one lives.
        """
        self._lock = threading.RLock()
        self._round_robin = itertools.count()
        self._codec = entry.Codec()
        self._partitions: dict[str, int] = {}
        self._ids: dict[port.Partition, int] = {}
        self.connection = sqlite3.connect(
            path,
            timeout=0.0 if exclusive else _BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(exclusive)
        except sqlite3.Error:
            self.connection.close()
            raise

    def _prepare(self, exclusive: bool) -> None:
        run = self.connection.execute
        if exclusive:
            run('PRAGMA locking_mode=EXCLUSIVE')
            run('PRAGMA wal_autocheckpoint=64')
        run('PRAGMA auto_vacuum=INCREMENTAL')
        self._enter_wal(exclusive)
        run('PRAGMA synchronous=FULL')
        run(f'PRAGMA journal_size_limit={_WAL_LIMIT}')
        run('PRAGMA cache_size=-2048')
        with self.transaction():
            for statement in schema.SCHEMA:
                run(statement)

    def _enter_wal(self, exclusive: bool) -> None:
        # Changing the mode does not wait for others as the busy timeout says.
        deadline = time.monotonic() + (0.0 if exclusive else _BUSY_S)
        while True:
            try:
                self.connection.execute('PRAGMA journal_mode=WAL')
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the only writer's place; all or nothing of the body stays."""
        with self._lock:
            self.connection.execute('BEGIN IMMEDIATE')
            try:
                yield self.connection
                self.connection.execute('COMMIT')
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute('ROLLBACK')
                raise

    def query(
        self, sql: str, values: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """Return all rows of one reading statement."""
        with self._lock:
            return self.connection.execute(sql, tuple(values)).fetchall()

    def shrink(self) -> None:
        """Give free pages back to the file system, some megabytes at most."""
        with self._lock:
            # execute() would take one step of it: one page.
            self.connection.executescript('PRAGMA incremental_vacuum(4096)')

    def version(self) -> int:
        """Return a number that changes when another connection wrote."""
        with self._lock:
            row = self.connection.execute('PRAGMA data_version').fetchone()
        return int(row[0])

    # Topics

    def create_topic(self, topic: port.Topic) -> bool:
        """Return whether the topic was missing; it is there afterwards."""
        retention = (
            None if topic.retention_s is None else topic.retention_s * 1000
        )
        with self.transaction() as connection:
            made = connection.execute(
                'INSERT OR IGNORE INTO topic VALUES (?, ?, ?, ?)',
                (topic.name, topic.partitions, retention, topic.compacted),
            ).rowcount
            if not made:
                return False
            connection.executemany(
                'INSERT INTO part (topic, number) VALUES (?, ?)',
                [(topic.name, number) for number in range(topic.partitions)],
            )
        return True

    def topics(self) -> dict[str, int]:
        """Return name -> number of partitions."""
        rows = self.query('SELECT name, partitions FROM topic ORDER BY name')
        return dict(rows)

    def partitions(self, topic: str) -> int:
        """Return the topic's number of partitions; 0 if it is missing."""
        # A topic never changes and is never removed: what is known stays.
        if topic not in self._partitions:
            self._partitions.update(self.topics())
        return self._partitions.get(topic, 0)

    def compacted(self, topic: str) -> bool:
        """Say whether only the newest record of each key is kept."""
        return bool(
            self.query(
                'SELECT 1 FROM topic WHERE name = ? AND compacted', (topic,)
            )
        )

    def partition_for(self, topic: str, key: str | None) -> port.Partition:
        """Return where a record of this key belongs, the same as in Kafka."""
        count = self.partitions(topic)
        if not count:
            raise UnknownTopicError(topic)
        if key is None:
            return port.Partition(topic, next(self._round_robin) % count)
        return port.Partition(topic, murmur.partition(key.encode(), count))

    def part_id(self, partition: port.Partition) -> int:
        """Return the partition's number in the file."""
        found = self._ids.get(partition)
        if found is None:
            rows = self.query(
                'SELECT id FROM part WHERE topic = ? AND number = ?', partition
            )
            if not rows:
                raise UnknownTopicError(partition.topic)
            found = self._ids[partition] = int(rows[0][0])
        return found

    # Records

    def append(self, entries: Sequence[entry.Entry]) -> list[int]:
        """Write all of them or none; return their offsets."""
        packed = [self._packed(one) for one in entries]
        with self.transaction() as connection:
            next_offset: dict[int, int] = {}
            offsets = []
            rows = []
            for part, rest in packed:
                if part not in next_offset:
                    next_offset[part] = connection.execute(
                        'SELECT next FROM part WHERE id = ?', (part,)
                    ).fetchone()[0]
                offsets.append(next_offset[part])
                rows.append((part, next_offset[part], *rest))
                next_offset[part] += 1
            connection.executemany(schema.APPEND, rows)
            connection.executemany(
                'UPDATE part SET next = ? WHERE id = ?',
                [(after, part) for part, after in next_offset.items()],
            )
        return offsets

    def _packed(self, one: entry.Entry) -> tuple[int, tuple[object, ...]]:
        part = self.part_id(self.partition_for(one.topic, one.key))
        with self._lock:
            value = self._codec.pack(one.value)
        headers = entry.pack_headers(one.headers)
        size = entry.stored_size(one.key, value, headers)
        return part, (one.timestamp_ms, size, one.key, headers, value)

    def read(
        self, partition: port.Partition, offset: int, limit: int
    ) -> list[port.Record]:
        """Return records from this offset on, in order; gaps are skipped."""
        rows = self.query(
            schema.READ, (self.part_id(partition), offset, limit)
        )
        return [
            port.Record(
                partition=partition,
                offset=row[1],
                key=row[2],
                value=self._unpacked(row[3]),
                timestamp_ms=row[4],
                headers=entry.unpack_headers(row[5]),
            )
            for row in rows
        ]

    def oldest(self, limit: int, after_id: int = 0) -> list[entry.Entry]:
        """Return the oldest records of all topics, in the order written."""
        return [
            entry.Entry(
                id=row[0],
                topic=row[1],
                key=row[2],
                value=self._unpacked(row[3]),
                timestamp_ms=row[4],
                headers=entry.unpack_headers(row[5]),
                size=row[6],
            )
            for row in self.query(schema.OLDEST, (after_id, limit))
        ]

    def delete(self, ids: Sequence[int]) -> list[int]:
        """Remove records by their ids; return the sizes of those found."""
        return self._delete(
            'SELECT value FROM json_each(?)', (json.dumps(list(ids)),)
        )

    def delete_oldest(self, limit: int) -> list[int]:
        """Remove the oldest records of all topics; return their sizes."""
        return self._delete(
            'SELECT id FROM record ORDER BY id LIMIT ?', (limit,)
        )

    def delete_older(self, before_ms: int, limit: int) -> list[int]:
        """Remove records from before this time; return their sizes."""
        return self._delete(
            'SELECT id FROM record WHERE timestamp_ms < ? LIMIT ?',
            (before_ms, limit),
        )

    def _delete(self, chosen: str, values: Sequence[object]) -> list[int]:
        with self.transaction() as connection:
            rows = connection.execute(
                f'DELETE FROM record WHERE id IN ({chosen}) RETURNING size',  # noqa: S608 - one of the constants above
                values,
            ).fetchall()
        return [row[0] for row in rows]

    def bounds(self, partition: port.Partition) -> tuple[int, int]:
        """Return the first offset that is kept and the next to be written."""
        rows = self.query(
            """SELECT next, (SELECT min("offset") FROM record
                WHERE part = part.id) FROM part WHERE id = ?""",
            (self.part_id(partition),),
        )
        after, first = rows[0]
        return (after if first is None else first), after

    def ends(self) -> dict[port.Partition, int]:
        """Return the next offset to be written of every partition."""
        rows = self.query('SELECT topic, number, next FROM part')
        return {port.Partition(row[0], row[1]): row[2] for row in rows}

    def offset_at(self, partition: port.Partition, timestamp_ms: int) -> int:
        """Return the first offset at or after this time, or the end."""
        rows = self.query(
            """SELECT min("offset") FROM record
                WHERE part = ? AND timestamp_ms >= ?""",
            (self.part_id(partition), timestamp_ms),
        )
        if rows[0][0] is None:
            return self.bounds(partition)[1]
        return int(rows[0][0])

    def close(self) -> None:
        """Close the file; never raises."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self.connection.close()

    def _unpacked(self, value: bytes | None) -> bytes | None:
        with self._lock:
            return self._codec.unpack(value)
