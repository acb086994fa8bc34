# SPDX-License-Identifier: Apache-2.0
"""How fast the slice scheduler is: hosts in real time per core.

Hosts of 64 CPUs with 40 domains of 4 vCPUs, whose demand comes near to all
CPUs, with floating, node-affine and pinned vCPUs, some with a quota, read
each second with the ledger; and small hosts of 4 CPUs with 6 domains of 2.
Counted is CPU time after the first run, which compiles. Yardstick: the same
scheduler without numba.
"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks import report  # noqa: E402 - the path comes first
from kvm_insight.simulate import slices  # noqa: E402

SECOND_US = 1_000_000
HOSTS = 20
NODE_CPUS = 16
#: Of the real kernel's switches so many are not reported.
MISSED = 0.003


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A kind of host: its size, its seconds, and where its vCPUs may run."""

    cpus: int
    domains: int
    vcpus: int
    seconds: int
    placement: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What some hosts of a kind took."""

    host_s: float
    cpu_s: float
    slices: int

    def hosts_per_core(self) -> float:
        """Return how many such hosts one core runs in real time."""
        return self.host_s / self.cpu_s


def main() -> int:
    """Measure; print one JSON object."""
    parser = report.options(__doc__)
    parser.add_argument('--plain-s', type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.plain_s:
        kind = Kind(64, 40, 4, args.plain_s, 'floating')
        print(_run(kind, args.seed, 1).hosts_per_core())
        return 0
    return _report(args)


def _report(args: argparse.Namespace) -> int:
    seconds = 20 if args.quick else 120
    _run(Kind(2, 1, 1, 1, 'floating'), args.seed, 1)
    groups = {
        placement: _measure(Kind(64, 40, 4, seconds, placement), args.seed)
        for placement in ('floating', 'node_affine', 'pinned')
    }
    small = _measure(Kind(4, 6, 2, 30 * seconds, 'floating'), args.seed)
    worst = min(groups.values(), key=Cost.hosts_per_core)
    figures = {
        'hosts_of_64_cpus_per_core': round(worst.hosts_per_core(), 1),
        'hosts_of_4_cpus_per_core': round(small.hosts_per_core(), 1),
        'slice_us': round(worst.cpu_s / worst.slices * 1e6, 3),
        'cpu_s_20_hosts_of_64_cpus': round(worst.cpu_s, 2),
        'host_s_each': float(seconds),
    }
    return report.tell(
        'The slice scheduler runs 20 hosts of 64 CPUs in real time',
        figures,
        {
            'hosts_of_64_cpus_per_core': report.Bound(least=HOSTS / 2),
            'hosts_of_4_cpus_per_core': report.Bound(least=300),
        },
        {'plain_python_hosts_of_64_cpus_per_core': _plain(args.seed)},
        args.seed,
        groups={
            name: round(cost.hosts_per_core(), 1)
            for name, cost in groups.items()
        },
    )


def _measure(kind: Kind, seed: int) -> Cost:
    cost = _run(kind, seed, HOSTS)
    report.say(f'{kind}: {cost.hosts_per_core():.0f} hosts per core')
    return cost


def _plain(seed: int) -> float:
    """Return what a second of one host comes to without numba."""
    done = subprocess.run(
        [sys.executable, __file__, '--plain-s', '1', '--seed', str(seed)],
        env={**os.environ, 'NUMBA_DISABLE_JIT': '1'},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return round(float(done.stdout), 1)


def _run(kind: Kind, seed: int, hosts: int) -> Cost:
    """Run hosts of a kind, one after the other."""
    cpu_s = 0.0
    count = 0
    for number in range(hosts):
        host = _host(kind, numpy.random.default_rng([seed, number]))
        begin_s = time.process_time()
        seen = slices.run(seed=seed + number, missed=MISSED, **host)
        cpu_s += time.process_time() - begin_s
        count += int(seen.slices[-1].sum())
    return Cost(float(hosts * kind.seconds), cpu_s, count)


def _host(kind: Kind, dice: numpy.random.Generator) -> dict[str, Any]:
    """Draw a host whose demand is 80 to 110 % of its CPUs."""
    threads = kind.domains * kind.vcpus
    base = dice.lognormal(0, 0.7, (threads, 1))
    duty = base * dice.uniform(0.7, 1.3, (threads, kind.seconds))
    duty *= dice.uniform(0.8, 1.1) * kind.cpus / base.sum()
    quota_us = numpy.zeros(kind.domains, numpy.int64)
    quota_us[::10] = 100_000
    return {
        'cpus': kind.cpus,
        'entity': numpy.repeat(numpy.arange(kind.domains), kind.vcpus),
        'allowed': _allowed(kind, threads, dice),
        'duty': duty,
        'cycle_us': dice.integers(5_000, 50_000, threads),
        'carry': dice.integers(0, 4, threads),
        'weight': numpy.full(kind.domains, 100),
        'quota_us': quota_us,
        'tick_us': numpy.arange(1, kind.seconds + 1) * SECOND_US,
    }


def _allowed(
    kind: Kind, threads: int, dice: numpy.random.Generator
) -> numpy.typing.NDArray[numpy.bool_]:
    allowed = numpy.ones((threads, kind.cpus), numpy.bool_)
    if kind.placement == 'node_affine':
        node = dice.integers(kind.cpus // NODE_CPUS, size=kind.domains)
        home = numpy.repeat(node, kind.vcpus)[:, None]
        allowed = numpy.arange(kind.cpus)[None] // NODE_CPUS == home
    if kind.placement == 'pinned':
        cpu = numpy.arange(threads)[:, None] % kind.cpus
        allowed = numpy.arange(kind.cpus)[None] == cpu
    return allowed


if __name__ == '__main__':
    sys.exit(main())
