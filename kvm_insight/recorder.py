# SPDX-License-Identifier: Apache-2.0
"""Recorder: what the others say, from the bus into the database.

One member of a consumer group of its own, and the only one that writes. What
comes of records is written in the same transaction as the offset behind them,
and on assignment the database's offset is where it goes on: a crash at any
line loses nothing and doubles nothing. The offset that the bus has is only
for those who watch how far behind we are.
"""

import dataclasses
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from kvm_insight import exception
from kvm_insight.bus import kinds, port, post, topic
from kvm_insight.conf import recorder as options
from kvm_insight.store.write import (
    batch,
    book,
    facts,
    findings,
    hours,
    offsets,
    orders,
    patience,
    purge,
    recommendations,
    reports,
    sweep,
    told,
)

LOG = logging.getLogger(__name__)

_POLL_S = 0.5
_BUSY_POLL_S = 0.02
_BACK_OFF_S = 1.0
_TELL_EVERY_S = 300.0
_MOST_BYTES = 4 * 1024 * 1024


@dataclasses.dataclass(slots=True)
class Counters:
    """What went through, since this recorder started."""

    records: int = 0
    dead_letters: int = 0
    #: Rows that were too old, and taken away.
    purged: int = 0
    #: Records on the bus that are not written yet.
    lag: int = 0


class Recorder:
    """Writes what comes in the partitions that the group gives it."""

    def __init__(
        self, bus: port.Bus, into: book.Book, settings: options.Settings
    ) -> None:
        """Read from the bus and write into the book; both stay yours."""
        self.counters = Counters()
        self._bus = bus
        self._book = into
        self._settings = settings
        self._writes: dict[str, book.Write] = {
            topic.USAGE: self._hours,
            topic.HOSTS: reports.write,
            topic.FINDINGS: findings.write,
            topic.RECOMMENDATIONS: recommendations.write,
            topic.CONTROL: orders.write,
            topic.INVENTORY: facts.write,
        }
        self._claims: dict[port.Partition, offsets.Claim] = {}
        self._to_claim: list[port.Partition] = []
        self._most = settings.batch
        self._bus_away = patience.Patience('bus', _BACK_OFF_S)
        self._store_away = patience.Patience('store')
        self._sweeper = sweep.Sweeper(self._limits, settings.purge_every_s)
        self._next_tell_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; raise ConfigError or BusRefused if that
        is vain."""
        if not self._is_there(stop):
            return
        prefix = self._settings.prefix
        producer = self._bus.producer()
        self._consumer = self._bus.consumer(
            [prefix + name for name in self._writes],
            group=self._settings.group,
            listener=self,
        )
        self._post = post.Post(producer, prefix)
        try:
            while not stop.is_set():
                try:
                    self._step()
                    self._bus_away.worked()
                except exception.BusUnavailable as why:
                    # What was read and not written is read again.
                    self._let_go()
                    stop.wait(self._bus_away.failed(why))
        finally:
            self._consumer.close()
            producer.close()

    def assigned(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Read nothing of these before the database says from where on."""
        self._consumer.pause(partitions)
        self._to_claim += [p for p in partitions if p not in self._to_claim]

    def revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Forget these; what they had is in the database."""
        for partition in partitions:
            self._claims.pop(partition, None)
            if partition in self._to_claim:
                self._to_claim.remove(partition)

    def status(self) -> Counters:
        """Return what went through, and how far behind this recorder is."""
        self.counters.lag = sum(
            max(0, self._consumer.end_offset(partition) - held.next_offset)
            for partition, held in self._claims.items()
        )
        self.counters.purged = self._sweeper.taken
        return self.counters

    def _is_there(self, stop: threading.Event) -> bool:
        """Wait for the database; say whether it is there."""
        while not stop.is_set():
            try:
                self._book.check()
            except exception.StoreUnavailable as why:
                stop.wait(self._store_away.failed(why))
            else:
                self._store_away.worked()
                return True
        return False

    def _step(self) -> None:
        """Take one batch of each partition in."""
        timeout_s = _BUSY_POLL_S if self._sweeper.is_busy else _POLL_S
        records = self._consumer.poll(timeout_s, self._most)
        try:
            for partition, part in port.by_partition(records).items():
                if partition in self._claims:
                    self._record(partition, part)
            self._claim()
            self._purge()
            self._most = min(2 * self._most, self._settings.batch)
        except exception.StoreLost as why:
            # Whoever has it now is not driven out at once.
            self._store_away.failed(why)
            self._let_go()
        except exception.StoreUnavailable as why:
            # What became of the last transaction is not known; it may be
            # that it took too long.
            self._most = max(1, self._most // 2)
            self._store_away.failed(why)
            self._let_go()
        self._tell()

    def _claim(self) -> None:
        """Go on where the database stands, if it is time to ask it."""
        if not self._to_claim or not self._store_away.is_over:
            return
        # An upgrade may have gone on while it was away.
        self._book.check()
        for partition in list(self._to_claim):
            self._claims[partition] = self._claimed(partition)
            self._to_claim.remove(partition)
            self._consumer.resume([partition])
        self._store_away.worked()

    def _claimed(self, partition: port.Partition) -> offsets.Claim:
        self._consumer.seek(partition, 0)
        first = self._consumer.position(partition)
        generation = self._consumer.generation()
        held = self._book.claim(*partition, generation, first)
        if held.next_offset > self._consumer.end_offset(partition):
            words = '%s/%d was made anew; reading it from its beginning'
            LOG.warning(words, *partition)
            return self._book.write(held, first, orders.write, [])
        self._consumer.seek(partition, held.next_offset)
        missed = self._consumer.position(partition) - held.next_offset
        if missed > 0 and partition.topic.endswith(topic.USAGE):
            words = '%s/%d: %d records are on the bus no longer'
            LOG.warning(words, *partition, missed)
        return held

    def _let_go(self) -> None:
        """Read on only after asking the database from where on."""
        held = [*self._claims]
        self._consumer.pause(held)
        self._claims.clear()
        self._to_claim += [p for p in held if p not in self._to_claim]

    def _record(
        self, partition: port.Partition, records: Sequence[port.Record]
    ) -> None:
        """Write records of one partition, and tell the bus how far."""
        write = self._writes[self._name(partition)]
        by_offset = {one.offset: one for one in records}

        def refuse(said: told.Told[Any], why: str) -> None:
            self._bury(by_offset[said.offset], why)
            self._settle()

        for part in _portions(records):
            said = list(self._read(partition, part))
            self._settle()
            held, end = self._claims[partition], part[-1].offset + 1
            self._claims[partition] = batch.put(
                self._book, held, write, said, end, refuse
            )
            self.counters.records += len(said)
        try:
            self._consumer.commit({partition: records[-1].offset + 1})
        except exception.BusUnavailable as why:
            LOG.debug('%s/%d: %s', *partition, why)

    def _name(self, partition: port.Partition) -> str:
        return partition.topic.removeprefix(self._settings.prefix)

    def _read(
        self, partition: port.Partition, records: Sequence[port.Record]
    ) -> Iterator[told.Told[Any]]:
        """Yield what can be read; all else becomes a dead letter."""
        name = self._name(partition)
        for record in records:
            value = record.value
            try:
                said = None if value is None else kinds.read(name, value)
            except exception.CodecError as why:
                self._bury(record, str(why))
                continue
            us = max(0, record.timestamp_ms) * 1000
            yield told.Told(
                record.offset, record.key or '', said, value or b'', us
            )

    def _bury(self, record: port.Record, reason: str) -> None:
        self.counters.dead_letters += 1
        self._post.dead_letter(record, reason)

    def _settle(self) -> None:
        """Return when dead letters are on the bus."""
        if not self._post.settled():
            raise exception.BusUnavailable('a dead letter is not there yet')

    def _hours(
        self, connection: Any, records: Sequence[told.Told[Any]]
    ) -> None:
        hours.write(connection, records, self._limits().oldest_hour)

    def _limits(self) -> purge.Limits:
        kept = self._settings
        return purge.kept(
            time.time_ns() // 1000,
            kept.keep_hours_days,
            kept.keep_days_days,
            kept.keep_findings_days,
        )

    def _purge(self) -> None:
        """Take a little of what is too old away: one of the group does."""
        mine = port.Partition(self._settings.prefix + topic.INVENTORY, 0)
        if mine in self._claims:
            self._sweeper.step(self._book)
        else:
            self._sweeper.give_up()

    def _tell(self) -> None:
        """Log the counters now and then."""
        if time.monotonic() >= self._next_tell_s:
            self._next_tell_s = time.monotonic() + _TELL_EVERY_S
            LOG.info('%s', self.status())


def _portions(
    records: Sequence[port.Record],
) -> Iterator[list[port.Record]]:
    """Yield them in parts of so many bytes."""
    part, size = list[port.Record](), 0
    for record in records:
        part.append(record)
        size += len(record.value or b'')
        if size >= _MOST_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
