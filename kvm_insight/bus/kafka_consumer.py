# SPDX-License-Identifier: Apache-2.0
"""Kafka's consumer behind our port; connects when it is first used."""

import contextlib
import itertools
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import kafka
from kafka import errors, structs

from kvm_insight import exception
from kvm_insight.bus import (
    kafka_client,
    kafka_error,
    kafka_membership,
    kafka_rebalance,
    kafka_record,
    port,
)

LOG = logging.getLogger(__name__)

_ANSWER_MS = 10_000
_CLOSE_MS = 2000
#: Without any connection for so long, ``poll`` says so.
_ALONE_S = 5.0


class Consumer:
    """Used by one thread, and by its listener while that waits in poll."""

    def __init__(
        self,
        chosen: kafka_client.Settings,
        topics: Sequence[str],
        *,
        group: str | None,
        listener: port.Listener | None,
        from_end: bool,
        partitions: Sequence[port.Partition] | None,
    ) -> None:
        """Prepare; the first use connects."""
        self._settings = chosen
        self._topics = list(topics)
        self._group = group
        self._listener = listener
        self._from_end = from_end
        self._only = partitions
        self._ours: set[port.Partition] = set()
        self._generation = -1
        self._rebalance = kafka_rebalance.Rebalance(self._told)
        self._made: Any = None
        self._ready = False
        self._alone_since_s: float | None = None
        self._membership = kafka_membership.Membership(chosen, group)
        self._closed = False

    def poll(self, timeout_s: float, limit: int = 500) -> list[port.Record]:
        """Return records in order per partition; empty when time is over."""
        self._join_anew_if_stuck()
        with kafka_error.translated():
            client = self._client(timeout_s)
            batches = client.poll(
                timeout_ms=int(timeout_s * 1000), max_records=limit
            )
        self._raise_listener_error()
        if not batches:
            self._check_reachable(client)
        found = itertools.chain.from_iterable(batches.values())
        return [kafka_record.ours(record) for record in found]

    def _join_anew_if_stuck(self) -> None:
        """Come back as another member, where the client has rebalanced for
        longer than that can take: it never comes out of it."""
        if not self._membership.is_stuck():
            return
        LOG.warning('stuck outside of group %s: joining anew', self._group)
        self._membership.began()
        self._rebalance.silence()
        _close(self._made)
        self._made, self._ready = None, False
        self._rebalance = kafka_rebalance.Rebalance(self._told)
        self._told('lost', sorted(self._ours))

    def _raise_listener_error(self) -> None:
        error, self._rebalance.error = self._rebalance.error, None
        if error is not None:
            raise error

    def _check_reachable(self, client: Any) -> None:
        connections = list(client._manager._conns.values())
        if any(one.connected for one in connections):
            self._alone_since_s = None
            return
        now = time.monotonic()
        self._alone_since_s = self._alone_since_s or now
        if now - self._alone_since_s > _ALONE_S:
            raise exception.BusUnavailable(
                f'none of {", ".join(self._settings.servers)} answers'
            )

    # Connecting

    def _client(self, timeout_s: float = 5.0) -> Any:
        if self._closed:
            raise exception.BusUnavailable('the consumer is closed')
        if self._made is None:
            self._made = self._build(timeout_s)
            self._rebalance.net = self._made._net
        if not self._ready:
            self._begin(self._made)
            self._ready = True
        return self._made

    def _build(self, timeout_s: float) -> Any:
        return kafka_client.build(
            kafka.KafkaConsumer,
            self._settings,
            bootstrap_timeout_ms=int(min(max(timeout_s, 1.0), 5.0) * 1000),
            metrics_enabled=False,
            enable_auto_commit=False,
            # For offsets that are not kept any more: the nearest that is.
            auto_offset_reset='earliest',
            **self._membership.options(),
        )

    def _begin(self, client: Any) -> None:
        client._cluster.set_topics(self._topics)
        for topic in self._topics:
            refusal = kafka_client.explain_topic(
                client._cluster, topic, client._net.wakeup
            )
            if refusal is not None:
                raise refusal
        if self._group is not None:
            client.subscribe(topics=self._topics, listener=self._rebalance)
            return
        everything = [
            port.Partition(topic, number)
            for topic in self._topics
            for number in sorted(client.partitions_for_topic(topic))
        ]
        chosen = everything if self._only is None else list(self._only)
        client.assign([structs.TopicPartition(*one) for one in chosen])
        self._ours = set(chosen)
        if self._from_end:
            self._seek_to_end(chosen)

    def _seek_to_end(self, partitions: Sequence[port.Partition]) -> None:
        for partition in partitions:
            self._made.seek(
                kafka_record.theirs(partition), self._ends(partition)
            )

    # The group

    def _told(self, kind: str, partitions: list[port.Partition]) -> None:
        """Called in a thread of its own while ``poll`` waits."""
        if self._closed:
            return
        if kind != 'lost':
            self._generation = self.generation()
        if kind == 'assigned':
            self._ours.update(partitions)
            self._begin_at_end(partitions)
            if self._listener is not None:
                self._listener.assigned(partitions, self._generation)
            return
        if kind == 'lost':
            self._ours.difference_update(partitions)
        if self._listener is not None:
            self._listener.revoked(partitions, self._generation)
        self._ours.difference_update(partitions)

    def _begin_at_end(self, partitions: Sequence[port.Partition]) -> None:
        if self._from_end:
            self._seek_to_end(
                [one for one in partitions if self.committed(one) is None]
            )

    def commit(self, offsets: Mapping[port.Partition, int]) -> None:
        """Keep the next offset to read of each partition for the group."""
        if self._group is None:
            raise exception.BusRefused('only a member of a group commits')
        for partition in offsets:
            # The broker itself asks for the generation only.
            self._check_ours(partition)
        kept = {
            kafka_record.theirs(partition): structs.OffsetAndMetadata(
                offset, '', -1
            )
            for partition, offset in offsets.items()
        }
        with kafka_error.translated(), self._membership.commit():
            self._client().commit(kept, timeout_ms=_ANSWER_MS)

    def committed(self, partition: port.Partition) -> int | None:
        """Return the group's offset; None if it never committed."""
        if self._group is None:
            return None
        with kafka_error.translated():
            found: int | None = self._client().committed(
                kafka_record.theirs(partition), timeout_ms=_ANSWER_MS
            )
        return found

    def assignment(self) -> frozenset[port.Partition]:
        """Return the partitions that are ours."""
        return frozenset(self._ours)

    def generation(self) -> int:
        """Return the group's generation; -1 outside a group."""
        if self._group is None or self._made is None:
            return -1
        return int(self._made.group_metadata().generation_id)

    # Where to read

    def seek(self, partition: port.Partition, offset: int) -> None:
        """Go on from this offset, or from the nearest that is kept."""
        with kafka_error.translated():
            client = self._client()
            self._check_ours(partition)
            one = kafka_record.theirs(partition)
            first = client.beginning_offsets([one], timeout_ms=_ANSWER_MS)[one]
            client.seek(one, min(max(offset, first), self._ends(partition)))

    def seek_to_time(
        self, partition: port.Partition, timestamp_ms: int
    ) -> None:
        """Go on from the first record at or after this time."""
        with kafka_error.translated():
            client = self._client()
            self._check_ours(partition)
            one = kafka_record.theirs(partition)
            found = client.offsets_for_times(
                {one: max(0, timestamp_ms)}, timeout_ms=_ANSWER_MS
            )[one]
            client.seek(
                one, self._ends(partition) if found is None else found.offset
            )

    def _check_ours(self, partition: port.Partition) -> None:
        if partition not in self._ours:
            raise exception.BusUnavailable(
                f'{partition.topic}/{partition.number} is not ours'
            )

    def pause(self, partitions: Iterable[port.Partition]) -> None:
        """Do not fetch from these until ``resume``."""
        ours = [
            kafka_record.theirs(one) for one in partitions if one in self._ours
        ]
        self._client().pause(*ours)

    def resume(self, partitions: Iterable[port.Partition]) -> None:
        """Fetch from these again."""
        ours = [
            kafka_record.theirs(one) for one in partitions if one in self._ours
        ]
        self._client().resume(*ours)

    def position(self, partition: port.Partition) -> int:
        """Return the offset of the next record that ``poll`` would give."""
        with kafka_error.translated():
            client = self._client()
            self._check_ours(partition)
            found = client.position(
                kafka_record.theirs(partition), timeout_ms=_ANSWER_MS
            )
        if found is None:
            raise exception.BusUnavailable(f'no position of {partition} yet')
        return int(found)

    def end_offset(self, partition: port.Partition) -> int:
        """Return the offset that the next published record will get."""
        with kafka_error.translated():
            self._client()
            return self._ends(partition)

    def _ends(self, partition: port.Partition) -> int:
        one = kafka_record.theirs(partition)
        return int(self._made.end_offsets([one], timeout_ms=_ANSWER_MS)[one])

    def close(self) -> None:
        """Leave the group at once; never raises."""
        if self._closed:
            return
        self._closed = True
        if self._made is not None:
            _close(self._made)


def _close(client: Any) -> None:
    """Leave the group at once; never raises."""
    with contextlib.suppress(errors.KafkaError, OSError, RuntimeError):
        client.close(autocommit=False, timeout_ms=_CLOSE_MS)
