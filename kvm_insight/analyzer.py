# SPDX-License-Identifier: Apache-2.0
"""Analyzer: samples from the bus, findings to the bus, state for the next.

One member of a consumer group. What it knows of a host is a function of the
topics alone: on assignment it takes the newest state, goes to the offset that
this stands for, replays in silence what was told before, and goes on. The
order of effects makes a crash at any line harmless: findings and hours of use
are on the bus before the state that contains them, and both before the
commit.
"""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.bus import (
    compacted,
    inventory_tail,
    port,
    post,
    topic,
    trouble,
)
from kvm_insight.conf import analyzer as options
from kvm_insight.detect import cohorts, glimpse, names, shard
from kvm_insight.model import codec, finding, state, vitals

LOG = logging.getLogger(__name__)

_LOAD_S = 30.0
_POLL_S = 0.5
_BUSY_POLL_S = 0.05
_BACK_OFF_S = 1.0
_TELL_EVERY_S = 300.0
_LOOK_EVERY_S = 10.0


class Analyzer:
    """Follows the hosts of the partitions that the group gives it."""

    def __init__(
        self,
        bus: port.Bus,
        settings: options.Settings,
        on_finding: Callable[[finding.Finding], None] | None = None,
    ) -> None:
        """Use the bus; ``on_finding`` is told of what has been published."""
        self.counters = glimpse.Counters()
        self._bus = bus
        self._settings = settings
        self._on_finding = on_finding
        self._usual = cohorts.Cohorts()
        self._names = names.Names()
        self._shards: dict[port.Partition, shard.Shard] = {}
        self._to_load: list[port.Partition] = []
        self._commits: dict[port.Partition, int] = {}
        self._paused: set[port.Partition] = set()
        #: What shards counted that were given up since.
        self._before = dict.fromkeys(
            ('accepted', 'duplicates', 'late', 'missing'), 0
        )
        self._trouble = trouble.Trouble()
        self._vitals = vitals.Analyzer()
        self._next_look_s = self._next_tell_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; raise BusRefused if that is vain."""
        prefix = self._settings.prefix
        producer = self._bus.producer()
        consumer = self._bus.consumer(
            [prefix + topic.SAMPLES],
            group=self._settings.group,
            listener=self,
        )
        self._consumer = consumer
        self._post = post.Post(producer, prefix)
        self._inventory = inventory_tail.InventoryTail(
            self._bus, prefix, self._take_facts, wanted=names.Names.wants
        )
        try:
            while not stop.is_set():
                try:
                    self._step()
                    self._trouble.end()
                except exception.BusUnavailable as why:
                    self._trouble.begin(why)
                    stop.wait(_BACK_OFF_S)
            self._leave()
        finally:
            self._inventory.close()
            consumer.close()
            producer.close()

    def assigned(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Read nothing of these before their state is loaded."""
        LOG.info('generation %d: %s assigned', generation, _named(partitions))
        self._consumer.pause(partitions)
        self._to_load += [p for p in partitions if p not in self._to_load]

    def revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Forget these; what they had is in the topics."""
        LOG.info('generation %d: %s revoked', generation, _named(partitions))
        for partition in partitions:
            held = self._shards.pop(partition, None)
            for name, count in (held.counters if held else {}).items():
                self._before[name] += count
            self._commits.pop(partition, None)
            self._paused.discard(partition)
            if partition in self._to_load:
                self._to_load.remove(partition)

    def _step(self) -> None:
        """Take one batch in, or bring the last one's effects out."""
        self._inventory.read()
        busy = not self._settle()
        while self._to_load and not busy:
            self._load(self._to_load[0])
        timeout_s = _BUSY_POLL_S if busy else _POLL_S
        records = self._consumer.poll(timeout_s, self._settings.batch)
        for partition, part in port.by_partition(records).items():
            if partition in self._shards:
                self._take(partition, part)
        if self._commits and not self._settle():
            # Nothing more of these before what they made is on the bus.
            self._consumer.pause(self._commits)
            self._paused.update(self._commits)
        self._tell()

    def _settle(self) -> bool:
        """Bring effects out in their order; say whether all are out.

        A group that rebalances takes no commits before ``poll`` was called,
        so that a commit that fails must not keep us from there.
        """
        if not self._post.settled():
            return False
        try:
            for partition in list(self._commits):
                self._commit(partition)
        except exception.BusUnavailable as why:
            LOG.info('offsets are kept later: %s', why)
            return False
        return True

    def _commit(self, partition: port.Partition) -> None:
        """Keep the offset; raise BusUnavailable if it is not ours to keep."""
        held = self._shards.get(partition)
        offset = self._commits[partition]
        if held is not None and offset > held.committed:
            self._consumer.commit({partition: offset})
            held.committed = offset
        del self._commits[partition]
        if partition in self._paused:
            self._paused.discard(partition)
            self._consumer.resume([partition])

    def _load(self, partition: port.Partition) -> None:
        """Take over a partition from where its states stand."""
        name = self._settings.prefix + topic.STATE
        kept = compacted.newest(
            self._bus, port.Partition(name, partition.number), _LOAD_S
        )
        committed = self._consumer.committed(partition) or 0
        held = shard.Shard(
            self._settings.rules,
            committed,
            self._settings.report_every_s,
            self._usual,
        )
        for host, record in kept.items():
            try:
                held.restore(
                    codec.decode(record.value or b'', state.HostState)
                )
            except (exception.CodecError, ValueError) as why:
                LOG.warning('state of %s cannot be used: %s', host, why)
                held.begin = 0
        self._to_load.remove(partition)
        self._shards[partition] = held
        self._consumer.seek(partition, held.begin)
        self._consumer.resume([partition])
        words = '%s: %d hosts known, from offset %d, in silence up to %d'
        LOG.info(words, partition.number, len(kept), held.begin, committed)

    def _take(
        self, partition: port.Partition, records: Sequence[port.Record]
    ) -> None:
        """Let the detectors look at some records of one partition."""
        held = self._shards[partition]
        for record in records:
            try:
                found = held.consume(record.offset, record.key, record.value)
            except exception.CodecError as why:
                self._bury(held, record, str(why))
                continue
            except Exception as why:
                LOG.exception('%s offset %d', partition, record.offset)
                self._bury(held, record, f'{type(why).__name__}: {why}')
                continue
            over = held.hours()
            if record.offset >= held.committed:
                still = held.standing(record.key)
                for one in self._names.told(record.key or '', found, still):
                    self._publish(one)
                for hour in over:
                    self._post.usage(self._names.labelled(hour))
        last = records[-1].offset
        if last >= held.committed:
            for report in held.reports():
                self._post.report(self._names.labelled(report))
            for kept in held.due(self._settings.state_every):
                self._keep(partition, kept)
            self._commits[partition] = last + 1

    def _keep(self, partition: port.Partition, kept: state.HostState) -> None:
        place = {'partition': partition.number}
        self._post.state(msgspec.structs.replace(kept, **place))

    def _bury(
        self, held: shard.Shard, record: port.Record, reason: str
    ) -> None:
        if record.offset >= held.committed:
            self.counters.dead_letters += 1
            self._post.dead_letter(record, reason)

    def _take_facts(self, told: port.Record) -> None:
        self._usual.take(told.key, told.value)
        self._names.take(told.key, told.value)

    def _publish(self, one: finding.Finding) -> None:
        def then() -> None:
            self.counters.findings += 1
            if self._on_finding is not None:
                self._on_finding(one)

        self._post.finding(one, then)

    def _leave(self) -> None:
        """Write the states, so that the next owner need not replay much."""
        try:
            if not self._settle():
                return
            for partition, held in self._shards.items():
                for kept in held.all():
                    self._keep(partition, kept)
            self._settle()
        except exception.BusUnavailable as why:
            LOG.info('left without a last state: %s', why)

    def _tell(self) -> None:
        """Bring the vitals up to now, and log the counters now and then."""
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + _LOOK_EVERY_S
        counters = self.status()
        now_us = time.time_ns() // 1000
        self._vitals = glimpse.of(self._shards.values(), counters, now_us)
        if now_s >= self._next_tell_s:
            self._next_tell_s = now_s + _TELL_EVERY_S
            LOG.info('%s', counters)

    @property
    def signs(self) -> vitals.Analyzer:
        """Return how it fares; from any thread."""
        up = self._trouble.is_over
        lag = self._vitals.lag if up else None
        return dataclasses.replace(self._vitals, bus_up=up, lag=lag)

    def status(self) -> glimpse.Counters:
        """Return what came in, and how far behind this analyzer is."""
        for name in ('accepted', 'duplicates', 'late', 'missing'):
            now = sum(one.counters[name] for one in self._shards.values())
            setattr(self.counters, name, self._before[name] + now)
        self.counters.lag = sum(
            self._consumer.end_offset(partition)
            - self._consumer.position(partition)
            for partition in self._shards
        )
        return self.counters


def _named(partitions: Sequence[port.Partition]) -> str:
    return ', '.join(f'{one.topic}/{one.number}' for one in partitions)
