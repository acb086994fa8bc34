# SPDX-License-Identifier: Apache-2.0
"""The agent's spool: records wait here, on the disk, until the bus has them.

It never stops the agent: full, it drops the oldest; without a disk it keeps
the newest in memory; damaged, it is moved aside. What it drops it counts.
"""

import contextlib
import dataclasses
import itertools
import logging
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from kvm_insight import exception
from kvm_insight.bus import entry, shelf

LOG = logging.getLogger(__name__)

_TIDY_EVERY_S = 30.0
_ROOM_FOR_ONE = 16
#: What a spool may grow to on a full disk, from the room it set aside.
_FULL_DISK_BYTES = 512 * 1024
#: What is kept in memory while the disk takes nothing.
_MEMORY_BYTES = 4 * 1024 * 1024
#: Ids of entries in memory lie above all that a file ever gives.
_MEMORY_IDS = 2**62


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """How much the spool may keep."""

    max_bytes: int = 256 * 1024 * 1024
    max_age_s: int = 3 * 24 * 3600


class Spool:
    """Records in the order they came; safe for several threads.

    ``dropped`` counts what was lost since this object was made: too old, too
    many, or in a file that was damaged.
    """

    def __init__(
        self,
        path: pathlib.Path,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or make the file; raise ConfigError when that cannot work."""
        self._settings = settings or Settings()
        self._clock = clock
        self._lock = threading.RLock()
        self._disk = shelf.Shelf(path)
        self._disk_ails = False
        #: Less than the settings' while the disk has no room to grow.
        self._max_bytes = self._settings.max_bytes
        self._next_tidy = 0.0
        self._memory: dict[int, entry.Entry] = {}
        self._memory_ids = itertools.count(_MEMORY_IDS)
        #: Given out up to here; in memory, these ids.
        self._taken = 0
        self._taken_memory: set[int] = set()
        #: Acknowledged, but the disk did not let them go.
        self._owed: list[int] = []
        self._tell: Callable[[], object] = lambda: None
        self.dropped = 0

    @property
    def pending(self) -> int:
        """How many records wait."""
        return self._disk.count + len(self._memory) - len(self._owed)

    @property
    def size_bytes(self) -> int:
        """What they take on the disk."""
        return self._disk.size_bytes

    def append(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        timestamp_ms: int,
        headers: Mapping[str, bytes] | None = None,
    ) -> None:
        """Keep a record; it is on the disk when this returns.

        Raises only SpoolFull, for a record larger than the whole spool.
        """
        size = len(value or b'') + entry.OVERHEAD
        if size > self._settings.max_bytes:
            raise exception.SpoolFull(
                f'a record of {size} bytes does not fit into a spool of '
                f'{self._settings.max_bytes}: raise its bound'
            )
        one = entry.Entry(
            topic, key, value, timestamp_ms, headers or {}, size=size
        )
        with self._lock:
            self._tidy()
            self._unload_memory()
            if self._waits_in_memory() or not self._write([one]):
                self._remember(one)
            self._bound()
        self._tell()

    def on_append(self, tell: Callable[[], object]) -> None:
        """Call this after each ``append``, from whichever thread."""
        self._tell = tell

    def take(self, limit: int) -> list[entry.Entry]:
        """Return the oldest that were not given out yet."""
        with self._lock:
            self._unload_memory()
            try:
                found = self._disk.oldest(limit, self._taken)
            except shelf.Damage as why:
                self._damaged(why)
                found = []
            if found:
                self._taken = found[-1].id
            else:
                found = self._waits_in_memory()[:limit]
                self._taken_memory.update(one.id for one in found)
        return found

    def rewind(self) -> None:
        """Give out again what was taken and not acknowledged."""
        with self._lock:
            self._taken = 0
            self._taken_memory.clear()

    def ack(self, ids: Sequence[int]) -> None:
        """Forget records that the bus has."""
        with self._lock:
            for one in ids:
                if self._memory.pop(one, None):
                    self._taken_memory.discard(one)
            self._owed.extend(one for one in ids if one < _MEMORY_IDS)
            if not self._owed:
                return
            try:
                self._disk.delete(self._owed)
            except shelf.Damage as why:
                self._damaged(why)
            else:
                self._owed.clear()

    def close(self) -> None:
        """Close the file; never raises. What is only in memory is lost."""
        with self._lock:
            self._unload_memory()
            self._disk.close()

    # The disk

    def _write(self, entries: Sequence[entry.Entry]) -> bool:
        """Say whether they are on the disk; make room on it if need be."""
        for _ in range(4):
            try:
                self._disk.append(entries)
            except shelf.Damage as why:
                self._damaged(why)
                if shelf.disk_full(why) and not self._make_room():
                    return False
            else:
                return True
        return False

    def _make_room(self) -> bool:
        """Say whether trying again makes sense; drop some of the oldest."""
        try:
            reserve = self._disk.release_reserve()
            gone = self._disk.delete_oldest(_ROOM_FOR_ONE)
        except sqlite3.Error:
            return False
        self.dropped += gone
        # Not to grow into the reserve, which the log of changes needs.
        limit = max(self._disk.size_bytes, _FULL_DISK_BYTES)
        self._max_bytes = min(self._max_bytes, limit)
        return reserve or gone > 0

    def _damaged(self, why: Exception) -> None:
        """Move a broken file aside; a disk that fails may work later."""
        if isinstance(why, sqlite3.OperationalError):
            if not self._disk_ails:
                LOG.error(
                    'spool %s cannot be written (%s): the oldest records '
                    'are dropped, sampling goes on',
                    self._disk.path,
                    why,
                )
            self._disk_ails = True
            return
        with contextlib.suppress(sqlite3.Error):
            self.dropped += self._disk.replace(why) - len(self._owed)
        self._owed.clear()
        self._taken = 0

    def _look_at_disk(self) -> None:
        """Say when there is room again."""
        if not self._disk.set_reserve_aside():
            return
        if self._disk_ails:
            LOG.warning(
                'spool %s has room on its disk again; %d records dropped so '
                'far',
                self._disk.path,
                self.dropped,
            )
        self._disk_ails = False
        self._max_bytes = self._settings.max_bytes
        self._disk.shrink()

    # Bounds

    def _bound(self) -> None:
        try:
            while self._disk.size_bytes > self._max_bytes:
                gone = self._disk.delete_oldest(self._too_many())
                self.dropped += gone
                if not gone:
                    return
        except shelf.Damage as why:
            self._damaged(why)

    def _too_many(self) -> int:
        """Return how many to drop at once: 1 unless far above the bound."""
        over = self._disk.size_bytes - self._max_bytes
        mean = self._disk.size_bytes // max(1, self._disk.count)
        return max(1, min(500, over // max(1, mean)))

    def _tidy(self) -> None:
        now = self._clock()
        # A clock that was set back must not stop this for ever.
        if 0 <= self._next_tidy - now <= _TIDY_EVERY_S:
            return
        self._next_tidy = now + _TIDY_EVERY_S
        before_ms = int((now - self._settings.max_age_s) * 1000)
        try:
            self.dropped += self._disk.delete_older(before_ms)
            self._look_at_disk()
        except shelf.Damage as why:
            self._damaged(why)

    # Memory, for as long as the disk takes nothing

    def _waits_in_memory(self) -> list[entry.Entry]:
        return [
            one
            for one in self._memory.values()
            if one.id not in self._taken_memory
        ]

    def _remember(self, one: entry.Entry) -> None:
        number = next(self._memory_ids)
        self._memory[number] = dataclasses.replace(one, id=number)
        room = min(_MEMORY_BYTES, self._settings.max_bytes)
        while sum(kept.size for kept in self._memory.values()) > room:
            oldest = next(iter(self._memory))
            del self._memory[oldest]
            self._taken_memory.discard(oldest)
            self.dropped += 1

    def _unload_memory(self) -> None:
        """Bring to the disk what is not on its way to the bus already."""
        waiting = self._waits_in_memory()
        if waiting and self._write(waiting):
            for one in waiting:
                del self._memory[one.id]
