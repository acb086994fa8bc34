# SPDX-License-Identifier: Apache-2.0
"""What a bus is; both drivers and their one test suite keep to this."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from kvm_insight import exception


class Partition(NamedTuple):
    """One ordered part of a topic."""

    topic: str
    number: int


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies on the bus; a ``None`` value is a tombstone."""

    partition: Partition
    offset: int
    key: str | None
    value: bytes | None
    timestamp_ms: int
    headers: Mapping[str, bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be created."""

    name: str
    partitions: int = 1
    replication: int = 1
    #: None keeps for ever (or compacts).
    retention_s: int | None = None
    compacted: bool = False


class Delivery(Protocol):
    """The fate of one published record."""

    def done(self) -> bool:
        """Say whether ``result`` would answer at once."""

    def result(self, timeout_s: float | None = None) -> int:
        """Return the record's offset.

        Raises BusRefused for what will never work, BusUnavailable for what
        may work later (the record may nevertheless be on the bus: consumers
        drop duplicates), also when the time is over.
        """


class Producer(Protocol):
    """Writes records; never blocks on a broker that is away."""

    def publish(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> Delivery:
        """Hand one record over; order holds within a key."""

    def flush(self, timeout_s: float) -> None:
        """Wait for all deliveries; raise BusUnavailable when time is over."""

    def trouble(self) -> exception.BusError | None:
        """Return why nothing goes out at the moment; None when it does."""

    def close(self, *, linger_s: float = 1.0) -> None:
        """End; never raises.

        What was published may take so long to be acknowledged. Whoever keeps
        the records elsewhere, as the spool does, has no need to linger.
        """


class Listener(Protocol):
    """Told of partitions that come and go, from within ``poll``.

    Never called with nothing. May seek, ask for ``committed`` and
    ``position``, and read with consumers of its own.
    """

    def assigned(
        self, partitions: Sequence[Partition], generation: int
    ) -> None:
        """These are ours now, in this generation of the group."""

    def revoked(
        self, partitions: Sequence[Partition], generation: int
    ) -> None:
        """These are ours no longer; still may be committed in here.

        Also called when they were lost without a chance to commit; then a
        commit raises BusUnavailable.
        """


class Consumer(Protocol):
    """Reads records as a member of a group, or (no group) all of them."""

    def poll(self, timeout_s: float, limit: int = 500) -> list[Record]:
        """Return records in order per partition; empty when time is over.

        Raises BusUnavailable or BusRefused; may be called again after both.
        """

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Keep the next offset to read of each partition for the group.

        All of them or none. Raises BusUnavailable when one of the partitions
        is not ours any more.
        """

    def committed(self, partition: Partition) -> int | None:
        """Return the group's offset; None if it never committed."""

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that are ours."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on from this offset, or from the nearest that is kept."""

    def seek_to_time(self, partition: Partition, timestamp_ms: int) -> None:
        """Go on from the first record at or after this time."""

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Do not fetch from these until ``resume``; membership lives on."""

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Fetch from these again."""

    def position(self, partition: Partition) -> int:
        """Return the offset of the next record that ``poll`` would give."""

    def end_offset(self, partition: Partition) -> int:
        """Return the offset that the next published record will get."""

    def generation(self) -> int:
        """Return the group's generation; -1 outside a group."""

    def close(self) -> None:
        """Leave the group at once; never raises."""


class Bus(Protocol):
    """A connection's settings; hands out producers and consumers."""

    def producer(self) -> Producer:
        """Return a new producer; does not wait for a broker."""

    def consumer(
        self,
        topics: Sequence[str],
        *,
        group: str | None = None,
        listener: Listener | None = None,
        from_end: bool = False,
        partitions: Sequence[Partition] | None = None,
    ) -> Consumer:
        """Return a new consumer; does not wait for a broker.

        Without a group it is assigned all partitions of the topics, or just
        ``partitions``. Where nothing was committed it begins at the first
        record that is kept, or with ``from_end`` at the end.
        """

    def topics(self) -> dict[str, int]:
        """Return the topics that are there -> their number of partitions.

        Raises BusUnavailable or BusRefused.
        """

    def create_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Create those that are missing; return their names.

        Raises BusUnavailable or BusRefused.
        """

    def close(self) -> None:
        """Release what the driver itself holds; never raises."""


class Driver(Protocol):
    """What stevedore's ``kvm_insight.bus`` loads: settings to a Bus."""

    def __call__(self, settings: Mapping[str, object]) -> Bus:
        """Return the bus; raise ConfigError for what cannot work."""


def by_partition(records: Sequence[Record]) -> dict[Partition, list[Record]]:
    """Return the records of each partition, in their order."""
    found: dict[Partition, list[Record]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record)
    return found
