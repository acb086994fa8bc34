# SPDX-License-Identifier: Apache-2.0
"""Exact scheduler truth: who ran while each process's threads waited.

Traces sched_switch, sched_wakeup(_new) and sched_migrate_task in a tracefs
instance of its own (root; a kernel with ftrace) and replays them: while a
thread sits runnable on a CPU's queue, the time is charged to who runs there,
``host`` for processes without a name, ``idle`` when nothing runs, as while a
CPU quota throttles the thread. It knows neither quota nor services.
"""

import argparse
import bisect
import collections
import dataclasses
import json
import pathlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import IO

TRACING = pathlib.Path('/sys/kernel/tracing')
EVENTS = (
    'sched_switch',
    'sched_wakeup',
    'sched_wakeup_new',
    'sched_migrate_task',
)
BUFFER_KIB = 65536
_LINE = re.compile(r'-(\d+) +\[(\d+)\] \S+ +(\d+\.\d+): (\w+): (.*)')
_SWITCH = re.compile(r' prev_pid=(\d+) .* prev_state=(\S+) .* next_pid=(\d+) ')
_WAKEUP = re.compile(r' pid=(\d+) .*target_cpu=(\d+)')
_MIGRATE = re.compile(r' pid=(\d+) .*orig_cpu=(\d+) dest_cpu=(\d+)')

#: Victim -> runner -> seconds.
Matrix = dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True, slots=True)
class Truth:
    """What happened while the trace ran; no truth if events were lost."""

    start_s: float
    end_s: float
    wait_s: Matrix
    #: The same for the time up to each mark.
    windows: list[Matrix]
    lost_events: int
    #: Some kernels do not report 0.1 to 0.4 % of the switches; repaired.
    missed_switches: int


class Trace:
    """Records while it is entered; ``replay`` tells what happened."""

    def __init__(self) -> None:
        self._raw: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._edges_s: list[float] = []
        self.lost = 0

    def __enter__(self) -> 'Trace':
        if not (TRACING / 'instances').exists():
            words = ['mount', '-t', 'tracefs', 'tracefs', str(TRACING)]
            subprocess.run(words, check=True)
        name = f'instances/sched-truth-{time.monotonic_ns()}'
        self._instance = TRACING / name
        self._instance.mkdir()
        self._write('buffer_size_kb', str(BUFFER_KIB))
        self._write('trace_clock', 'mono')
        for event in EVENTS:
            self._write(f'events/sched/{event}/enable', '1')
        self.mark()
        return self

    def mark(self) -> None:
        """End a window here; the next begins."""
        self._edges_s.append(time.monotonic())

    def __exit__(self, *_: object) -> None:
        self.mark()
        try:
            self._write('tracing_on', '0')
            with (self._instance / 'trace').open('rb') as source:
                while part := source.read(1 << 20):
                    self._raw.write(part)
            self.lost = sum(
                _lost(path.read_text())
                for path in self._instance.glob('per_cpu/cpu*/stats')
            )
        finally:
            for event in EVENTS:
                self._write(f'events/sched/{event}/enable', '0')
            self._instance.rmdir()

    def _write(self, name: str, value: str) -> None:
        (self._instance / name).write_text(value)

    def named(self, command: str) -> set[int]:
        """Return all threads of this name, also those that came and went."""
        pattern = rf'comm={re.escape(command)} (?:\w+_)?pid=(\d+)'
        find = re.compile(pattern.encode())
        self._raw.seek(0)
        return {int(tid) for line in self._raw for tid in find.findall(line)}

    def replay(self, threads: Mapping[int, str]) -> Truth:
        """Say for whom the threads (tid -> name) waited."""
        replay = Replay(threads, self._edges_s)
        self._raw.seek(0)
        replay.read(line.decode(errors='replace') for line in self._raw)
        self._raw.close()
        return Truth(
            self._edges_s[0],
            self._edges_s[-1],
            total(replay.windows),
            replay.windows,
            self.lost,
            replay.missed,
        )


def _lost(stats: str) -> int:
    return sum(
        int(line.split()[-1])
        for line in stats.splitlines()
        if line.startswith(('overrun:', 'dropped events:'))
    )


class Replay:
    """The run queues of all CPUs, event by event."""

    def __init__(
        self, threads: Mapping[int, str], edges_s: Sequence[float]
    ) -> None:
        #: One for the time between any two edges.
        self.windows: list[Matrix] = [
            {name: {} for name in threads.values()} for _ in edges_s[1:]
        ]
        self.missed = 0
        self._threads = threads
        self._edges = list(edges_s)
        self._running: dict[int, int] = {}
        #: CPU -> tid that waits there -> accounted until.
        self._queues: dict[int, dict[int, float]] = collections.defaultdict(
            dict
        )

    def read(self, lines: Iterable[str]) -> None:
        """Replay the lines of a trace file."""
        for line in lines:
            match = _LINE.search(line)
            if match is None or line.startswith('#'):
                continue
            current, cpu = int(match[1]), int(match[2])
            now, event, args = float(match[3]), match[4], ' ' + match[5] + ' '
            # Each line names who runs: that repairs a switch that was not
            # reported, after which a thread would seem to wait for ever.
            if self._running.get(cpu) != current:
                self.missed += cpu in self._running
                self._runs(cpu, current, now)
            if event == 'sched_switch':
                self._switch(cpu, now, args)
            elif event == 'sched_migrate_task':
                self._migrate(now, args)
            else:
                self._wakeup(now, args)

    def _switch(self, cpu: int, now: float, args: str) -> None:
        found = _SWITCH.search(args)
        assert found is not None, args
        self._runs(cpu, int(found[3]), now)
        previous = int(found[1])
        if previous and found[2].startswith('R'):
            self._queues[cpu][previous] = now

    def _wakeup(self, now: float, args: str) -> None:
        found = _WAKEUP.search(args)
        assert found is not None, args
        tid, cpu = int(found[1]), int(found[2])
        if tid in self._running.values():
            return
        if not any(tid in queue for queue in self._queues.values()):
            self._account(cpu, now)
            self._queues[cpu][tid] = now

    def _migrate(self, now: float, args: str) -> None:
        found = _MIGRATE.search(args)
        assert found is not None, args
        tid, origin, target = int(found[1]), int(found[2]), int(found[3])
        if tid in self._queues[origin]:
            self._account(origin, now)
            del self._queues[origin][tid]
            self._account(target, now)
            self._queues[target][tid] = now

    def _runs(self, cpu: int, tid: int, now: float) -> None:
        self._account(cpu, now)
        for queue in self._queues.values():
            queue.pop(tid, None)
        self._running[cpu] = tid

    def _account(self, cpu: int, now: float) -> None:
        runner = self._running.get(cpu)
        name = self._threads.get(runner, 'host') if runner else 'idle'
        queue = self._queues[cpu]
        for tid, since in queue.items():
            if runner is not None and tid in self._threads:
                self._charge(self._threads[tid], name, since, now)
            queue[tid] = now

    def _charge(
        self, victim: str, runner: str, since: float, now: float
    ) -> None:
        first = max(0, bisect.bisect_right(self._edges, since) - 1)
        for index in range(first, len(self.windows)):
            low, high = self._edges[index : index + 2]
            counted = min(now, high) - max(since, low)
            if counted <= 0:
                break
            row = self.windows[index][victim]
            row[runner] = row.get(runner, 0.0) + counted


def total(windows: Iterable[Matrix]) -> Matrix:
    """Add up windows."""
    found: Matrix = {}
    for window in windows:
        for victim, row in window.items():
            sums = found.setdefault(victim, {})
            for runner, seconds in row.items():
                sums[runner] = sums.get(runner, 0.0) + seconds
    return found


def threads_of(processes: Mapping[str, int]) -> dict[int, str]:
    """Return tid -> name for the threads and vhost workers of processes."""
    proc = pathlib.Path('/proc')
    owners = {str(pid): name for name, pid in processes.items()}
    threads = {
        int(task.name): name
        for pid, name in owners.items()
        for task in (proc / pid / 'task').iterdir()
    }
    # Before Linux 6.4 vhost workers are threads of the kernel.
    for path in proc.glob('[0-9]*/comm'):
        try:
            kind, _, pid = path.read_text().strip().partition('-')
        except OSError:
            continue
        if kind == 'vhost' and pid in owners:
            threads[int(path.parent.name)] = owners[pid]
    return threads


def error(ledger: Matrix, truth: Matrix) -> float:
    """Return E: which part of all waiting was charged to the wrong one."""
    wrong = 0.0
    for victim in ledger.keys() | truth.keys():
        told, real = ledger.get(victim, {}), truth.get(victim, {})
        wrong += sum(
            abs(told.get(runner, 0.0) - real.get(runner, 0.0))
            for runner in told.keys() | real.keys()
        )
    return wrong / 2 / sum(sum(row.values()) for row in truth.values())


def main() -> None:
    """Trace for some seconds; write the truth as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('seconds', type=float)
    parser.add_argument('out', type=pathlib.Path)
    parser.add_argument('process', nargs='+', help='NAME=PID')
    args = parser.parse_args()
    pairs = (word.rpartition('=') for word in args.process)
    processes = {name: int(pid) for name, _, pid in pairs}
    threads = threads_of(processes)
    with Trace() as trace:
        time.sleep(args.seconds)
    truth = trace.replay(threads | threads_of(processes))
    args.out.write_text(json.dumps(dataclasses.asdict(truth), indent=1))
