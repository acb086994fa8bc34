# SPDX-License-Identifier: Apache-2.0
"""One thread as ``/proc`` tells it, and what it is within a QEMU process."""

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
from typing import Literal, NamedTuple

from kvm_insight import exception
from kvm_insight.model import cpulist
from kvm_insight.observe import file

#: Where thread numbers are those of the kernel that we ask.
OWN_PROC = pathlib.Path('/proc')
#: USER_HZ is 100 on every Linux that runs KVM.
US_PER_CLOCK_TICK = 10_000

Kind = Literal['vcpu', 'emulator', 'iothread', 'vhost']

_VCPU = re.compile(r'CPU (\d+)/(?:KVM|TCG)')
_VCPU_GROUP = re.compile(r'/vcpu(\d+)$', re.MULTILINE)
_IOTHREAD_GROUP = re.compile(r'/iothread\d+$', re.MULTILINE)
_VHOST = re.compile(r'vhost-\d+')


class Usage(NamedTuple):
    """What a thread used: ``/proc/<pid>/task/<tid>/schedstat``."""

    run_us: int
    run_delay_us: int
    slices: int

    def plus(self, other: 'Usage') -> 'Usage':
        """Return what both used."""
        return Usage(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: 'Usage') -> 'Usage':
        """Return what was used since an earlier reading."""
        return Usage(*(a - b for a, b in zip(self, other, strict=True)))


#: What nobody has used yet.
NOTHING = Usage(0, 0, 0)


class Stat(NamedTuple):
    """What ``/proc/<pid>/task/<tid>/stat`` (or a process's) says."""

    comm: str
    state: str
    parent: int
    minor_faults: int
    major_faults: int
    #: User and system time, in clock ticks' resolution.
    cpu_us: int
    threads: int
    #: Clock ticks after boot at which it started.
    start: int
    last_cpu: int


@dataclasses.dataclass(frozen=True, slots=True)
class Role:
    """What a thread is to its domain; ``index`` only of a vCPU."""

    kind: Kind
    index: int | None = None


def parse_schedstat(text: str | bytes) -> Usage:
    """Return run time, run delay and slices; nanoseconds become µs."""
    words = text.split()
    try:
        return Usage(
            int(words[0]) // 1000, int(words[1]) // 1000, int(words[2])
        )
    except (IndexError, ValueError) as why:
        raise exception.CollectorError(f'schedstat: {text[:60]!r}') from why


def parse_stat(text: str) -> Stat:
    """Return the fields; the command may contain anything, also ``) R``."""
    try:
        comm, _, rest = text.partition('(')[2].rpartition(')')
        words = rest.split()
        return Stat(
            comm=comm,
            state=words[0],
            parent=int(words[1]),
            minor_faults=int(words[7]),
            major_faults=int(words[9]),
            cpu_us=(int(words[11]) + int(words[12])) * US_PER_CLOCK_TICK,
            threads=int(words[17]),
            start=int(words[19]),
            last_cpu=int(words[36]),
        )
    except (IndexError, ValueError) as why:
        raise exception.CollectorError(f'stat: {text[:80]!r}') from why


def parse_state(text: bytes) -> tuple[str, int]:
    """Return state letter and last CPU of a ``stat``, and nothing else.

    A tick does this for each thread; all of ``parse_stat`` costs thrice.
    """
    words = text[text.rindex(b')') + 2 :].split(None, 37)
    return chr(words[0][0]), int(words[36])


def parse_start(text: bytes) -> int:
    """Return the clock ticks after boot at which a ``stat``'s task began."""
    try:
        return int(text[text.rindex(b')') + 2 :].split(None, 20)[19])
    except (IndexError, ValueError) as why:
        raise exception.CollectorError(f'stat: {text[:80]!r}') from why


def parse_affinity(status: str) -> str | None:
    """Return ``Cpus_allowed_list`` of a ``status``, as Linux writes it."""
    for line in reversed(status.splitlines()):
        if line.startswith('Cpus_allowed_list:'):
            return line.partition(':')[2].strip()
    return None


def read_usage(proc: pathlib.Path, pid: int, tid: int) -> Usage | None:
    """Return what a thread used, or None if it is gone."""
    text = file.read(f'{proc}/{pid}/task/{tid}/schedstat')
    return parse_schedstat(text) if text else None


def read_stat(proc: pathlib.Path, pid: int, tid: int) -> Stat | None:
    """Return a thread's state, or None if it is gone."""
    text = file.read(f'{proc}/{pid}/task/{tid}/stat')
    return parse_stat(text) if text else None


def read_process(
    proc: pathlib.Path, pid: int, reader: file.Read = file.read
) -> Stat | None:
    """Return a process's state, its threads' time summed; None if gone."""
    text = reader(f'{proc}/{pid}/stat')
    return parse_stat(text) if text else None


def read_affinity(proc: pathlib.Path, pid: int, tid: int) -> str | None:
    """Return where a thread may run, or None if it is gone.

    Of our own ``/proc`` the kernel itself is asked, in a tenth of the time
    that it needs to write a whole ``status``.
    """
    if proc == OWN_PROC:
        # A security module may refuse the one and grant the other.
        with contextlib.suppress(PermissionError):
            return _ask_affinity(tid)
    text = file.read(f'{proc}/{pid}/task/{tid}/status')
    return parse_affinity(text) if text else None


def _ask_affinity(tid: int) -> str | None:
    try:
        return _render(frozenset(os.sched_getaffinity(tid)))
    except ProcessLookupError:
        return None


@functools.lru_cache(maxsize=1024)
def _render(cpus: frozenset[int]) -> str:
    return cpulist.render(cpus)


def read_groups(proc: pathlib.Path, pid: int, tid: int) -> str | None:
    """Return a thread's cgroups as the kernel writes them."""
    return file.read(f'{proc}/{pid}/task/{tid}/cgroup')


def read_schedstat_works(proc: pathlib.Path) -> bool:
    """Say whether this kernel counts run time and delay of threads.

    Where it does not, the file is absent or says ``0 0 0`` for everybody,
    also for the one who asks and therefore runs.
    """
    text = file.read(f'{proc}/self/schedstat')
    return bool(text) and parse_schedstat(text or '').slices > 0


def role(comm: str, groups: str = '') -> Role:
    """Return what a thread is, by its name, else by libvirt's cgroup for it.

    QEMU names its threads because libvirt starts it with ``debug-threads=on``;
    the cgroup knows where someone switched that off.
    """
    if found := _VCPU.fullmatch(comm):
        return Role('vcpu', int(found[1]))
    if comm == 'ALL CPUs/TCG':
        # One thread that runs all vCPUs in turn is published as the first.
        return Role('vcpu', 0)
    if comm.startswith('IO iothread'):
        return Role('iothread')
    if _VHOST.fullmatch(comm):
        return Role('vhost')
    if found := _VCPU_GROUP.search(groups):
        return Role('vcpu', int(found[1]))
    if _IOTHREAD_GROUP.search(groups):
        return Role('iothread')
    return Role('emulator')
