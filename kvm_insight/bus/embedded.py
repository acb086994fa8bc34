# SPDX-License-Identifier: Apache-2.0
"""The embedded bus: the same interface as Kafka's, in one SQLite file.

Threads and processes of one machine share the file. Partitions have the same
numbers as in Kafka, since the partitioner is the same.
"""

import collections
import pathlib
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.bus import (
    delivery,
    embedded_consumer,
    entry,
    group,
    log,
    port,
    private,
    retention,
)

_AT_ONCE = 1000
_TIDY_EVERY_S = 60.0
_CLOSE_S = 5.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``connect`` understands."""

    path: str
    session_timeout_s: float = 10.0
    #: How long a tombstone stays, so that every reader sees it.
    tombstone_s: float = 24 * 3600.0
    max_record_bytes: int = 4 * 1024 * 1024


def connect(settings: Mapping[str, object]) -> port.Bus:
    """Return the bus in the file ``path``; raise ConfigError if it cannot."""
    try:
        chosen = msgspec.convert(dict(settings), Settings)
    except msgspec.ValidationError as why:
        raise exception.ConfigError(f'embedded bus: {why}') from why
    path = pathlib.Path(chosen.path)
    try:
        private.file(path)
        log.Log(path).close()
    except (OSError, sqlite3.Error) as why:
        raise exception.ConfigError(
            f'embedded bus {path}: {why}; name a file that the service may '
            'write, or move a damaged one away'
        ) from why
    return Bus(path, chosen)


class Bus:
    """Producers and consumers on one file."""

    def __init__(self, path: pathlib.Path, settings: Settings) -> None:
        """Use a file that was opened before."""
        self._path = path
        self._settings = settings

    def producer(self) -> port.Producer:
        """Return a new producer."""
        return Producer(log.Log(self._path), self._settings)

    def consumer(
        self,
        topics: Sequence[str],
        *,
        group: str | None = None,
        listener: port.Listener | None = None,
        from_end: bool = False,
        partitions: Sequence[port.Partition] | None = None,
    ) -> port.Consumer:
        """Return a new consumer."""
        records = log.Log(self._path)
        return embedded_consumer.Consumer(
            records,
            topics,
            membership=self._membership(records, group, topics),
            listener=listener,
            from_end=from_end,
            partitions=partitions,
            session_s=self._settings.session_timeout_s,
        )

    def _membership(
        self, records: log.Log, name: str | None, topics: Sequence[str]
    ) -> group.Membership | None:
        if name is None:
            return None
        return group.Membership(
            records, name, topics, self._settings.session_timeout_s
        )

    def topics(self) -> dict[str, int]:
        """Return the topics that are there."""
        records = log.Log(self._path)
        try:
            return records.topics()
        finally:
            records.close()

    def create_topics(self, topics: Sequence[port.Topic]) -> list[str]:
        """Create those that are missing; return their names."""
        records = log.Log(self._path)
        try:
            return [one.name for one in topics if records.create_topic(one)]
        except sqlite3.Error as why:
            raise exception.BusUnavailable(f'{self._path}: {why}') from why
        finally:
            records.close()

    def close(self) -> None:
        """Nothing is held here."""


class Producer:
    """Hands records to a thread that writes many in one transaction."""

    def __init__(self, records: log.Log, settings: Settings) -> None:
        """Write with this Log, which becomes the producer's own."""
        self._log = records
        self._settings = settings
        self._waiting: collections.deque[
            tuple[entry.Entry, delivery.Delivery]
        ] = collections.deque()
        self._unsettled = 0
        self._settled = threading.Condition()
        self._work = delivery.Wakeup()
        self._closed = False
        self._trouble: exception.BusError | None = None
        self._next_tidy = 0.0
        self._thread = threading.Thread(
            target=self._run, name='kvm-insight-bus-writer', daemon=True
        )
        self._thread.start()

    def publish(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> port.Delivery:
        """Hand one record over; order holds within a key."""
        fate = delivery.Delivery()
        try:
            self._check(topic, key, value)
        except exception.BusError as why:
            fate.fail(why)
            return fate
        if timestamp_ms is None:
            timestamp_ms = time.time_ns() // 1_000_000
        record = entry.Entry(topic, key, value, timestamp_ms, headers or {})
        with self._settled:
            self._unsettled += 1
            self._waiting.append((record, fate))
        self._work.set()
        return fate

    def _check(self, topic: str, key: str | None, value: bytes | None) -> None:
        if self._closed:
            raise exception.BusUnavailable('the producer is closed')
        if not self._log.partitions(topic):
            raise embedded_consumer.missing(topic)
        if key is None and (value is None or self._log.compacted(topic)):
            raise exception.RecordRefused(f'{topic} wants a key')
        if len(value or b'') > self._settings.max_record_bytes:
            raise exception.RecordRefused(
                f'{len(value or b"")} bytes are more than max_record_bytes '
                f'({self._settings.max_record_bytes})'
            )

    def flush(self, timeout_s: float) -> None:
        """Wait for all deliveries; raise BusUnavailable when time is over."""
        with self._settled:
            if not self._settled.wait_for(
                lambda: self._unsettled == 0, timeout_s
            ):
                raise exception.BusUnavailable(
                    f'{self._unsettled} records not written in {timeout_s} s'
                )

    def trouble(self) -> exception.BusError | None:
        """Return why nothing goes out at the moment."""
        return self._trouble

    def close(self, *, linger_s: float = 1.0) -> None:
        """Write what waits: a file needs no lingering; never raises."""
        if self._closed:
            return
        self._closed = True
        self._work.set()
        self._thread.join(_CLOSE_S)
        self._log.close()

    def _run(self) -> None:
        while not self._closed or self._waiting:
            batch = self._next_batch()
            if batch:
                self._write(batch)
            elif time.monotonic() >= self._next_tidy:
                self._tidy()
            else:
                self._work.wait(self._next_tidy - time.monotonic())

    def _next_batch(self) -> list[tuple[entry.Entry, delivery.Delivery]]:
        with self._settled:
            return [
                self._waiting.popleft()
                for _ in range(min(_AT_ONCE, len(self._waiting)))
            ]

    def _write(
        self, batch: list[tuple[entry.Entry, delivery.Delivery]]
    ) -> None:
        try:
            offsets = self._log.append([one for one, _ in batch])
        except sqlite3.Error as why:
            self._trouble = exception.BusUnavailable(f'embedded bus: {why}')
            for _, fate in batch:
                fate.fail(self._trouble)
        else:
            self._trouble = None
            for (_, fate), offset in zip(batch, offsets, strict=True):
                fate.succeed(offset)
        with self._settled:
            self._unsettled -= len(batch)
            self._settled.notify_all()

    def _tidy(self) -> None:
        self._next_tidy = time.monotonic() + _TIDY_EVERY_S
        try:
            retention.tidy(
                self._log,
                time.time_ns() // 1_000_000,
                int(self._settings.tombstone_s * 1000),
            )
        except sqlite3.Error as why:
            self._trouble = exception.BusUnavailable(f'embedded bus: {why}')
