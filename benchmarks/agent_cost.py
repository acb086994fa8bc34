# SPDX-License-Identifier: Apache-2.0
"""What watching costs: agent, libvirtd and kernel programs, a domain a minute.

The agent runs as shipped, once with each ledger, beside 60 real QEMU domains
(paused, since a guest's own load is not the agent's cost). Yardstick: a loop
that calls ``getAllDomainStats(0)`` every 10 s for the same domains in the
same run, which is how exporters do it.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from lab import daemon, guest, tiny  # noqa: E402

from benchmarks import report  # noqa: E402 - the path comes first
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
SETTLE_S = 15.0
#: As long as from one survey to the next while all are at rest.
PHASE_S = 60.0
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
    """Measure all three in turn, some rounds; print one JSON object."""
    args = report.options(__doc__).parse_args()
    rounds = 1 if args.quick else 3
    folder = pathlib.Path(tempfile.mkdtemp(prefix='agent-cost-'))
    lab = daemon.Lab(folder / 'lab')
    try:
        lab.up()
        _start_domains(lab)
        ticks_ms, threads = _measure_ticks(lab)
        with _bpf_stats():
            costs = [
                _round(lab, folder / f'round-{number}')
                for number in range(rounds)
            ]
    finally:
        lab.down()
        shutil.rmtree(folder, ignore_errors=True)
    return _report(args.seed, costs, ticks_ms, threads)


def _round(lab: daemon.Lab, folder: pathlib.Path) -> dict[str, Cost]:
    """Run each watcher once, close to one another: the machine drifts."""
    folder.mkdir()
    return {
        'ebpf': _agent(lab, folder / 'ebpf', 'ebpf'),
        'loop': _phase(
            lab, [sys.executable, '-c', LOOP, lab.uri], folder / 'loop.log'
        ),
        'sampled': _agent(lab, folder / 'sampled', 'sampled'),
    }


def _report(
    seed: int,
    rounds: list[dict[str, Cost]],
    ticks_ms: list[float],
    threads: int,
) -> int:
    figures: dict[str, float] = {
        'domains': DOMAINS,
        'rounds': len(rounds),
        'tick_threads': threads,
        'tick_median_ms': round(statistics.median(ticks_ms), 2),
        'tick_p95_ms': round(sorted(ticks_ms)[-len(ticks_ms) // 20], 2),
    }
    for name in ('ebpf', 'sampled'):
        ratios = [
            one[name].per_domain_minute_ms()
            / one['loop'].per_domain_minute_ms()
            for one in rounds
        ]
        figures |= _of([one[name] for one in rounds], f'{name}_')
        figures[f'{name}_cost_ratio'] = round(statistics.median(ratios), 3)
        figures[f'{name}_worst_cost_ratio'] = round(max(ratios), 3)
    return report.tell(
        'Watching guests at rest costs at most half of polling all statistics',
        figures,
        {
            'ebpf_cost_ratio': report.Bound(most=MOST_COST_RATIO),
            'ebpf_rss_mib': report.Bound(most=MOST_RSS_MIB),
            'sampled_rss_mib': report.Bound(most=MOST_RSS_MIB),
            'tick_median_ms': report.Bound(most=MOST_TICK_MS),
        },
        _of([one['loop'] for one in rounds], ''),
        seed,
    )


def _of(costs: list[Cost], prefix: str) -> dict[str, float]:
    """Return the medians of some rounds, the worst of memory."""

    def middle(values: Iterable[float]) -> float:
        return round(statistics.median(values), 3)

    return {
        f'{prefix}cpu_ms_per_domain_minute': middle(
            one.per_domain_minute_ms() for one in costs
        ),
        f'{prefix}watcher_cpu_s': middle(one.watcher_s for one in costs),
        f'{prefix}libvirtd_cpu_s': middle(one.libvirtd_s for one in costs),
        f'{prefix}programs_cpu_s': middle(one.programs_s for one in costs),
        f'{prefix}rss_mib': round(max(one.rss_mib for one in costs), 1),
    }


def _start_domains(lab: daemon.Lab) -> None:
    for number in range(DOMAINS):
        new = guest.Guest(f'd{number}', '0-1', '1:0', memory_mib=16)
        tiny.start(lab, new, disk=True)
    report.say(f'{DOMAINS} domains are up')


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


def _agent(lab: daemon.Lab, folder: pathlib.Path, ledger: str) -> Cost:
    folder.mkdir()
    config = folder / 'agent.conf'
    config.write_text(
        f'[agent]\nlibvirt_uri = {lab.uri}\nrun_dir = {lab.pid_folder}\n'
        f'ledger = {ledger}\n'
        f'[bus]\npath = {folder}/bus.db\nspool_path = {folder}/spool.db\n'
    )
    words = [sys.executable, '-c', AGENT, '--config-file', str(config)]
    return _phase(lab, words, folder / 'agent.log')


def _phase(lab: daemon.Lab, words: list[str], log: pathlib.Path) -> Cost:
    """Run a watcher; count from when it has settled, whole intervals."""
    with log.open('wb') as stream:
        child = subprocess.Popen(words, stderr=stream)
    try:
        time.sleep(SETTLE_S)
        before = _cpu_s(lab, child.pid)
        time.sleep(PHASE_S)
        after = _cpu_s(lab, child.pid)
        said = log.read_text()
        if child.poll() is not None or 'gives up' in said:
            raise SystemExit(f'{log.name}: not what it was:\n{said}')
        status = (PROC / str(child.pid) / 'status').read_text()
    finally:
        child.terminate()
        child.wait()
    rss = re.search(r'VmRSS:\s+(\d+)', status)
    spent = [now - then for now, then in zip(after, before, strict=True)]
    rss_mib = int(rss[1]) / 1024 if rss else 0.0
    cost = Cost(PHASE_S, spent[0], spent[1], spent[2], rss_mib)
    report.say(f'{log}: {cost}')
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


if __name__ == '__main__':
    sys.exit(main())
