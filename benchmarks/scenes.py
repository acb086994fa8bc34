# SPDX-License-Identifier: Apache-2.0
"""Scenes: which simulated hosts a benchmark plays, and what comes of each."""

import dataclasses
import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks import report, scoring
from kvm_insight.detect import settings
from kvm_insight.model import sample
from kvm_insight.simulate import label, scenario, simulation, stage

#: Something happens in each, and the ledger or a history can tell what.
KINDS = (
    'antagonist',
    'together',
    'bystander',
    'decoy',
    'polling',
    'self_inflicted',
    'quota',
    'backup',
    'short',
    'cron',
    'day_night',
)
SIZES = {
    '2_to_8_cpus': (2, 4, 8),
    '16_to_32_cpus': (16, 32),
    '64_to_128_cpus': (64, 128),
}
PLACEMENTS: tuple[stage.Placement, ...] = ('floating', 'node', 'pinned')


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One simulated host."""

    group: str
    kind: str
    seed: int
    family: stage.Family = 'slices'
    ledger: stage.Source | None = 'ebpf'
    cpus: int | None = None
    placement: stage.Placement | None = None
    hours: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """What came of one."""

    samples: Sequence[sample.Sample]
    labels: label.Labels
    said: list[scoring.Statement]


def sliced(
    seed: int, rounds: dict[str, int], kinds: Sequence[str] = KINDS
) -> Iterator[Order]:
    """Yield hosts of slices by size and placement: so many of each kind by
    size, placements and numbers of CPUs in turn."""
    seeds = itertools.count(seed)
    for size, count in rounds.items():
        turn = itertools.count()
        for _ in range(count):
            for placement in PLACEMENTS:
                for kind in kinds:
                    sizes = SIZES[size]
                    cpus = sizes[next(turn) % len(sizes)]
                    yield Order(
                        f'{size}/{placement}',
                        kind,
                        next(seeds),
                        cpus=max(cpus, 4) if placement == 'node' else cpus,
                        placement=placement,
                    )


def flowing(
    seed: int, count: int, kinds: Sequence[str] = KINDS
) -> Iterator[Order]:
    """Yield hosts of the first family, so many of each kind."""
    seeds = itertools.count(seed)
    for _ in range(count):
        for kind in kinds:
            yield Order('water', kind, next(seeds), 'water', None)


#: Who says it (us, or a plain way) and group -> counts.
Counts = dict[tuple[str, str], scoring.Tally]


def add(counts: Counts, who: str, group: str, tally: scoring.Tally) -> None:
    """Add what one host came to."""
    counts.setdefault((who, group), scoring.Tally()).add(tally)


def tallied(
    score: Callable[[Order], Counts], orders: Sequence[Order]
) -> dict[str, dict[str, scoring.Tally]]:
    """Return who says it -> group -> counts over all hosts.

    A process for each CPU; progress is told now and then. ``score`` is a
    function of a module, since it is called in the processes.
    """
    found: dict[str, dict[str, scoring.Tally]] = {}
    context = multiprocessing.get_context('spawn')
    told = begun = time.monotonic()
    with context.Pool() as pool:
        for number, some in enumerate(pool.imap_unordered(score, orders), 1):
            for (who, group), tally in some.items():
                groups = found.setdefault(who, {})
                groups.setdefault(group, scoring.Tally()).add(tally)
            now = time.monotonic()
            if now - told > 20:
                told = now
                report.say(
                    f'{number} of {len(orders)} hosts in {now - begun:.0f} s'
                )
    return found


def play(order: Order) -> Iterator[Played]:
    """Yield what came of each host of an order."""
    scenes = scenario.build(
        order.kind,
        order.seed,
        family=order.family,
        ledger=order.ledger,
        cpus=order.cpus,
        placement=order.placement,
        hours=order.hours,
    )
    for scene in scenes:
        run = simulation.Simulation(scene)
        samples = list(run.samples())
        findings = scoring.detected(samples, settings.Settings())
        labels = run.labels()
        said = scoring.statements(findings, labels.end_us)
        yield Played(samples, labels, said)
