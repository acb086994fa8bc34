# SPDX-License-Identifier: Apache-2.0
"""What the ledger's programs cost, by the kernel's own clock and by pipes."""

import contextlib
import ctypes
import pathlib
import platform
import statistics
import struct
import subprocess
from collections.abc import Iterator

from kvm_insight.model import entity
from kvm_insight.observe.ledger import ebpf, libbpf, port

STATS = pathlib.Path('/proc/sys/kernel/bpf_stats_enabled')
FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'benchmarks'
#: Where ``struct bpf_prog_info`` has run_time_ns and run_cnt.
_INFO_SIZE, _RUN_AT = 232, 192
_RUN = struct.Struct('=QQ')
_UUIDS = [f'{number}0000000-0000-0000-0000-000000000000' for number in '12']


@contextlib.contextmanager
def counting() -> Iterator[None]:
    """Let the kernel count what programs cost."""
    before = STATS.read_text()
    STATS.write_text('1')
    try:
        yield
    finally:
        STATS.write_text(before)


def run_of(program_fd: int) -> tuple[int, int]:
    """Return a program's nanoseconds and runs while ``counting``."""
    library = ctypes.CDLL('libbpf.so.1')
    info = ctypes.create_string_buffer(_INFO_SIZE)
    size = ctypes.c_uint32(_INFO_SIZE)
    library.bpf_obj_get_info_by_fd(program_fd, info, ctypes.byref(size))
    run_ns, runs = _RUN.unpack_from(info, _RUN_AT)
    return run_ns, runs


class Pipes:
    """Two processes on one CPU that wake each other in turn."""

    def __init__(self, folder: pathlib.Path, cpu: int) -> None:
        built = folder / 'pipe_rounds'
        source = FOLDER / 'pipe_rounds.c'
        words = ['cc', '-O2', str(source), '-o', str(built)]
        subprocess.run(words, check=True)
        self._child = subprocess.Popen(
            [str(built), str(cpu)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pids = (self._child.pid, self._line())

    def _line(self) -> int:
        assert self._child.stdout is not None
        return int(self._child.stdout.readline())

    def round_ns(self, rounds: int) -> float:
        """Return how long one round of two switches took."""
        assert self._child.stdin is not None
        self._child.stdin.write(f'{rounds}\n')
        self._child.stdin.flush()
        return self._line() / rounds

    def end(self) -> None:
        """End both."""
        self._child.kill()
        self._child.communicate()


def empty_programs(folder: pathlib.Path) -> libbpf.Programs:
    """Load programs that do nothing."""
    built = folder / 'empty.bpf.o'
    include = f'/usr/include/{platform.machine()}-linux-gnu'
    words = ['clang-16', '-target', 'bpf', '-O2', '-g']
    words += ['-idirafter', include, '-c', str(FOLDER / 'empty.bpf.c')]
    subprocess.run([*words, '-o', str(built)], check=True)
    return libbpf.Programs(libbpf.Library(), built, {})


def members(pipes: Pipes, kind: str) -> list[port.Member]:
    """Make the two processes domains that wait for each other, or host."""
    if kind == 'host':
        return []
    return [
        port.Member(entity.domain(uuid), (pid,))
        for uuid, pid in zip(_UUIDS, pipes.pids, strict=True)
    ]


def run_ns(
    programs: libbpf.Programs, name: str, pipes: Pipes, rounds: int
) -> float:
    """Return nanoseconds a run of one program while the pipes are hot."""
    pipes.round_ns(rounds // 10)
    fd = programs.program_fd(name)
    with counting():
        before = run_of(fd)
        pipes.round_ns(rounds)
        after = run_of(fd)
    return (after[0] - before[0]) / (after[1] - before[1])


def over_empty(folder: pathlib.Path, rounds: int) -> dict[str, float]:
    """Return ns a switch and a wake-up over an empty program, by kind."""
    pipes = Pipes(folder, 1)
    try:
        empty = empty_programs(folder)
        empty.attach('switched', 'woken')
        floor = {
            name: _least(empty, name, pipes, rounds)
            for name in ('switched', 'woken')
        }
        empty.close()
        found = {f'empty_{name}_ns': ns for name, ns in floor.items()}
        for kind in ('host', 'domain'):
            with ebpf_running() as collector:
                collector.watch(members(pipes, kind))
                for name in floor:
                    ns = _least(collector.programs, name, pipes, rounds)
                    found[f'{kind}_{name}_ns'] = ns - floor[name]
        return {name: round(ns, 1) for name, ns in found.items()}
    finally:
        pipes.end()


def _least(
    programs: libbpf.Programs, name: str, pipes: Pipes, rounds: int
) -> float:
    """Return the median of five: interrupts and neighbours only add."""
    return statistics.median(
        run_ns(programs, name, pipes, rounds) for _ in range(5)
    )


@contextlib.contextmanager
def ebpf_running() -> Iterator[ebpf.Ebpf]:
    """Run the ledger for the block."""
    collector = ebpf.Ebpf()
    try:
        yield collector
    finally:
        collector.close()


def paired(folder: pathlib.Path, rounds: int, pairs: int) -> dict[str, float]:
    """Return what a round of two switches costs more with the ledger."""
    pipes = Pipes(folder, 1)
    try:
        without, more = [], []
        for _ in range(pairs):
            without.append(pipes.round_ns(rounds))
            with ebpf_running() as collector:
                collector.watch(members(pipes, 'domain'))
                pipes.round_ns(rounds // 10)
                more.append(pipes.round_ns(rounds) - without[-1])
        return {
            'pipe_round_ns': round(statistics.median(without), 1),
            'pipe_round_more_ns': round(statistics.median(more), 1),
        }
    finally:
        pipes.end()
