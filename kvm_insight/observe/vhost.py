# SPDX-License-Identifier: Apache-2.0
"""vhost workers that are kernel threads of their own (before Linux 6.4).

Later kernels run them as threads of the QEMU process, where they are seen
with all others.
"""

import pathlib
from collections.abc import Collection, Iterator

from kvm_insight.observe import descriptor, process, task


class Workers:
    """The workers of one domain; what ended ones used stays in."""

    def __init__(
        self, proc: pathlib.Path, budget: descriptor.Budget, *, counts: bool
    ) -> None:
        self._proc = proc
        self._budget = budget
        self._counts = counts
        self._processes: dict[int, process.Process] = {}
        self._ended = task.NOTHING

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the living workers."""
        return tuple(self._processes)

    def adopt(self, pids: Collection[int]) -> None:
        """These are the workers now; those known already go on."""
        for pid in set(pids) - self._processes.keys():
            opened = process.open_process(
                self._proc, pid, counts=self._counts, budget=self._budget
            )
            if opened is not None:
                self._processes[pid] = opened

    def read(self) -> None:
        """Read them all, as at a tick."""
        for pid, worker in list(self._processes.items()):
            if not worker.read():
                self._end(pid)

    def refresh(self) -> None:
        """Read them all with their affinity, as at a sweep."""
        for pid, worker in list(self._processes.items()):
            if not worker.refresh():
                self._end(pid)

    def threads(self) -> Iterator[process.Thread]:
        """Return the living workers as threads."""
        for worker in self._processes.values():
            yield from worker.threads.values()

    def total(self) -> task.Usage:
        """Return what all used, those that ended too."""
        total = self._ended
        for worker in self._processes.values():
            total = total.plus(worker.total('vhost'))
        return total

    def close(self) -> None:
        """Release what is kept open."""
        for worker in self._processes.values():
            worker.close()

    def _end(self, pid: int) -> None:
        worker = self._processes.pop(pid)
        self._ended = self._ended.plus(worker.total('vhost'))
        worker.close()
