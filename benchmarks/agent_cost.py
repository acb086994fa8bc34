# SPDX-License-Identifier: Apache-2.0
"""What watching costs: agent, libvirtd and kernel programs, a domain a minute.

The agent runs as shipped, once with each ledger, beside 60 real QEMU domains
(paused, since a guest's own load is not the agent's cost). Yardstick: a loop
that calls ``getAllDomainStats(0)`` every 10 s for the same domains in the
same run, which is how exporters do it.
"""

import argparse
import contextlib
import dataclasses
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from lab import daemon, guest, tiny  # noqa: E402 - the path comes first

from kvm_insight.observe import (  # noqa: E402
    collector,
    place,
    population,
    roster,
    tick,
)

DOMAINS = 60
TICK_THREADS = 240
MOST_RSS_MIB = 64.0
MOST_TICK_MS = 10.0
#: Of the yardstick's cost, with the ledger that is chosen by default.
MOST_COST_RATIO = 0.5
PROC = pathlib.Path('/proc')
BPF_STATS = pathlib.Path('/proc/sys/kernel/bpf_stats_enabled')
LOOP = """\
import sys, time, libvirt
link = libvirt.openReadOnly(sys.argv[1])
begin = time.monotonic()
while True:
    link.getAllDomainStats(0)
    begin += 10
    time.sleep(max(0, begin - time.monotonic()))
"""
AGENT = (
    'import sys; from kvm_insight.cmd import agent;'
    ' sys.exit(agent.main(sys.argv[1:]))'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds in one phase."""

    seconds: float
    watcher_s: float
    libvirtd_s: float
    programs_s: float
    rss_mib: float

    def per_domain_minute_ms(self) -> float:
        """Return milliseconds of CPU for one domain and minute."""
        total = self.watcher_s + self.libvirtd_s + self.programs_s
        return round(total / DOMAINS / (self.seconds / 60) * 1000, 3)


def main() -> int:
    """Measure all three; print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--traces', help='not used: the domains are real')
    args = parser.parse_args()
    # Whole surveys, so that each phase pays for as many.
    seconds = 30.0 if args.quick else 120.0
    folder = pathlib.Path(tempfile.mkdtemp(prefix='agent-cost-'))
    lab = daemon.Lab(folder / 'lab')
    try:
        lab.up()
        _start_domains(lab)
        ticks_ms, threads = _measure_ticks(lab)
        with _bpf_stats():
            costs = {
                ledger: _agent(lab, folder / ledger, ledger, seconds)
                for ledger in ('ebpf', 'sampled')
            }
        costs['loop'] = _loop(lab, seconds)
    finally:
        lab.down()
        shutil.rmtree(folder, ignore_errors=True)
    return _report(args.seed, costs, ticks_ms, threads)


def _report(
    seed: int, costs: dict[str, Cost], ticks_ms: list[float], threads: int
) -> int:
    loop_ms = costs['loop'].per_domain_minute_ms()
    figures: dict[str, float] = {
        'domains': DOMAINS,
        'tick_threads': threads,
        'tick_median_ms': round(statistics.median(ticks_ms), 2),
        'tick_p95_ms': round(sorted(ticks_ms)[-len(ticks_ms) // 20], 2),
    }
    for name in ('ebpf', 'sampled'):
        cost = costs[name]
        own_ms = cost.per_domain_minute_ms()
        figures |= {
            f'{name}_cpu_ms_per_domain_minute': own_ms,
            f'{name}_cost_ratio': round(own_ms / loop_ms, 3),
            f'{name}_agent_cpu_s': round(cost.watcher_s, 2),
            f'{name}_libvirtd_cpu_s': round(cost.libvirtd_s, 2),
            f'{name}_programs_cpu_s': round(cost.programs_s, 3),
            f'{name}_rss_mib': round(cost.rss_mib, 1),
        }
    reach = {
        'ebpf_cost_ratio': MOST_COST_RATIO,
        'ebpf_rss_mib': MOST_RSS_MIB,
        'sampled_rss_mib': MOST_RSS_MIB,
        'tick_median_ms': MOST_TICK_MS,
    }
    yardstick = {
        'cpu_ms_per_domain_minute': loop_ms,
        'loop_cpu_s': round(costs['loop'].watcher_s, 2),
        'libvirtd_cpu_s': round(costs['loop'].libvirtd_s, 2),
    }
    commit = subprocess.run(
        ['git', 'rev-parse', 'HEAD'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    result = {
        'claim': 'Watching costs at most half of polling all statistics',
        'figures': figures,
        'reach': reach,
        'yardstick': yardstick,
        'seed': seed,
        'commit': commit,
    }
    print(json.dumps(result, indent=1))
    return int(any(figures[name] > most for name, most in reach.items()))


def _start_domains(lab: daemon.Lab) -> None:
    for number in range(DOMAINS):
        new = guest.Guest(f'd{number}', '0-1', '1:0', memory_mib=16)
        tiny.start(lab, new, disk=True)
    _say(f'{DOMAINS} domains are up')


def _measure_ticks(lab: daemon.Lab) -> tuple[list[float], int]:
    """Return how long each of many ticks took, over 240 threads or so."""
    board = collector.Board()
    source = place.Place(
        PROC, pathlib.Path('/sys'), pathlib.Path('/sys/fs/cgroup'), board
    )
    people = population.Population(source)
    people.update(roster.Roster(PROC, lab.pid_folder).look(thoroughly=True))
    followers = people.followers()
    while sum(len(f.tids) for f in followers.values()) > TICK_THREADS + 3:
        followers.popitem()
    ticker = tick.Ticker(source)
    durations = []
    for _ in range(101):
        began = time.perf_counter()
        reading = ticker.read(followers, time.monotonic_ns() // 1000)
        durations.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    people.close()
    # The first one opens what the others keep open.
    return durations[1:], len(reading.threads)


def _agent(
    lab: daemon.Lab, folder: pathlib.Path, ledger: str, seconds: float
) -> Cost:
    folder.mkdir()
    config = folder / 'agent.conf'
    config.write_text(
        f'[agent]\nlibvirt_uri = {lab.uri}\nrun_dir = {lab.pid_folder}\n'
        f'ledger = {ledger}\n'
        f'[bus]\npath = {folder}/bus.db\nspool_path = {folder}/spool.db\n'
    )
    words = [sys.executable, '-c', AGENT, '--config-file', str(config)]
    return _phase(lab, words, ledger, seconds)


def _loop(lab: daemon.Lab, seconds: float) -> Cost:
    words = [sys.executable, '-c', LOOP, lab.uri]
    return _phase(lab, words, 'loop', seconds)


def _phase(
    lab: daemon.Lab, words: list[str], name: str, seconds: float
) -> Cost:
    """Run a watcher; count from when it has settled, whole intervals."""
    log = lab.home / f'{name}.log'
    with log.open('wb') as stream:
        child = subprocess.Popen(words, stderr=stream)
    try:
        time.sleep(15)
        before = _cpu_s(lab, child.pid)
        time.sleep(seconds)
        after = _cpu_s(lab, child.pid)
        if child.poll() is not None:
            raise SystemExit(f'{name}: ended with {child.returncode}')
        if 'gives up' in (said := log.read_text()):
            raise SystemExit(f'{name}: the ledger changed:\n{said}')
        status = (PROC / str(child.pid) / 'status').read_text()
    finally:
        child.terminate()
        child.wait()
    rss = re.search(r'VmRSS:\s+(\d+)', status)
    spent = [now - then for now, then in zip(after, before, strict=True)]
    rss_mib = int(rss[1]) / 1024 if rss else 0.0
    cost = Cost(seconds, spent[0], spent[1], spent[2], rss_mib)
    _say(f'{name}: {cost}')
    return cost


def _cpu_s(lab: daemon.Lab, pid: int) -> tuple[float, float, float]:
    """Return CPU seconds of the watcher, of libvirtd and of programs."""
    libvirtd = lab.libvirtd_pid()
    if libvirtd is None:
        raise SystemExit('libvirtd is gone')
    return _process_s(pid), _process_s(libvirtd), _programs_s(pid)


def _process_s(pid: int) -> float:
    """Return what the process used, to the nanosecond: not in ticks.

    By the clock that the kernel keeps of a process, which has also what
    threads used that ended since.
    """
    return time.clock_gettime(_clock_of(pid))


def _clock_of(pid: int) -> int:
    """Return the process's CPU clock, as ``clock_getcpuclockid`` does."""
    return (~pid << 3) | 2


def _programs_s(pid: int) -> float:
    """Return what kernel programs ran that this process loaded."""
    total = 0
    for path in (PROC / str(pid) / 'fdinfo').iterdir():
        with contextlib.suppress(OSError):
            if found := re.search(r'run_time_ns:\s+(\d+)', path.read_text()):
                total += int(found[1])
    return total / 1e9


@contextlib.contextmanager
def _bpf_stats() -> Iterator[None]:
    """Let the kernel count what programs cost; it does not by default."""
    before = BPF_STATS.read_text()
    BPF_STATS.write_text('1')
    try:
        yield
    finally:
        BPF_STATS.write_text(before)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main())
