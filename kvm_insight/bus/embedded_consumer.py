# SPDX-License-Identifier: Apache-2.0
"""The embedded bus's consumer: reads the log, alone or as a group's member."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kvm_insight import exception
from kvm_insight.bus import delivery, group, log, port

_LOOK_EVERY_S = 0.02
_CHECK_EVERY_S = 0.5
#: Whoever does not poll for so long has no right to its partitions.
_LONGEST_PAUSE_S = 300.0


class Consumer:
    """One thread polls; another one, of its own, keeps the membership."""

    def __init__(
        self,
        records: log.Log,
        topics: Sequence[str],
        *,
        membership: group.Membership | None,
        listener: port.Listener | None,
        from_end: bool,
        partitions: Sequence[port.Partition] | None,
        session_s: float,
    ) -> None:
        """Read with this Log, which becomes the consumer's own."""
        self._log = records
        self._topics = tuple(topics)
        self._membership = membership
        self._listener = listener
        self._from_end = from_end
        self._only = partitions
        self._positions: dict[port.Partition, int] = {}
        self._paused: set[port.Partition] = set()
        self._version = -1
        self._next_check = 0.0
        self._joined = False
        self._closed = False
        self._polled_at = time.monotonic()
        self._ended = delivery.Wakeup()
        self._heart = threading.Thread(
            target=self._keep_beating,
            args=(session_s / 3,),
            name='kvm-insight-heartbeat',
            daemon=True,
        )

    def poll(self, timeout_s: float, limit: int = 500) -> list[port.Record]:
        """Return records in order per partition; empty when time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._polled_at = time.monotonic()
            with _translated():
                version = self._log.version()
                self._follow_group(version)
                found = self._fetch(limit)
                if found or self._polled_at >= deadline:
                    return found
                self._wait_for_change(version, deadline)

    def _wait_for_change(self, version: int, deadline: float) -> None:
        while (now := time.monotonic()) < deadline:
            if now >= self._next_check or self._log.version() != version:
                return
            time.sleep(min(_LOOK_EVERY_S, deadline - now))

    # Who reads what

    def _follow_group(self, version: int) -> None:
        now = time.monotonic()
        if version == self._version and now < self._next_check:
            return
        self._version = version
        self._next_check = now + _CHECK_EVERY_S
        self._check_topics()
        if self._membership is None:
            self._take(self._everything())
        else:
            self._follow_membership(self._membership)

    def _check_topics(self) -> None:
        for topic in self._topics:
            if not self._log.partitions(topic):
                raise missing(topic)

    def _everything(self) -> list[port.Partition]:
        if self._only is not None:
            return list(self._only)
        return [
            port.Partition(topic, number)
            for topic in self._topics
            for number in range(self._log.partitions(topic))
        ]

    def _follow_membership(self, member: group.Membership) -> None:
        self._stay_member(member)
        member.check()
        lose = member.to_give_up()
        if lose:
            self._tell_revoked(lose, member.generation)
            member.give_up(lose)
        gained = member.claim()
        if gained:
            self._take(gained)
            if self._listener is not None:
                self._listener.assigned(gained, member.generation)

    def _stay_member(self, member: group.Membership) -> None:
        if self._joined and not member.alive():
            self._tell_revoked(sorted(member.owned), member.generation)
            self._joined = False
        if not self._joined:
            member.join()
            self._joined = True
            if not self._heart.is_alive():
                self._heart.start()

    def _tell_revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        if self._listener is not None and partitions:
            self._listener.revoked(partitions, generation)
        for partition in partitions:
            self._positions.pop(partition, None)
            self._paused.discard(partition)

    def _take(self, partitions: Iterable[port.Partition]) -> None:
        for partition in partitions:
            if partition not in self._positions:
                self._positions[partition] = self._beginning(partition)

    def _beginning(self, partition: port.Partition) -> int:
        offset = self.committed(partition)
        first, end = self._log.bounds(partition)
        if offset is None:
            return end if self._from_end else first
        return min(max(offset, first), end)

    def _keep_beating(self, every_s: float) -> None:
        while not self._closed:
            self._ended.wait(every_s)
            late = time.monotonic() - self._polled_at > _LONGEST_PAUSE_S
            if self._closed or late or self._membership is None:
                continue
            with contextlib.suppress(sqlite3.Error):
                self._membership.beat()

    # What is read

    def _fetch(self, limit: int) -> list[port.Record]:
        found: list[port.Record] = []
        for partition in self._behind():
            rest = limit - len(found)
            if rest <= 0:
                break
            batch = self._log.read(partition, self._positions[partition], rest)
            if batch:
                found += batch
                self._positions[partition] = batch[-1].offset + 1
        return found

    def _behind(self) -> list[port.Partition]:
        """Return those with something to read, the longest unread first."""
        ends = self._log.ends()
        waiting = [
            partition
            for partition, position in self._positions.items()
            if partition not in self._paused
            and ends.get(partition, 0) > position
        ]
        # Whoever is read goes to the end of the line: none starves.
        for partition in waiting:
            self._positions[partition] = self._positions.pop(partition)
        return waiting

    def commit(self, offsets: Mapping[port.Partition, int]) -> None:
        """Keep the next offset to read of each partition for the group."""
        if self._membership is None:
            raise exception.BusRefused('only a member of a group commits')
        with _translated():
            self._membership.commit(offsets)

    def committed(self, partition: port.Partition) -> int | None:
        """Return the group's offset; None if it never committed."""
        if self._membership is None:
            return None
        with _translated():
            return self._membership.committed(partition)

    def assignment(self) -> frozenset[port.Partition]:
        """Return the partitions that are ours."""
        return frozenset(self._positions)

    def seek(self, partition: port.Partition, offset: int) -> None:
        """Go on from this offset, or from the nearest that is kept."""
        self._check_ours(partition)
        with _translated():
            first, end = self._log.bounds(partition)
        self._positions[partition] = min(max(offset, first), end)

    def seek_to_time(
        self, partition: port.Partition, timestamp_ms: int
    ) -> None:
        """Go on from the first record at or after this time."""
        self._check_ours(partition)
        with _translated():
            found = self._log.offset_at(partition, timestamp_ms)
        self._positions[partition] = found

    def _check_ours(self, partition: port.Partition) -> None:
        if self._membership is None and not self._positions:
            with _translated():
                self._follow_group(self._log.version())
        if partition not in self._positions:
            raise exception.BusUnavailable(
                f'{partition.topic}/{partition.number} is not ours'
            )

    def pause(self, partitions: Iterable[port.Partition]) -> None:
        """Do not fetch from these until ``resume``."""
        self._paused.update(partitions)

    def resume(self, partitions: Iterable[port.Partition]) -> None:
        """Fetch from these again."""
        self._paused.difference_update(partitions)

    def position(self, partition: port.Partition) -> int:
        """Return the offset of the next record that ``poll`` would give."""
        self._check_ours(partition)
        return self._positions[partition]

    def end_offset(self, partition: port.Partition) -> int:
        """Return the offset that the next published record will get."""
        with _translated():
            return self._log.bounds(partition)[1]

    def generation(self) -> int:
        """Return the group's generation; -1 outside a group."""
        return -1 if self._membership is None else self._membership.generation

    def close(self) -> None:
        """Leave the group at once; never raises."""
        if self._closed:
            return
        self._closed = True
        self._ended.set()
        if self._joined and self._membership is not None:
            with contextlib.suppress(sqlite3.Error):
                self._membership.leave()
            self._heart.join(timeout=5)
        self._log.close()


def missing(topic: str) -> exception.BusRefused:
    """Return the error for a topic that nobody created."""
    return exception.BusRefused(
        f'topic {topic} does not exist: run kvm-insight topics create'
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except log.UnknownTopicError as why:
        raise missing(str(why)) from why
    except sqlite3.Error as why:
        raise exception.BusUnavailable(f'embedded bus: {why}') from why
