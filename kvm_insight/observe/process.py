# SPDX-License-Identifier: Apache-2.0
"""A process that is followed: its threads, read fast and again and again."""

import functools
import pathlib
from collections.abc import Callable, Iterator

from kvm_insight.model import cpulist
from kvm_insight.observe import descriptor, file, task

_SETTLED = 2
#: Kind -> how many threads live, and what these and ended ones used.
Totals = dict[task.Kind, tuple[int, task.Usage]]
_UNKNOWN = task.Role('emulator')


class Thread:
    """One thread with its last known figures."""

    __slots__ = (
        '_head',
        '_schedstat',
        '_stat',
        'affinity',
        'base',
        'last_cpu',
        'refreshed',
        'role',
        'state',
        'text',
        'tid',
        'usage',
    )

    def __init__(
        self, folder: str, tid: int, budget: descriptor.Budget
    ) -> None:
        self.tid = tid
        self._schedstat = descriptor.Kept(f'{folder}/{tid}/schedstat', budget)
        self._stat = descriptor.Kept(f'{folder}/{tid}/stat', budget)
        #: Its ``stat`` when it was last read.
        self.text = b''
        self._head = b''
        self.role = _UNKNOWN
        #: What it had used before it got this role.
        self.base = task.NOTHING
        self.usage: task.Usage | None = None
        self.state = ''
        self.last_cpu = 0
        #: How often ``Process.refresh`` saw it; from twice on its name stays.
        self.refreshed = 0
        #: Linux list format, as of the last ``Process.refresh``.
        self.affinity: str | None = None

    def read(self, *, counts: bool, state: bool = True) -> bool:
        """Read its figures; False when the thread is gone.

        ``counts`` is whether the kernel counts run delay at all; without it
        only the name, the state and the last CPU are known. Without ``state``
        these stay as they were: they cost more than all else together.
        """
        if counts:
            schedstat = self._schedstat.read(128)
            if schedstat is None:
                return False
            self.usage = task.parse_schedstat(schedstat)
        if state or not counts:
            stat = self._stat.read()
            if stat is None:
                return False
            self.text = stat
            self.state, self.last_cpu = task.parse_state(stat)
        return True

    def read_cpu_us(self) -> int | None:
        """Return its CPU time in clock ticks' resolution."""
        stat = self._stat.read()
        return task.parse_stat(stat.decode()).cpu_us if stat else None

    def renamed(self) -> str | None:
        """Return its name if it changed since the last call, else None.

        As of the last ``read`` with its state.
        """
        stat = self.text
        if not stat or (self._head and stat.startswith(self._head)):
            return None
        self._head = stat[: stat.rindex(b')') + 1]
        return self._head.partition(b'(')[2][:-1].decode(errors='replace')

    def close(self) -> None:
        """Release what is kept open."""
        self._schedstat.close()
        self._stat.close()


class Process:
    """One process, from when it is opened until it ends or is closed.

    ``read`` takes all threads' figures (a tick), ``follow`` the state of vCPUs
    alone (a sweep), ``refresh`` also names and affinity (a survey). Threads
    that end leave their time in ``ended``; all figures outlive the process.
    """

    def __init__(
        self,
        proc: pathlib.Path,
        pid: int,
        start: int,
        *,
        counts: bool = True,
        budget: descriptor.Budget | None = None,
    ) -> None:
        self.pid = pid
        self.start = start
        self.gone = False
        self.threads: dict[int, Thread] = {}
        #: Kind -> what its ended threads had used.
        self.ended: dict[task.Kind, task.Usage] = {}
        self._counts = counts
        self._budget = budget or descriptor.Budget()
        self._proc = proc
        self._folder = f'{proc}/{pid}/task'

    @property
    def epoch(self) -> str:
        """Return what no other process has, also not one with this pid."""
        return f'{self.pid}.{self.start}'

    @property
    def counts(self) -> bool:
        """Say whether this kernel counts threads' run time and delay."""
        return self._counts

    def read(self) -> bool:
        """Read all threads; False when the process is gone."""
        return self._read(lambda _: True)

    def follow(self) -> bool:
        """Read what a sweep tells; False when the process is gone.

        A new thread is looked at in whole for a while: it gets its name only
        after its start.
        """
        if not self._read(self._tells):
            return False
        for thread in list(self.threads.values()):
            if thread.refreshed < _SETTLED:
                self._classify(thread)
        return True

    def refresh(self) -> bool:
        """Read all threads, their names and where they may run."""
        if not self.read() or self._start() != self.start:
            self.gone = True
            return False
        for thread in list(self.threads.values()):
            self._classify(thread)
            affinity = task.read_affinity(self._proc, self.pid, thread.tid)
            thread.affinity = affinity or thread.affinity
            thread.refreshed += 1
        return True

    def of_kind(self, kind: task.Kind) -> Iterator[Thread]:
        """Return the living threads of one kind."""
        return (t for t in self.threads.values() if t.role.kind == kind)

    def total(self, kind: task.Kind) -> task.Usage:
        """Return what threads of this kind used, those that ended too."""
        return self.totals().get(kind, (0, task.NOTHING))[1]

    def totals(self) -> Totals:
        """Return how many threads of each kind live, and what all used."""
        sums = {kind: [0, *used] for kind, used in self.ended.items()}
        for thread in self.threads.values():
            one = sums.setdefault(thread.role.kind, [0, 0, 0, 0])
            one[0] += 1
            if (used := thread.usage) is not None:
                base = thread.base
                one[1] += used.run_us - base.run_us
                one[2] += used.run_delay_us - base.run_delay_us
                one[3] += used.slices - base.slices
        return {
            kind: (threads, task.Usage(*used))
            for kind, (threads, *used) in sums.items()
        }

    def affinity(self) -> str | None:
        """Return all CPUs where any of its threads may run."""
        lists = {thread.affinity or '' for thread in self.threads.values()}
        cpus = frozenset[int]().union(*map(affinity_set, lists))
        return cpulist.render(cpus) or None

    def close(self) -> None:
        """Release all descriptors; the process is not read any more."""
        for thread in self.threads.values():
            thread.close()
        self.gone = True

    def _read(self, tells: Callable[[Thread], bool]) -> bool:
        """Read all threads; ``tells`` whose state is wanted, too."""
        if self.gone:
            return False
        names = file.names(self._folder)
        if len(names) != len(self.threads) or not self._same(names):
            self._meet(names)
        for thread in list(self.threads.values()):
            if not thread.read(counts=self._counts, state=tells(thread)):
                self._end(thread)
        self.gone = self._ended_as_a_whole()
        return not self.gone

    def _tells(self, thread: Thread) -> bool:
        """Say whose state is published, or tells that the process ended."""
        return (
            thread.role.index is not None
            or thread.tid == self.pid
            or thread.refreshed < _SETTLED
        )

    def _start(self) -> int:
        """Return when what has this number now has started."""
        return task.parse_start(self.threads[self.pid].text)

    def _ended_as_a_whole(self) -> bool:
        # Whatever has this number without its first thread is another one.
        first = self.threads.get(self.pid)
        if first is None:
            return True
        # Until its parent has heard of it, its first thread is a zombie;
        # with others alive it has merely left early.
        return first.state in 'ZX' and len(self.threads) == 1

    def _same(self, names: list[str]) -> bool:
        threads = self.threads
        return all(int(name) in threads for name in names)

    def _meet(self, names: list[str]) -> None:
        tids = {int(name) for name in names}
        for tid in self.threads.keys() - tids:
            self._end(self.threads[tid])
        if self.threads and self.pid not in self.threads:
            return
        for tid in sorted(tids - self.threads.keys()):
            thread = Thread(self._folder, tid, self._budget)
            if not thread.read(counts=self._counts):
                thread.close()
                continue
            self.threads[tid] = thread
            self._classify(thread)
            thread.affinity = task.read_affinity(self._proc, self.pid, tid)

    def _classify(self, thread: Thread) -> None:
        """Give the thread its role; QEMU names a thread after its start."""
        comm = thread.renamed()
        if comm is None:
            return
        role = task.role(comm)
        if role.kind == 'emulator':
            groups = task.read_groups(self._proc, self.pid, thread.tid)
            role = task.role(comm, groups or '')
        if role != thread.role and thread.role is not _UNKNOWN:
            self._leave(thread)
        thread.role = role

    def _leave(self, thread: Thread) -> None:
        """Book what the thread used in a role that it leaves or ends in."""
        kind = thread.role.kind
        if thread.state and thread.usage is not None:
            used = thread.usage.minus(thread.base)
            before = self.ended.get(kind, task.NOTHING)
            self.ended[kind] = before.plus(used)
        thread.base = thread.usage or task.NOTHING

    def _end(self, thread: Thread) -> None:
        self._leave(thread)
        thread.close()
        del self.threads[thread.tid]


def open_process(
    proc: pathlib.Path,
    pid: int,
    *,
    counts: bool = True,
    budget: descriptor.Budget | None = None,
) -> Process | None:
    """Return the process, its threads read once; None if it is gone."""
    stat = task.read_process(proc, pid)
    if stat is None or stat.state in 'ZX':
        return None
    process = Process(proc, pid, stat.start, counts=counts, budget=budget)
    return process if process.refresh() else None


@functools.lru_cache(maxsize=4096)
def affinity_set(cpus: str) -> frozenset[int]:
    """Return the CPUs of a list; kept, since few lists serve all threads."""
    return cpulist.parse(cpus)
