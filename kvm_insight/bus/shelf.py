# SPDX-License-Identifier: Apache-2.0
"""The spool's file: counted, held by one process, replaced when damaged."""

import contextlib
import logging
import os
import pathlib
import sqlite3
from collections.abc import Sequence

import zstandard

from kvm_insight import exception
from kvm_insight.bus import entry, log, port, private

LOG = logging.getLogger(__name__)

#: What reading or writing a damaged file raises.
Damage = (sqlite3.DatabaseError, zstandard.ZstdError)
_EXPIRE_AT_ONCE = 1000
#: On a full disk even a deletion needs room for its log of changes: a file
#: of this size gives way to it.
_RESERVE_BYTES = 2 * 1024 * 1024


class Shelf:
    """Entries in a file, oldest first, with their number and their size.

    Raises sqlite3.OperationalError when the disk is full or fails; whoever
    meets another ``Damage`` calls ``replace``.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Open or make the file; raise ConfigError when that cannot work."""
        self.path = path
        self.count = 0
        self.size_bytes = 0
        self._reserve = path.with_name(path.name + '-reserve')
        self._log = self._open()
        self.set_reserve_aside()

    def append(self, entries: Sequence[entry.Entry]) -> None:
        """Keep all of them or none."""
        for one in entries:
            if not self._log.partitions(one.topic):
                self._log.create_topic(port.Topic(one.topic))
        self._log.append(entries)
        self.count += len(entries)
        self.size_bytes += self._newest_size(len(entries))

    def _newest_size(self, count: int) -> int:
        rows = self._log.query(
            """SELECT sum(size) FROM (SELECT size FROM record
                ORDER BY id DESC LIMIT ?)""",
            (count,),
        )
        return int(rows[0][0])

    def oldest(self, limit: int, after_id: int) -> list[entry.Entry]:
        """Return the oldest that came after this id."""
        return self._log.oldest(limit, after_id)

    def delete(self, ids: Sequence[int]) -> int:
        """Remove these; return how many were there."""
        return self._gone(self._log.delete(ids))

    def delete_oldest(self, count: int) -> int:
        """Remove so many; return how many there were."""
        return self._gone(self._log.delete_oldest(count))

    def delete_older(self, before_ms: int) -> int:
        """Remove what is from before this time; return how many."""
        total = 0
        while gone := self._gone(
            self._log.delete_older(before_ms, _EXPIRE_AT_ONCE)
        ):
            total += gone
        return total

    def _gone(self, sizes: list[int]) -> int:
        self.count -= len(sizes)
        self.size_bytes -= sum(sizes)
        return len(sizes)

    def shrink(self) -> None:
        """Give free pages back to the file system."""
        self._log.shrink()

    def release_reserve(self) -> bool:
        """Say whether there was room set aside; it can be used now."""
        there = self._reserve.exists()
        self._reserve.unlink(missing_ok=True)
        # The log of changes takes room itself: fold it into the file.
        self._log.query('PRAGMA wal_checkpoint(TRUNCATE)')
        return there

    def set_reserve_aside(self) -> bool:
        """Say whether there is room on the disk, and keep some of it."""
        if self._reserve.exists():
            return True
        try:
            disk = os.statvfs(self.path.parent)
            if disk.f_bavail * disk.f_frsize < 2 * _RESERVE_BYTES:
                return False
            with self._reserve.open('wb') as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)
        except OSError:
            with contextlib.suppress(OSError):
                self._reserve.unlink(missing_ok=True)
            return False
        return True

    def replace(self, why: Exception) -> int:
        """Move the damaged file aside; return how many entries that lost."""
        lost = self.count
        self._log.close()
        self._move_aside(why)
        self._log = self._load()
        return lost

    def close(self) -> None:
        """Close the file; never raises."""
        self._log.close()

    def _open(self) -> log.Log:
        try:
            private.folder(self.path.parent)
            return self._load()
        except OSError as why:
            raise self._unusable(
                why, 'name a folder that the service may write to'
            ) from why
        except sqlite3.OperationalError as why:
            raise self._unusable(why, _remedy(why)) from why
        except Damage as why:
            self._move_aside(why)
            return self._load()

    def _load(self) -> log.Log:
        # Where that fails, opening does, too, and says why.
        with contextlib.suppress(OSError):
            private.file(self.path)
        opened = log.Log(self.path, exclusive=True)
        try:
            verdict = opened.query('PRAGMA quick_check(1)')[0][0]
            if verdict != 'ok':
                raise sqlite3.DatabaseError(str(verdict))
            row = opened.query('SELECT count(*), sum(size) FROM record')[0]
        except BaseException:
            opened.close()
            raise
        self.count = row[0]
        self.size_bytes = row[1] or 0
        return opened

    def _unusable(self, why: Exception, remedy: str) -> exception.ConfigError:
        return exception.ConfigError(f'spool {self.path}: {why}; {remedy}')

    def _move_aside(self, why: Exception) -> None:
        aside = self.path.with_name(self.path.name + '.corrupt')
        LOG.error(
            'spool %s is damaged (%s): moved to %s, an empty one goes on',
            self.path,
            why,
            aside,
        )
        for tail in ('', '-wal', '-shm'):
            old = self.path.with_name(self.path.name + tail)
            with contextlib.suppress(FileNotFoundError):
                old.replace(aside.with_name(aside.name + tail))


def disk_full(why: Exception) -> bool:
    """Say whether the disk, and not the file, is what is wrong."""
    return isinstance(why, sqlite3.OperationalError) and (
        why.sqlite_errorcode
        in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
    )


def _remedy(why: sqlite3.OperationalError) -> str:
    if disk_full(why):
        return 'make room on this disk'
    if why.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return 'another process uses it: end that, or name another file'
    return 'name a folder that the service may write to'
