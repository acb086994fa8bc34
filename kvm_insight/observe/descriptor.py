# SPDX-License-Identifier: Apache-2.0
"""A file that is read again and again: kept open, and read from its start.

Reading a kept descriptor costs a sixth of opening the file each time, and
a descriptor of a thread that ended never speaks of another one that got its
number. Descriptors are few, so beyond a budget the file is opened each time.
"""

import os

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
