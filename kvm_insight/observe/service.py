# SPDX-License-Identifier: Apache-2.0
"""Who besides the guests uses the host's CPUs: services and commands.

A process belongs to its systemd unit, else to its command's name. A unit's
time is its cgroup's where the kernel counts that (then processes too short
to be seen are in); else it is added up from its processes, and what ended
ones had stays in.
"""

import dataclasses
import pathlib
import re
from collections.abc import Collection, Mapping

from kvm_insight.model import sample
from kvm_insight.observe import cgroup, file, task

_UNIT = re.compile(r'([^/]+\.service)(?:/|$)')
_SCOPE = re.compile(r'/((?!session-|init\.|user)[^/]+\.scope)(?:/|$)')
_UNIT_CONTROLLERS = ('', 'systemd', 'cpuacct', 'cpu', 'pids', 'memory')
_KTHREADD = 2
#: Who was idle is looked at once in so many sweeps: a kernel thread, another.
_IDLE_TURNS = {True: 4, False: 2}


@dataclasses.dataclass(frozen=True, slots=True)
class Busy:
    """One service or command with the processes that are it now."""

    name: str
    run_us: int
    threads: int
    pids: tuple[int, ...]
    #: Inode of its v2 group, where it has one of its own.
    cgroup: int | None = None


@dataclasses.dataclass(slots=True)
class _Process:
    start: int
    name: str
    #: Path of the unit's group under its hierarchy; '' for a command.
    unit_path: str
    kernel: bool
    cpu_us: int
    threads: int
    idle: bool = False

    def rests(self, turn: int) -> bool:
        """Say whether it need not be looked at in this turn."""
        return self.idle and bool(turn % _IDLE_TURNS[self.kernel])


@dataclasses.dataclass(slots=True)
class _Account:
    """What is kept of a name, also while nobody bears it."""

    ended_us: int = 0
    group_us: int = 0
    #: What the group had counted before it was made anew.
    group_before_us: int = 0
    run_us: int = 0
    #: Growth, the recent weighing most: by this the busiest are chosen.
    recent_us: float = 0.0


def unit(groups: str) -> tuple[str, str] | None:
    """Return a systemd unit and its group's path; None outside of any.

    The innermost service counts, for what a user's manager runs; a login
    session or the whole system's scope say less than the command's name.
    """
    paths = cgroup.parse(groups)
    for controller in _UNIT_CONTROLLERS:
        path = '/' + paths.get(controller, '')
        found = list(_UNIT.finditer(path)) or list(_SCOPE.finditer(path))
        if found:
            last = found[-1]
            return _unescape(last[1]), path[1 : last.end(1)]
    return None


def command(comm: str, *, kernel: bool) -> str:
    """Return a command's name; a kernel thread's without CPU and number."""
    return (comm.partition('/')[0] or comm) if kernel else comm


class Scanner:
    """Follows all processes of the host that are no domain's."""

    def __init__(self, proc: pathlib.Path, root: pathlib.Path) -> None:
        self._proc = proc
        self._layout = cgroup.read_layout(root)
        self._processes: dict[int, _Process] = {}
        self._accounts: dict[str, _Account] = {}
        self._turn = 0
        #: QEMU's pid -> pids of its vhost workers that are kernel threads,
        #: as of the last ``scan``.
        self.vhost: Mapping[int, tuple[int, ...]] = {}

    def scan(self, own: Collection[int], limit: int = 20) -> list[Busy]:
        """Return the busiest first; ``own`` are the domains' processes.

        A name that was once among them keeps its cumulative time as long as
        it has processes, or this scanner lives.
        """
        self._turn += 1
        pids = {int(n) for n in file.names(self._proc) if n.isdecimal()}
        for pid in self._processes.keys() - pids:
            self._end(pid)
        vhost: dict[int, list[int]] = {}
        for pid in sorted(pids - set(own)):
            self._look(pid, vhost)
        for pid in own:
            self._processes.pop(pid, None)
        self.vhost = {pid: tuple(found) for pid, found in vhost.items()}
        return self._busiest(limit)

    def _look(self, pid: int, vhost: dict[int, list[int]]) -> None:
        known = self._processes.get(pid)
        if known and known.rests(pid + self._turn):
            return
        stat = task.read_process(self._proc, pid)
        if stat is None or stat.state in 'ZX':
            self._end(pid)
            return
        kernel = _KTHREADD in (pid, stat.parent)
        if kernel and stat.comm.startswith('vhost-'):
            owner = stat.comm.removeprefix('vhost-')
            if owner.isdecimal():
                vhost.setdefault(int(owner), []).append(pid)
                return
        if known is not None and known.start != stat.start:
            self._end(pid)
            known = None
        if known is None:
            self._begin(pid, stat, kernel=kernel)
            return
        if not known.unit_path:
            # A daemon is its command only once it has called exec.
            known.name = self._renamed(known, stat.comm)
        known.idle = stat.cpu_us == known.cpu_us
        known.cpu_us, known.threads = stat.cpu_us, stat.threads

    def _renamed(self, process: _Process, comm: str) -> str:
        name = command(comm, kernel=process.kernel)
        if name != process.name and not process.kernel:
            # What it used until now stays with the old name alone.
            self._account(process.name).ended_us += process.cpu_us
            self._account(name).ended_us -= process.cpu_us
            return name
        return process.name

    def _begin(self, pid: int, stat: task.Stat, *, kernel: bool) -> None:
        groups = '' if kernel else file.read(f'{self._proc}/{pid}/cgroup')
        if any(map(cgroup.domain_paths, cgroup.parse(groups or '').values())):
            # A guest that nobody has told us of yet is no service.
            return
        found = unit(groups or '')
        name, path = found or (command(stat.comm, kernel=kernel), '')
        self._processes[pid] = _Process(
            stat.start, name, path, kernel, stat.cpu_us, stat.threads
        )

    def _end(self, pid: int) -> None:
        process = self._processes.pop(pid, None)
        if process is not None:
            self._account(process.name).ended_us += process.cpu_us

    def _account(self, name: str) -> _Account:
        return self._accounts.setdefault(name, _Account())

    def _busiest(self, limit: int) -> list[Busy]:
        members: dict[str, list[int]] = {}
        for pid, process in self._processes.items():
            members.setdefault(process.name, []).append(pid)
        for name, pids in members.items():
            self._advance(name, pids)
        for name in self._accounts.keys() - members.keys():
            self._forget(name)
        ranked = sorted(
            (name for name in members if self._accounts[name].recent_us > 0.5),
            key=lambda name: (-self._accounts[name].recent_us, name),
        )
        return [self._busy(name, members[name]) for name in ranked[:limit]]

    def _advance(self, name: str, pids: list[int]) -> None:
        account = self._account(name)
        live_us = sum(self._processes[pid].cpu_us for pid in pids)
        run_us = self._group_us(account, self._processes[pids[0]].unit_path)
        if run_us is None:
            run_us = account.ended_us + live_us
        run_us = max(run_us, account.run_us)
        grown_us = float(run_us - account.run_us)
        if self._turn == 1:
            # Used since the host booted: good for no more than a first order.
            grown_us /= 1e6
        account.recent_us = account.recent_us / 2 + grown_us
        account.run_us = run_us

    def _forget(self, name: str) -> None:
        """Let go of names that nobody has borne for long, or ever again."""
        account = self._accounts[name]
        account.recent_us /= 2
        if account.recent_us < 1:
            del self._accounts[name]

    def _group_us(self, account: _Account, path: str) -> int | None:
        now_us = self._read_group(path) if path else None
        if now_us is None:
            return None
        if now_us < account.group_us:
            account.group_before_us += account.group_us
        account.group_us = now_us
        return account.group_before_us + now_us

    def _read_group(self, path: str) -> int | None:
        mount = self._layout.controllers.get('cpuacct')
        if mount is not None:
            used_ns = file.read_number(mount / path / 'cpuacct.usage')
            return None if used_ns is None else used_ns // 1000
        if self._layout.unified is None:
            return None
        text = file.read(self._layout.unified / path / 'cpu.stat')
        return file.pairs(text or '').get('usage_usec')

    def _busy(self, name: str, pids: list[int]) -> Busy:
        path = self._processes[pids[0]].unit_path
        inode = None
        if path and self._layout.unified is not None:
            inode = file.inode(self._layout.unified / path)
        return Busy(
            name=name,
            run_us=self._accounts[name].run_us,
            threads=sum(self._processes[pid].threads for pid in pids),
            pids=tuple(sorted(pids)),
            cgroup=inode,
        )


def published(busy: Collection[Busy]) -> list[sample.Service]:
    """Return what of it goes into the sample."""
    return [
        sample.Service(
            name=service.name[:1024],
            run_us=service.run_us,
            threads=service.threads,
        )
        for service in busy
    ]


def _unescape(name: str) -> str:
    """Return a unit's name without systemd's escapes."""
    return re.sub(
        r'\\x([0-9a-f]{2})', lambda found: chr(int(found[1], 16)), name
    )
