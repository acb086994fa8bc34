# SPDX-License-Identifier: Apache-2.0
"""Pairs of victim and aggressor where no exact ledger tells who ran.

Simulated hosts of both families without a ledger, of the second with the
sampled one, and hosts whose guests contend for a disk, for memory or for the
network. A pair that is guilty for ten minutes must be named; whoever is named
must be guilty then. Yardsticks in the same run: the largest consumer,
Pearson's correlation, the formula of CPI^2.
"""

import argparse
import dataclasses
import math
import multiprocessing
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks import (  # noqa: E402 - the path comes first
    naive,
    report,
    scoring,
)
from kvm_insight.detect import settings  # noqa: E402
from kvm_insight.model import sample  # noqa: E402
from kvm_insight.simulate import (  # noqa: E402
    label,
    scenario,
    scenario_cpu,
    simulation,
    stage,
)

PRECISION, F1 = 0.95, 0.80
MEDIAN_S, P95_S = 240.0, 600.0
OF_CPU = tuple(scenario_cpu.KINDS)
_RESOURCES: tuple[label.Resource, ...] = ('disk', 'memory', 'network')


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One simulated host, and whose pairs are counted."""

    group: str
    resource: label.Resource
    kind: str
    seed: int
    family: stage.Family
    ledger: stage.Source | None
    hours: float


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """How right all were on one host."""

    job: Job
    ours: scoring.Tally
    plain: Mapping[str, scoring.Tally]


def jobs(seed: int, *, quick: bool) -> Iterator[Job]:
    """Yield the hosts, those that take longest first."""
    hours = 1.5 if quick else 3.0
    for at in range(1 if quick else 3):
        for kind in OF_CPU:
            for ledger in ('sampled', None):
                group = f'cpu_slices_{ledger or "none"}'
                source: stage.Source | None = 'sampled' if ledger else None
                yield Job(
                    group, 'cpu', kind, seed + at, 'slices', source, 0.75
                )
    for at in range(2 if quick else 8):
        for kind in OF_CPU:
            yield Job(
                'cpu_water_none', 'cpu', kind, seed + at, 'water', None, hours
            )
        for resource in _RESOURCES:
            for kind in scenario.KINDS:
                if kind.partition('_')[0] == resource:
                    yield Job(
                        resource,
                        resource,
                        kind,
                        seed + at,
                        'water',
                        None,
                        hours,
                    )


def run(job: Job) -> Done:
    """Simulate, detect, score."""
    ours = scoring.Tally()
    plain = {name: scoring.Tally() for name in naive.RULES}
    for scene in scenario.build(
        job.kind,
        job.seed,
        family=job.family,
        ledger=job.ledger,
        hours=job.hours,
    ):
        simulated = simulation.Simulation(scene)
        samples: list[sample.Sample] = list(simulated.samples())
        truth = scoring.Truth(simulated.labels(), job.resource)
        found = scoring.detected(samples, settings.Settings())
        said = scoring.statements(found, truth.labels.end_us)
        ours.add(scoring.score(truth, said))
        for name, theirs in naive.said(samples, job.resource).items():
            plain[name].add(scoring.score(truth, theirs))
    return Done(job, ours, plain)


def main() -> int:
    """Measure; print one JSON object."""
    args = report.options(__doc__).parse_args()
    work = list(jobs(args.seed, quick=args.quick))
    ours: dict[str, scoring.Tally] = {}
    plain: dict[str, dict[str, scoring.Tally]] = {}
    context = multiprocessing.get_context('spawn')
    with context.Pool(2) as pool:
        for number, one in enumerate(pool.imap_unordered(run, work), 1):
            group = one.job.group
            ours.setdefault(group, scoring.Tally()).add(one.ours)
            for name, tally in one.plain.items():
                known = plain.setdefault(name, {})
                known.setdefault(group, scoring.Tally()).add(tally)
            if number % 20 == 0:
                report.say(f'{number} of {len(work)} hosts')
    return _tell(args, ours, plain)


def _tell(
    args: argparse.Namespace,
    ours: Mapping[str, scoring.Tally],
    plain: Mapping[str, Mapping[str, scoring.Tally]],
) -> int:
    groups = {name: _figures(tally) for name, tally in sorted(ours.items())}
    reach = {
        'precision': report.Bound(least=PRECISION),
        'f1': report.Bound(least=F1),
        'time_to_name_median_s': report.Bound(most=MEDIAN_S),
        'time_to_name_p95_s': report.Bound(most=P95_S),
    }
    return report.tell(
        'Who is named without an exact ledger is guilty, and soon',
        {name: _worst(name, groups.values()) for name in _FIGURES},
        reach,
        {
            name: {group: _figures(tally) for group, tally in groups_.items()}
            for name, groups_ in plain.items()
        },
        args.seed,
        groups=groups,
        classes={
            name: {f'{a} as {b}': n for (a, b), n in tally.classes.items()}
            for name, tally in sorted(ours.items())
        },
    )


_FIGURES = (
    'precision',
    'recall',
    'f1',
    'time_to_name_median_s',
    'time_to_name_p95_s',
)


def _figures(tally: scoring.Tally) -> dict[str, float]:
    times_s = sorted(tally.times_s)
    return {
        'precision': _rounded(tally.precision),
        'recall': _rounded(tally.recall),
        'f1': _rounded(tally.f1),
        'time_to_name_median_s': _quantile(times_s, 0.5),
        'time_to_name_p95_s': _quantile(times_s, 0.95),
        'named': tally.right + tally.wrong,
        'guilty': tally.found + tally.missed,
        'hosts': tally.hosts,
    }


def _worst(name: str, groups: Iterable[dict[str, float]]) -> float:
    values = [group[name] for group in groups]
    if any(math.isnan(value) for value in values):
        return math.nan
    return max(values) if name.endswith('_s') else min(values)


def _rounded(value: float) -> float:
    return round(value, 4)


def _quantile(ordered: list[float], part: float) -> float:
    if not ordered:
        return math.nan
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1)


if __name__ == '__main__':
    sys.exit(main())
