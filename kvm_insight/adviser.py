# SPDX-License-Identifier: Apache-2.0
"""Adviser: how hosts are configured from the bus, findings to the bus.

A part of the analyzer with a consumer group of its own. The order of effects
makes a crash at any line harmless: what is open of a host is on ``advice``
before the findings that follow from it, and both before the commit. Whoever
takes over says the last of them once more.
"""

import dataclasses
import logging
import threading
from collections.abc import Sequence

from kvm_insight import exception
from kvm_insight.advise import hosts
from kvm_insight.bus import compacted, port, post, topic, trouble
from kvm_insight.conf import analyzer as options
from kvm_insight.model import codec, configuration

LOG = logging.getLogger(__name__)

_LOAD_S = 30.0
_POLL_S = 0.5
_BUSY_POLL_S = 0.05
_BACK_OFF_S = 1.0
#: Of so many hosts the record may be large, and each is judged whole.
_BATCH = 20


@dataclasses.dataclass(slots=True)
class Counters:
    """What went through, since this one started."""

    records: int = 0
    findings: int = 0
    dead_letters: int = 0


class Adviser:
    """Judges the hosts of the partitions that the group gives it."""

    def __init__(self, bus: port.Bus, settings: options.Settings) -> None:
        """Use the bus; it stays yours."""
        self.counters = Counters()
        self._bus = bus
        self._prefix = settings.prefix
        self._group = f'{settings.group}-advice'
        self._hosts: dict[port.Partition, hosts.Hosts] = {}
        self._to_load: list[port.Partition] = []
        #: What is to be said when that which was kept is on the bus.
        self._unsaid: dict[port.Partition, list[configuration.Finding]] = {}
        self._commits: dict[port.Partition, int] = {}
        self._trouble = trouble.Trouble()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; raise BusRefused if that is vain."""
        producer = self._bus.producer()
        self._consumer = self._bus.consumer(
            [self._prefix + topic.HOST_CONFIG],
            group=self._group,
            listener=self,
        )
        self._post = post.Post(producer, self._prefix)
        try:
            while not stop.is_set():
                try:
                    self._step()
                    self._trouble.end()
                except exception.BusUnavailable as why:
                    self._trouble.begin(why)
                    stop.wait(_BACK_OFF_S)
        finally:
            self._consumer.close()
            producer.close()

    def assigned(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Read nothing of these before what is open there is loaded."""
        self._consumer.pause(partitions)
        self._to_load += [p for p in partitions if p not in self._to_load]

    def revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Forget these; what they had is in the topics."""
        for partition in partitions:
            for held in (self._hosts, self._unsaid, self._commits):
                held.pop(partition, None)
            if partition in self._to_load:
                self._to_load.remove(partition)

    def _step(self) -> None:
        """Take one batch in, or bring the last one's effects out."""
        busy = not self._settle()
        while self._to_load and not busy:
            self._load(self._to_load[0])
        records = self._consumer.poll(
            _BUSY_POLL_S if busy else _POLL_S, _BATCH
        )
        for partition, part in port.by_partition(records).items():
            if partition in self._hosts:
                self._take(partition, part)

    def _settle(self) -> bool:
        """Bring effects out in their order; say whether all are out."""
        while self._post.settled():
            if not self._unsaid:
                return self._commit()
            unsaid, self._unsaid = self._unsaid, {}
            for said in unsaid.values():
                for one in said:
                    self._post.configuration(one, self._count)
        return False

    def _commit(self) -> bool:
        try:
            for partition, offset in list(self._commits.items()):
                self._consumer.commit({partition: offset})
                del self._commits[partition]
                self._consumer.resume([partition])
        except exception.BusUnavailable as why:
            LOG.info('offsets are kept later: %s', why)
            return False
        return True

    def _load(self, partition: port.Partition) -> None:
        """Take over a partition from what is known to be open there."""
        name = port.Partition(self._prefix + topic.ADVICE, partition.number)
        kept = compacted.newest(self._bus, name, _LOAD_S)
        end = self._consumer.end_offset(partition)
        held = hosts.Hosts()
        for host, record in kept.items():
            try:
                one = codec.decode(record.value or b'', configuration.Advice)
            except exception.CodecError as why:
                LOG.warning('advice of %s cannot be used: %s', host, why)
            else:
                held.restore(one, end)
        self._to_load.remove(partition)
        self._hosts[partition] = held
        self._unsaid[partition] = held.untold()
        self._consumer.seek(
            partition, self._consumer.committed(partition) or 0
        )
        self._consumer.resume([partition])
        LOG.info('%s/%d: %d hosts have advice', *partition, len(kept))

    def _take(
        self, partition: port.Partition, records: Sequence[port.Record]
    ) -> None:
        """Judge the hosts of one partition that told something."""
        held = self._hosts[partition]
        for record in records:
            try:
                _judge(held, record)
            except exception.CodecError as why:
                self._bury(record, str(why))
            except Exception as why:
                LOG.exception('%s/%d offset %d', *partition, record.offset)
                self._bury(record, f'{type(why).__name__}: {why}')
        self.counters.records += len(records)
        unsaid = self._unsaid.setdefault(partition, [])
        for kept, said in held.due():
            self._post.advice(kept)
            unsaid += said
        self._commits[partition] = records[-1].offset + 1
        # Nothing more of it before what it made is on the bus.
        self._consumer.pause([partition])

    def _bury(self, record: port.Record, reason: str) -> None:
        self.counters.dead_letters += 1
        self._post.dead_letter(record, reason)

    def _count(self) -> None:
        self.counters.findings += 1


def _judge(held: hosts.Hosts, record: port.Record) -> None:
    """Let a host be judged by one record."""
    if record.value is not None:
        held.consume(record.offset, record.key, record.value)
    elif record.key is not None:
        us = max(0, record.timestamp_ms) * 1000
        held.forget(record.offset, record.key, us)
