# SPDX-License-Identifier: Apache-2.0
"""Validity: whether what is recommended can be carried out, step by step.

Random clusters in all modes, some of them contradicting themselves, with
orders of operators. A referee that shares no code with the planner
(``tools/moves/referee.py``) carries out each plan in a random order of what
may overlap and checks each step by Placement's and Nova's rules and by our
own promises. Then plans are claimed in a real Placement (its own functional
fixture), as Nova claims them. The yardstick is a planner that asks for room
alone, judged by the same referee.
"""

import collections
import contextlib
import logging
import pathlib
import random
import sys
from collections.abc import Iterator

import msgspec
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from moves import claims, random_cluster, referee  # noqa: E402

from benchmarks import report  # noqa: E402
from kvm_insight.model import cluster, recommendation  # noqa: E402
from kvm_insight.recommend import (  # noqa: E402
    filters,
    orders,
    planning,
    settings,
)

MODES: tuple[recommendation.Mode, ...] = (
    'relieve',
    'relieve',
    'balance',
    'consolidate',
    'evacuate',
)
RULES = settings.Settings(rounds=10)
#: As a planner that asks Placement's inventories and nothing else.
BLIND = settings.Settings(
    rounds=10,
    without_filters=frozenset(filters.NAMES) - {'Inventory'},
)


class Case:
    """One cluster, what operators said, and what must not be touched."""

    def __init__(self, seed: int) -> None:
        """Make it."""
        dice = np.random.default_rng(seed)
        hosts = int(dice.integers(2, 9))
        shape = random_cluster.Shape(
            hosts,
            int(dice.integers(2, 12)),
            int(dice.integers(1, hosts + 1)),
            cold=(0.1, 0.8),
            grouped=float(dice.uniform(0.0, 0.7)),
            tight=0.4,
        )
        self.whole = random_cluster.make(shape, dice)
        self.tainted: set[str] = set()
        if dice.random() < 0.4:
            self.whole, self.tainted = random_cluster.contradict(
                self.whole, dice
            )
        self.mode = MODES[int(dice.integers(len(MODES)))]
        self.said = _said(self.whole, self.mode, dice)
        self.dice = random.Random(seed)

    def judge(self, rules: settings.Settings) -> tuple[int, list[str]]:
        """Plan, and let the referee carry it out."""
        made = planning.plan(
            self.whole,
            rules,
            self.said,
            np.random.default_rng(1),
            self.mode,
        )
        told = [msgspec.to_builtins(one) for one in made.recommendations]
        said = {
            'opted_out': sorted(self.said.opted_out),
            'muted': sorted(self.said.muted | self.said.engaged),
            'blackouts': [
                (one.begin_us, one.end_us, one.hosts and sorted(one.hosts))
                for one in self.said.blackouts
            ],
        }
        moves, wrong = referee.judge(
            msgspec.to_builtins(self.whole), told, said, self.mode, self.dice
        )
        touched = {
            name
            for one in told
            for move in one['moves']
            for name in (
                move['source'],
                move['destination'],
                move['instance'],
            )
        }
        wrong += [f'touches {x}' for x in sorted(touched & self.tainted)]
        return moves, wrong


def main() -> int:
    """Judge and claim; print one JSON object."""
    args = report.options(__doc__).parse_args()
    count, plans = (500, 5) if args.quick else (10_000, 200)
    totals: collections.Counter[str] = collections.Counter()
    for n in range(count):
        case = Case(args.seed + n)
        moves, wrong = case.judge(RULES)
        totals[case.mode] += moves
        totals['moves'] += moves
        totals['planned'] += bool(moves)
        totals['violations'] += len(wrong)
        for line in wrong[:3]:
            report.say(f'{args.seed + n} {case.mode}: {line}')
        if n < count // 20:
            blind, wrong = case.judge(BLIND)
            totals['blind_moves'] += blind
            totals['blind_violations'] += len(wrong)
        if n % 1000 == 999:
            report.say(f'{n + 1} clusters, {totals["moves"]} moves')
    claimed = _claimed(args.seed + count, plans)
    figures = {
        'clusters': count,
        'plans': totals['planned'],
        'moves': totals['moves'],
        'violations': totals['violations'],
        'claimed_plans': plans,
        'claimed_moves': claimed['claimed'],
        'refusals': claimed['refused'],
    }
    return report.tell(
        'What is recommended can be carried out, at every step',
        figures,
        {
            'violations': report.Bound(most=0),
            'refusals': report.Bound(most=0),
            'moves': report.Bound(least=count / 4),
            'claimed_moves': report.Bound(least=plans),
        },
        {
            'a planner that asks for room alone': {
                'moves': totals['blind_moves'],
                'violations': totals['blind_violations'],
            }
        },
        args.seed,
        modes={mode: totals[mode] for mode in sorted(set(MODES))},
    )


def _said(
    whole: cluster.Cluster,
    mode: recommendation.Mode,
    dice: np.random.Generator,
) -> orders.Orders:
    """Return what operators may have said."""

    def some(names: list[str], part: float) -> frozenset[str]:
        return frozenset(name for name in names if dice.random() < part)

    hosts = [one.name for one in whole.hosts]
    instances = [one.uuid for one in whole.instances]
    projects = sorted({one.project_id for one in whole.instances})
    dark = orders.Blackout(
        whole.time_us - 10**6, whole.time_us + 10**6, some(hosts, 0.1)
    )
    past = orders.Blackout(0, whole.time_us)
    evacuate = [hosts[int(dice.integers(len(hosts)))]]
    return orders.Orders(
        opted_out=some(instances, 0.05) | some(projects, 0.03),
        muted=some(hosts, 0.03) | some(instances, 0.03),
        blackouts=(dark, past),
        engaged=some(hosts, 0.03),
        evacuate=tuple(evacuate) if mode == 'evacuate' else (),
    )


def _claimed(seed: int, plans: int) -> collections.Counter[str]:
    """Claim so many plans in a real Placement."""
    logging.disable(logging.WARNING)
    totals: collections.Counter[str] = collections.Counter()
    for whole, made, number in _some_plans(seed):
        with claims.Placement() as service:
            claimed, refused = claims.claim(
                service, whole, made, random.Random(number)
            )
        totals['plans'] += 1
        totals['claimed'] += claimed
        totals['refused'] += len(refused)
        for line in refused:
            report.say(f'{number}: {line}')
        if totals['plans'] % 20 == 0:
            report.say(f'{totals["plans"]} plans claimed')
        if totals['plans'] >= plans:
            break
    return totals


def _some_plans(
    seed: int,
) -> Iterator[tuple[referee.Json, list[referee.Json], int]]:
    """Return clusters with plans for them, without end."""
    number = seed
    while True:
        number += 1
        dice = np.random.default_rng(number)
        shape = random_cluster.Shape(10, 10, 4, grouped=0.4, tight=0.4)
        whole = random_cluster.make(shape, dice)
        mode = MODES[number % len(MODES)]
        said = orders.Orders(
            evacuate=(whole.hosts[0].name,) if mode == 'evacuate' else ()
        )
        made = planning.plan(whole, RULES, said, dice, mode)
        told = [msgspec.to_builtins(one) for one in made.recommendations]
        if told:
            yield msgspec.to_builtins(whole), told, number


if __name__ == '__main__':
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
