# SPDX-License-Identifier: Apache-2.0
"""Five real guests and a busy host process, for measuring the ledgers."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import sched_truth
from lab import daemon, guest

from kvm_insight.model import entity
from kvm_insight.observe.ledger import ebpf, port

PROC = pathlib.Path('/proc')
CGROUP = pathlib.Path('/sys/fs/cgroup')
#: Guest -> its load; no duty cycle keeps step with the second.
LOADS: dict[str, dict[str, int]] = {
    'pinned-a': {'duty': 70, 'period': 37},
    'pinned-b': {'duty': 60, 'period': 83},
    'float-a': {'duty': 100},
    'float-b': {'duty': 50, 'period': 53},
    'quota': {'duty': 100, 'quota': 15},
}
THROTTLED = 'quota'
BUSY = 'busy-process'
_BURN = """
import time
while True:
    end = time.monotonic() + 0.21
    while time.monotonic() < end: pass
    time.sleep(0.13)
"""
#: Seconds without load, in which all of them can boot.
IDLE_S = 15
#: Who runs where: one CPU each, all everywhere, or some of both.
ROOMS: dict[str, dict[str, set[int]]] = {
    'pinned': {
        'pinned-a': {1},
        'pinned-b': {1},
        'float-a': {0},
        'float-b': {1},
        'quota': {0},
        BUSY: {0},
    },
    'mixed': {'pinned-a': {1}, 'pinned-b': {1}, 'quota': {0}},
    'floating': {},
}


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """The guests while they run."""

    #: Entity -> its process: the domains, and the one busy service.
    processes: dict[str, int]
    names: dict[str, str]

    def domains(self) -> dict[str, int]:
        """Return the domains' QEMU processes."""
        return {
            name: pid
            for name, pid in self.processes.items()
            if entity.uuid_of(name)
        }

    def members(self) -> list[port.Member]:
        """Return what a collector has to watch."""
        return [
            port.Member(name, (pid,)) for name, pid in self.processes.items()
        ]

    def place(self, room: str) -> None:
        """Put everyone on the CPUs that the room says."""
        everywhere = set(range(os.cpu_count() or 1))
        for name, pid in self.processes.items():
            cpus = ROOMS[room].get(self.names[name], everywhere)
            for task in (PROC / str(pid) / 'task').iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task.name), cpus)

    def throttled_ns(self) -> int:
        """Return how long the guest under quota was, by its cgroup."""
        entities = {name: key for key, name in self.names.items()}
        pid = self.processes[entities[THROTTLED]]
        groups = {
            _cpu_group(task / 'cgroup')
            for task in (PROC / str(pid) / 'task').iterdir()
        }
        return sum(_throttled_ns(path) for path in groups if path)


def _cpu_group(path: pathlib.Path) -> pathlib.Path | None:
    for line in path.read_text().splitlines():
        _, controllers, group = line.split(':', 2)
        if 'cpu' in controllers.split(','):
            return CGROUP / 'cpu' / group[1:]
        if not controllers and (CGROUP / 'cgroup.controllers').exists():
            return CGROUP / group[1:]
    return None


def _throttled_ns(group: pathlib.Path) -> int:
    words = dict(
        line.split() for line in (group / 'cpu.stat').read_text().splitlines()
    )
    if 'throttled_time' in words:
        return int(words['throttled_time'])
    return int(words.get('throttled_usec', 0)) * 1000


@contextlib.contextmanager
def running(lab: daemon.Lab, virt: str) -> Iterator[Scene]:
    """Run the guests and the busy process until the end of the block."""
    burner = subprocess.Popen([sys.executable, '-c', _BURN])
    try:
        names, processes = {}, {}
        for name, load in LOADS.items():
            new = lab.start(_guest(name, virt, **load))
            names[entity.domain(new.uuid)] = name
        _wait_busy(lab)
        pids = lab.qemu_pids()
        processes = {key: pids[name] for key, name in names.items()}
        service = entity.service(BUSY)
        names[service], processes[service] = BUSY, burner.pid
        yield Scene(processes, names)
    finally:
        burner.kill()
        burner.wait()
        lab.stop(*LOADS)


def _guest(
    name: str, virt: str, duty: int, period: int = 100, quota: int = 0
) -> guest.Guest:
    sched = f'{IDLE_S}:0,3600:{duty}'
    return guest.Guest(
        name, '0-1', sched, period=period, quota=quota or None, virt=virt
    )


def _wait_busy(lab: daemon.Lab, timeout_s: float = 120) -> None:
    end = time.monotonic() + timeout_s
    for name in LOADS:
        while '\nwork' not in lab.console(name):
            if time.monotonic() > end:
                raise TimeoutError(f'{name} does not work')
            time.sleep(0.2)


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """A ledger beside the truth of the same seconds."""

    truth_s: sched_truth.Matrix
    #: Before quota was taken out of who ran, services folded into ``host``.
    gross_s: sched_truth.Matrix
    #: Victim -> seconds of quota.
    quota_s: dict[str, float]
    run_delay_s: dict[str, float]
    throttled_s: float

    @property
    def error(self) -> float:
        """E of all rows."""
        return sched_truth.error(self.gross_s, self.truth_s)

    @property
    def row_ratios(self) -> dict[str, float]:
        """Return each row's sum over the victim's run delay."""
        return {
            victim: sum(row.values()) / self.run_delay_s[victim]
            for victim, row in self.gross_s.items()
        }

    @property
    def quota_ratio(self) -> float:
        """Return the ledger's quota over the cgroup's own count."""
        return sum(self.quota_s.values()) / self.throttled_s

    @property
    def unattributed(self) -> float:
        """Return which part of all waiting nobody is charged for."""
        rows = self.gross_s.values()
        lost = sum(row.get(entity.UNATTRIBUTED, 0.0) for row in rows)
        return lost / sum(sum(row.values()) for row in rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """Windows one after the other, and all of them as one."""

    windows: list[Result]
    whole: Result
    lost_events: int
    missed_switches: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    totals: dict[str, dict[str, tuple[int, int]]]
    delay_ns: dict[str, int]
    throttled_ns: int


def _read(collector: ebpf.Ebpf, scene: Scene) -> _Reading:
    delays = {
        name: sum(_delay_ns(pid)) for name, pid in scene.domains().items()
    }
    return _Reading(collector.totals(), delays, scene.throttled_ns())


def _delay_ns(pid: int) -> Iterator[int]:
    for task in (PROC / str(pid) / 'task').iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield int((task / 'schedstat').read_text().split()[1])


def measure(
    collector: ebpf.Ebpf,
    scene: Scene,
    seconds: float,
    windows: int = 1,
    pause: Callable[[float], None] = time.sleep,
) -> Run:
    """Trace and account for so many windows; tell what both say."""
    with sched_truth.Trace() as trace:
        readings = [_read(collector, scene)]
        for number in range(windows):
            if number:
                trace.mark()
            pause(seconds)
            readings.append(_read(collector, scene))
    truth = trace.replay(sched_truth.threads_of(scene.domains()))
    return Run(
        [
            _compare(readings[number], readings[number + 1], window)
            for number, window in enumerate(truth.windows)
        ],
        _compare(readings[0], readings[-1], truth.wait_s),
        truth.lost_events,
        truth.missed_switches,
    )


def _compare(
    before: _Reading, after: _Reading, truth_s: sched_truth.Matrix
) -> Result:
    gross: sched_truth.Matrix = {}
    quota = dict.fromkeys(after.totals, 0.0)
    for victim, row in after.totals.items():
        gross[victim] = {}
        for runner, pair in row.items():
            old = before.totals[victim].get(runner, (0, 0))
            name = entity.HOST if entity.service_of(runner) else runner
            grown_s = (sum(pair) - sum(old)) / 1e9
            gross[victim][name] = gross[victim].get(name, 0.0) + grown_s
            quota[victim] += (pair[1] - old[1]) / 1e9
    return Result(
        truth_s,
        gross,
        quota,
        {
            name: (ns - before.delay_ns[name]) / 1e9
            for name, ns in after.delay_ns.items()
        },
        (after.throttled_ns - before.throttled_ns) / 1e9,
    )
