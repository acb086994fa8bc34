# SPDX-License-Identifier: Apache-2.0
"""What analysing costs: samples as they come from the bus in, findings out.

Some generated hosts, one in ten with contention, run until their windows and
baselines are full; then a fleet of copies of them goes on from there, each
with a state of its own. Counted is what an analyzer does with a record:
unpack, decode, detect, encode what it tells: findings, reports of hosts once
a minute, and the host's state once in 30 samples. Yardsticks in the same run:
unpacking and decoding alone, and a plain loop that alerts on a wait over 10 %
in three of five samples.

Of 3,000 hosts 30 samples take some minutes; ``--hosts``, ``--rounds`` and
``--pairs`` measure a part at a time. A figure that was not measured is not
told.
"""

import argparse
import dataclasses
import gc
import itertools
import multiprocessing
import multiprocessing.connection
import pathlib
import resource
import statistics
import sys
import tempfile
import time

import zstandard

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks import (  # noqa: E402 - the path comes first
    fleet,
    fleet_copies,
    plain_alerts,
    report,
)
from kvm_insight.cmd import allocator  # noqa: E402
from kvm_insight.detect import shard  # noqa: E402
from kvm_insight.model import codec, sample  # noqa: E402

#: Hosts that are measured in turn: the first, and the most of them.
FIRST = 100
FULL = 3000
QUICK = 300
#: Those for two processes.
PAIR = 300


@dataclasses.dataclass(slots=True)
class Cost:
    """What one fleet took; CPU and wall time in seconds."""

    hosts: int
    samples: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    findings: int = 0

    def per_domain_us(self) -> float:
        """Return µs of CPU for one domain in one sample."""
        return self.cpu_s / self.samples / fleet.DOMAINS * 1e6


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """What a process is to measure."""

    #: Where the templates are.
    folder: pathlib.Path
    #: Hosts of each fleet.
    sizes: tuple[int, ...]
    #: Samples of each host.
    rounds: int
    #: Of the templates, one in so many is copied.
    step: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What one process measured."""

    costs: list[Cost]
    #: Of all its fleets together.
    memory_bytes: int

    def per_domain_kib(self) -> float:
        """Return KiB of memory for one domain."""
        hosts = sum(cost.hosts for cost in self.costs)
        return self.memory_bytes / hosts / fleet.DOMAINS / 1024


def main() -> int:
    """Measure; print one JSON object."""
    parser = report.options(__doc__)
    parser.add_argument('--hosts', type=int, help='in the largest fleet')
    parser.add_argument(
        '--rounds',
        type=int,
        default=fleet_copies.ROUNDS,
        help='samples of each host, with one state in so many',
    )
    parser.add_argument(
        '--pairs', type=int, help='times that two processes are measured'
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='analyzer-') as name:
        return _report(args, pathlib.Path(name))


def _report(args: argparse.Namespace, folder: pathlib.Path) -> int:
    count, most, pairs = (10, QUICK, 1) if args.quick else (20, FULL, 5)
    if args.pairs is not None:
        pairs = args.pairs
    rounds = min(args.rounds, fleet_copies.ROUNDS)
    fleet_copies.run_templates(folder, args.seed, count)
    sizes = FIRST, args.hosts or most
    both = _children(Task(folder, sizes, rounds), 1)[0]
    small, large = both.costs
    contended = Task(folder, (FIRST,), rounds, fleet_copies.CONTENDED)
    loud = _children(contended, 1)[0].costs[0]
    doubled = [_double(Task(folder, (PAIR,), rounds)) for _ in range(pairs)]
    figures = {
        'domain_samples_per_s': round(1e6 / large.per_domain_us()),
        f'cpu_per_sample_us_{small.hosts}_hosts': round(
            small.per_domain_us(), 2
        ),
        f'cpu_per_sample_us_{large.hosts}_hosts': round(
            large.per_domain_us(), 2
        ),
        'cpu_growth_ratio': round(
            large.per_domain_us() / small.per_domain_us(), 3
        ),
        'memory_per_domain_kib': round(both.per_domain_kib(), 2),
        'findings': large.findings,
        'domain_samples_per_s_all_contended': round(
            1e6 / loud.per_domain_us()
        ),
    }
    for field in dataclasses.fields(_Doubled) if doubled else ():
        found = [getattr(one, field.name) for one in doubled]
        name = f'two_processes_{field.name}'
        figures[name] = round(statistics.median(found), 3)
    reach = {
        'domain_samples_per_s': report.Bound(least=20_000),
        'cpu_growth_ratio': report.Bound(most=1.1),
        'two_processes_speedup': report.Bound(least=1.8),
        'memory_per_domain_kib': report.Bound(most=12),
        # Or there was nothing to detect.
        'findings': report.Bound(least=1),
    }
    return report.tell(
        'One core takes 20,000 domain samples a second to findings',
        figures,
        {name: bound for name, bound in reach.items() if name in figures},
        _yardstick(folder),
        args.seed,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Doubled:
    """What a second process beside the first makes of both."""

    #: By how much more they get through than one.
    speedup: float
    #: How much more CPU a sample takes beside another process: what they
    #: share is in each other's way.
    cpu_ratio: float
    #: Which part of a core each one had; less than all, and the speedup is
    #: that of a machine that has other work.
    core: float


def _double(task: Task) -> _Doubled:
    """Measure one process alone, then two at a time."""
    (alone,) = _children(task, 1)[0].costs
    two = [result.costs[0] for result in _children(task, 2)]
    slower = max(two, key=lambda cost: cost.wall_s)
    found = _Doubled(
        2 * alone.wall_s / slower.wall_s,
        slower.cpu_s / alone.cpu_s,
        slower.cpu_s / slower.wall_s,
    )
    report.say(f'two processes: {found}')
    return found


def _children(task: Task, count: int) -> list[Result]:
    """Let so many processes work at the same time."""
    context = multiprocessing.get_context('spawn')
    links = []
    children = []
    for _ in range(count):
        ours, theirs = context.Pipe()
        child = context.Process(target=_work, args=(theirs, task), daemon=True)
        child.start()
        theirs.close()
        links.append(ours)
        children.append(child)
    for link in links:
        link.recv()
    for link in links:
        link.send('go')
    results = [link.recv() for link in links]
    for child in children:
        child.join()
    for result in results:
        report.say(str(result))
    return results


def _work(link: multiprocessing.connection.Connection, task: Task) -> None:
    """Take fleets over, wait for the word, and let them go on in turn.

    In turn, since what else the machine does is then the same for all.
    """
    # As the service does.
    allocator.keep_large_apart()
    templates = fleet_copies.templates(task.folder, task.step)
    # Whatever is loaded late is loaded now.
    _Meter(templates, len(templates), task.rounds).take()
    gc.collect()
    before = _rss_bytes()
    meters = [_Meter(templates, size, task.rounds) for size in task.sizes]
    link.send('ready')
    link.recv()
    while meters[-1].take():
        for other in meters[:-1]:
            if not other.take():
                other.begin()
    gc.collect()
    memory = _rss_bytes() - before
    link.send(Result([meter.cost for meter in meters], memory))


class _Meter:
    """Lets a fleet take its samples, and counts what that costs."""

    def __init__(
        self,
        templates: list[fleet_copies.Template],
        hosts: int,
        rounds: int,
    ) -> None:
        self.cost = Cost(hosts)
        self._rounds = rounds
        self._templates = templates
        self._unpacker = zstandard.ZstdDecompressor()
        service = fleet_copies.SERVICE
        self._held = shard.Shard(service.rules, 0, service.report_every_s)
        self.begin()

    def begin(self) -> None:
        """Begin where the templates stand."""
        hosts = self.cost.hosts
        fleet_copies.take_over(self._held, self._templates, hosts)
        self._offset = 0
        self._batches = fleet_copies.batches(
            self._templates, hosts, self._rounds
        )

    def take(self) -> bool:
        """Take a batch; say whether there was one."""
        batch = next(self._batches, None)
        if batch is None:
            return False
        wall, cpu = time.perf_counter(), time.process_time()
        self._analyze(batch)
        self.cost.cpu_s += time.process_time() - cpu
        self.cost.wall_s += time.perf_counter() - wall
        self.cost.samples += len(batch)
        # The bus's, not the analyzer's: else what is kept would count those
        # that came last.
        batch.clear()
        return True

    def _analyze(self, batch: list[bytes]) -> None:
        for packed in batch:
            value = self._unpacker.decompress(packed)
            for found in self._held.consume(self._offset, None, value):
                codec.encode(found)
                self.cost.findings += 1
            self._offset += 1
        told = [*self._held.hours(), *self._held.reports()]
        for record in itertools.chain(told, self._held.due(self._rounds)):
            codec.encode(record)


def _yardstick(folder: pathlib.Path) -> dict[str, float]:
    """Measure what decoding alone costs, and a plain loop of alerts."""
    templates = fleet_copies.templates(folder)
    unpacker = zstandard.ZstdDecompressor()
    alerts = plain_alerts.Alerts()

    def decode(batch: list[bytes]) -> None:
        for packed in batch:
            codec.decode(unpacker.decompress(packed), sample.Sample)

    def alert(batch: list[bytes]) -> None:
        for packed in batch:
            alerts.take(
                codec.decode(unpacker.decompress(packed), sample.Sample)
            )

    found: dict[str, float] = {}
    for name, take in (('decode_alone', decode), ('plain_alerts', alert)):
        count = 0
        cpu_s = 0.0
        for batch in fleet_copies.batches(templates, 100, 10):
            begin = time.process_time()
            take(batch)
            cpu_s += time.process_time() - begin
            count += len(batch) * fleet.DOMAINS
        found[f'{name}_domain_samples_per_s'] = round(count / cpu_s)
    return found | {'plain_alerts': alerts.count}


def _rss_bytes() -> int:
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == '__main__':
    sys.exit(main())
