# SPDX-License-Identifier: Apache-2.0
"""A file that is read again and again: kept open, and read from its start.

Reading a kept descriptor costs a sixth of opening the file each time, and
a descriptor of a thread that ended never speaks of another one that got its
number. Descriptors are few, so beyond a budget the file is opened each time.
"""

import os
import pathlib

from kvm_insight.observe import file

#: Leaves room for sockets and SQLite under the usual limit of 1,024.
DEFAULT_BUDGET = 640


class Budget:
    """How many descriptors may be kept open at the same time."""

    def __init__(self, limit: int = DEFAULT_BUDGET) -> None:
        self.limit = limit
        self.used = 0

    def take(self) -> bool:
        """Say whether one more may be kept, and count it."""
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def give(self) -> None:
        """One was closed."""
        self.used -= 1


class Kept:
    """One file; ``read`` returns None once what it tells of is gone."""

    __slots__ = ('_budget', '_descriptor', 'path')

    def __init__(self, path: str, budget: Budget) -> None:
        self.path = path
        self._budget = budget
        self._descriptor = -1

    def read(self, size: int = 1024) -> bytes | None:
        """Return the first bytes of the file as it is now."""
        try:
            if self._descriptor >= 0:
                return os.pread(self._descriptor, size, 0) or None
            return self._open(size)
        except OSError as why:
            self.close()
            if file.is_gone(why):
                return None
            raise file.explain(self.path, why) from why

    def _open(self, size: int) -> bytes | None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        if self._budget.take():
            self._descriptor = descriptor
            return os.pread(descriptor, size, 0) or None
        try:
            return os.pread(descriptor, size, 0) or None
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Release the descriptor; a later ``read`` opens again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._budget.give()


class Files:
    """Files that are kept open by path; ``read`` is as ``file.read``."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._kept: dict[str, Kept] = {}
        self._names: dict[pathlib.Path, list[str]] = {}

    def names(self, path: pathlib.Path) -> list[str]:
        """Return the names in a folder whose files stay the same, as those
        of a cgroup do; empty when it is not there (yet)."""
        if not self._names.get(path):
            self._names[path] = file.names(path)
        return self._names[path]

    def read(self, path: pathlib.Path | str) -> str | None:
        """Return what the file says; None when it is not there (any more)."""
        name = str(path)
        kept = self._kept.get(name)
        if kept is None:
            kept = self._kept[name] = Kept(name, self._budget)
        chunk = kept.read(file.CHUNK)
        if chunk is None or len(chunk) < file.SHORT:
            return None if chunk is None else chunk.decode(errors='replace')
        # What is longer may come in parts: from its beginning, to its end.
        return file.read(path)

    def close(self) -> None:
        """Release all descriptors."""
        for kept in self._kept.values():
            kept.close()
        self._kept = {}
