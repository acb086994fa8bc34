# SPDX-License-Identifier: Apache-2.0
"""A process that is followed: its threads, read fast and again and again."""

import functools
import pathlib
from collections.abc import Iterator

from kvm_insight.model import cpulist
from kvm_insight.observe import descriptor, file, task

_NOTHING = task.Usage(0, 0, 0)
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
        'role',
        'state',
        'tid',
        'usage',
    )

    def __init__(
        self, folder: str, tid: int, budget: descriptor.Budget
    ) -> None:
        self.tid = tid
        self._schedstat = descriptor.Kept(f'{folder}/{tid}/schedstat', budget)
        self._stat = descriptor.Kept(f'{folder}/{tid}/stat', budget)
        self._head = b''
        self.role = _UNKNOWN
        #: What it had used before it got this role.
        self.base = _NOTHING
        self.usage: task.Usage | None = None
        self.state = ''
        self.last_cpu = 0
        #: Linux list format, as of the last ``Process.refresh``.
        self.affinity: str | None = None

    def read(self, *, counts: bool) -> bool:
        """Read its figures; False when the thread is gone.

        ``counts`` is whether the kernel counts run delay at all; without it
        only the name, the state and the last CPU are known.
        """
        stat = self._stat.read()
        if stat is None:
            return False
        if counts:
            schedstat = self._schedstat.read(128)
            if schedstat is None:
                return False
            self.usage = task.parse_schedstat(schedstat)
        self.state, self.last_cpu = task.parse_state(stat)
        return True

    def read_cpu_us(self) -> int | None:
        """Return its CPU time in clock ticks' resolution."""
        stat = self._stat.read()
        return task.parse_stat(stat.decode()).cpu_us if stat else None

    def renamed(self) -> str | None:
        """Return its name if it changed since the last call, else None."""
        stat = self._stat.read()
        if stat is None or (self._head and stat.startswith(self._head)):
            return None
        self._head = stat[: stat.rindex(b')') + 1]
        return self._head.partition(b'(')[2][:-1].decode(errors='replace')

    def close(self) -> None:
        """Release what is kept open."""
        self._schedstat.close()
        self._stat.close()


class Process:
    """One process, from when it is opened until it ends or is closed.

    ``read`` takes all threads' figures (a tick), ``refresh`` also their
    names, roles and affinity (a sweep). Threads that end leave their time
    in ``ended``. All figures stay readable after the process is gone.
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
        self.ended: dict[str, task.Usage] = {}
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
        if self.gone:
            return False
        names = file.names(self._folder)
        if len(names) != len(self.threads) or not self._same(names):
            self._follow(names)
        for thread in list(self.threads.values()):
            if not thread.read(counts=self._counts):
                self._end(thread)
        self.gone = self._ended_as_a_whole()
        return not self.gone

    def rename(self) -> bool:
        """Read all threads and their names; False when it is gone."""
        if not self.read():
            return False
        for thread in list(self.threads.values()):
            self._classify(thread)
        return True

    def refresh(self) -> bool:
        """Read all threads, their names and where they may run."""
        stat = task.read_process(self._proc, self.pid)
        same = stat is not None and stat.start == self.start
        if not same or not self.read():
            self.gone = True
            return False
        for thread in list(self.threads.values()):
            self._classify(thread)
            affinity = task.read_affinity(self._proc, self.pid, thread.tid)
            thread.affinity = affinity or thread.affinity
        return True

    def of_kind(self, kind: task.Kind) -> Iterator[Thread]:
        """Return the living threads of one kind."""
        return (t for t in self.threads.values() if t.role.kind == kind)

    def total(self, kind: task.Kind) -> task.Usage:
        """Return what threads of this kind used, those that ended too."""
        total = self.ended.get(kind, _NOTHING)
        for thread in self.of_kind(kind):
            total = add(total, _growth(thread))
        return total

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

    def _follow(self, names: list[str]) -> None:
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
        used = add(self.ended.get(kind, _NOTHING), _growth(thread))
        if thread.state:
            self.ended[kind] = used
        thread.base = thread.usage or _NOTHING

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


def _growth(thread: Thread) -> task.Usage:
    if thread.usage is None:
        return _NOTHING
    return task.Usage(
        *(
            now - then
            for now, then in zip(thread.usage, thread.base, strict=True)
        )
    )


def add(one: task.Usage, other: task.Usage) -> task.Usage:
    """Return the sum of what two used."""
    return task.Usage(*(a + b for a, b in zip(one, other, strict=True)))
