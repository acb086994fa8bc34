# SPDX-License-Identifier: Apache-2.0
"""What analysing costs: samples as they come from the bus in, findings out.

Some generated hosts, one in ten with contention, run until their windows and
baselines are full; then a fleet of copies of them goes on from there, each
with a state of its own. Counted is what an analyzer does with a record:
unpack, decode, detect, encode what it tells, and the host's state once in 30
samples. Yardsticks in the same run: unpacking and decoding alone, and a plain
loop that alerts on a wait over 10 % in three of five samples.
"""

import argparse
import dataclasses
import gc
import multiprocessing
import multiprocessing.connection
import pathlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

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

SMALL, PAIR, LARGE = 100, 300, 3000


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What one process measured; CPU and wall time in seconds."""

    samples: int
    cpu_s: float
    wall_s: float
    findings: int
    memory_bytes: int

    def per_domain_us(self) -> float:
        """Return µs of CPU for one domain in one sample."""
        return self.cpu_s / self.samples / fleet.DOMAINS * 1e6


def main() -> int:
    """Measure; print one JSON object."""
    parser = report.options(__doc__)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='analyzer-') as name:
        return _report(args, pathlib.Path(name))


def _report(args: argparse.Namespace, folder: pathlib.Path) -> int:
    count, large = (10, 300) if args.quick else (20, LARGE)
    fleet_copies.run_templates(folder, args.seed, count)
    small = _median([_alone(folder, SMALL) for _ in range(5)])
    many = _alone(folder, large)
    loud = _alone(folder, SMALL, only_contended=True)
    speedups = [_speedup(folder) for _ in range(1 if args.quick else 5)]
    figures = {
        'domain_samples_per_s': round(1e6 / many.per_domain_us()),
        f'cpu_per_sample_us_{SMALL}_hosts': round(small.per_domain_us(), 2),
        f'cpu_per_sample_us_{large}_hosts': round(many.per_domain_us(), 2),
        'cpu_growth_ratio': round(
            many.per_domain_us() / small.per_domain_us(), 3
        ),
        'two_processes_speedup': round(statistics.median(speedups), 3),
        'memory_per_domain_kib': round(
            many.memory_bytes / large / fleet.DOMAINS / 1024, 2
        ),
        'hosts': large,
        'findings': many.findings,
        'domain_samples_per_s_all_contended': round(
            1e6 / loud.per_domain_us()
        ),
    }
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
        reach,
        _yardstick(folder),
        args.seed,
    )


def _alone(
    folder: pathlib.Path, hosts: int, *, only_contended: bool = False
) -> Cost:
    """Measure a fleet of so many hosts in a process of its own."""
    cost = _children(
        folder, hosts, 1, fleet_copies.CONTENDED if only_contended else 1
    )[0]
    report.say(f'{hosts} hosts: {cost}')
    return cost


def _speedup(folder: pathlib.Path) -> float:
    """Return how much more two processes get through than one."""
    one = _children(folder, PAIR, 1)
    two = _children(folder, PAIR, 2)
    ratio = 2 * one[0].wall_s / max(cost.wall_s for cost in two)
    report.say(f'two processes: {ratio:.3f} times one')
    return ratio


def _children(
    folder: pathlib.Path, hosts: int, count: int, step: int = 1
) -> list[Cost]:
    """Let so many processes work at the same time."""
    context = multiprocessing.get_context('spawn')
    links = []
    children = []
    for _ in range(count):
        ours, theirs = context.Pipe()
        child = context.Process(
            target=_work, args=(theirs, folder, hosts, step), daemon=True
        )
        child.start()
        links.append(ours)
        children.append(child)
    for link in links:
        link.recv()
    for link in links:
        link.send('go')
    costs = [link.recv() for link in links]
    for child in children:
        child.join()
    return costs


def _work(
    link: multiprocessing.connection.Connection,
    folder: pathlib.Path,
    hosts: int,
    step: int,
) -> None:
    """Take a fleet over, wait for the word, and let it go on."""
    # As the service does.
    allocator.keep_large_apart()
    templates = fleet_copies.templates(folder, step)
    # Whatever is loaded late is loaded now.
    warm = fleet_copies.hosts(templates, len(templates))
    _measured(warm, fleet_copies.batches(templates, len(templates), 1))
    del warm
    gc.collect()
    before = _rss_bytes()
    held = fleet_copies.hosts(templates, hosts)
    link.send('ready')
    link.recv()
    samples, cpu_s, wall_s, findings = _measured(
        held, fleet_copies.batches(templates, hosts, fleet_copies.ROUNDS)
    )
    gc.collect()
    memory = _rss_bytes() - before
    link.send(Cost(samples, cpu_s, wall_s, findings, memory))


def _measured(
    held: shard.Shard, batches: Iterator[list[bytes]]
) -> tuple[int, float, float, int]:
    """Return samples, CPU and wall time in seconds, and findings."""
    unpacker = zstandard.ZstdDecompressor()
    told: list[bytes] = []
    offset = 0

    def take(batch: list[bytes]) -> None:
        nonlocal offset
        for packed in batch:
            value = unpacker.decompress(packed)
            told.extend(map(codec.encode, held.consume(offset, None, value)))
            offset += 1
        for kept in held.due(fleet_copies.ROUNDS):
            codec.encode(kept)

    cpu_s, wall_s = _timed(take, batches)
    return offset, cpu_s, wall_s, len(told)


def _timed(
    take: Callable[[list[bytes]], None], batches: Iterator[list[bytes]]
) -> tuple[float, float]:
    """Return CPU and wall time; making the batches is not counted."""
    cpu_s = wall_s = 0.0
    for batch in batches:
        wall, cpu = time.perf_counter(), time.process_time()
        take(batch)
        cpu_s += time.process_time() - cpu
        wall_s += time.perf_counter() - wall
    return cpu_s, wall_s


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
        cpu_s, _ = _timed(
            take, fleet_copies.batches(templates, SMALL, fleet_copies.ROUNDS)
        )
        count = SMALL * fleet_copies.ROUNDS * fleet.DOMAINS
        found[f'{name}_domain_samples_per_s'] = round(count / cpu_s)
    return found | {'plain_alerts': alerts.count}


def _median(costs: list[Cost]) -> Cost:
    return sorted(costs, key=Cost.per_domain_us)[len(costs) // 2]


def _rss_bytes() -> int:
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == '__main__':
    sys.exit(main())
