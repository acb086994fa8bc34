# SPDX-License-Identifier: Apache-2.0
"""Regret: how far the planner's plans are from the best that there are.

Clusters of 20 hosts and some 400 domains with every kind of constraint. The
objective is the planner's own for both sides: the score (cores lost by both
forecasts, lost by measurement, short of memory, against soft policies) over
the horizon, plus 1.3 times the cost of all moves, in core-seconds. The
optimum is CP-SAT's over final placements with the same filters and guards,
of those whose moves have an order in which each finds room: where a placement
has none, it is cut off and the solver asked again. Regret is what the plan's
objective is above the optimum's, as a part of the optimum's. Where the solver
does not prove the optimum in its time, its best placement counts, and
``regret_to_bound_worst`` tells the regret against its bound.
"""

import pathlib
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from moves import random_cluster  # noqa: E402 - the path comes first

from benchmarks import report  # noqa: E402
from kvm_insight.model import cluster  # noqa: E402
from kvm_insight.recommend import (  # noqa: E402
    field,
    oracle,
    order,
    orders,
    sanity,
    search,
    settings,
)

SHAPES = (
    random_cluster.Shape(20, 24, 4, cold=(0.2, 0.6)),
    random_cluster.Shape(20, 24, 6, cold=(0.3, 0.7)),
    random_cluster.Shape(20, 24, 5, cold=(0.2, 0.6), tight=0.4),
    random_cluster.Shape(20, 24, 8, cold=(0.2, 0.5), grouped=0.5),
)
EFFORT = 60.0
CUTS = 6


def main() -> int:
    """Solve some clusters both ways; print one JSON object."""
    args = report.options(__doc__).parse_args()
    count = 2 if args.quick else 12
    rows = [_row(args.seed + n, SHAPES[n % len(SHAPES)]) for n in range(count)]
    regrets = [row['regret'] for row in rows]
    figures = {
        'clusters': count,
        'domains_mean': float(np.mean([row['domains'] for row in rows])),
        'regret_mean': float(np.mean(regrets)),
        'regret_worst': float(np.max(regrets)),
        'regret_to_bound_worst': max(row['to_bound'] for row in rows),
        'proven': sum(row['proven'] for row in rows),
        'planner_seconds_worst': max(row['seconds'] for row in rows),
        'relieved_of_possible': float(
            np.mean([row['relieved'] for row in rows])
        ),
    }
    greedy = [row['greedy'] for row in rows]
    return report.tell(
        'Plans are close to the best that can be carried out',
        figures,
        {
            'regret_mean': report.Bound(most=0.02),
            'regret_worst': report.Bound(most=0.05),
        },
        {
            'greedy alone': {
                'regret_mean': float(np.mean(greedy)),
                'regret_worst': float(np.max(greedy)),
            }
        },
        args.seed,
        groups={str(args.seed + n): row for n, row in enumerate(rows)},
    )


def _row(seed: int, shape: random_cluster.Shape) -> dict[str, float]:
    whole = random_cluster.make(shape, np.random.default_rng(seed))
    rules = settings.Settings()
    start = time.monotonic()
    plan = search.Search(_field(whole, rules), np.random.default_rng(0))
    plan.run()
    seconds = time.monotonic() - start
    mine = _value(plan.field)
    target = {x.i: x.destination for s in plan.steps for x in s.choices}
    best, bound, proven = _optimum(whole, rules, target, mine)
    greedy = search.Search(_field(whole, rules), np.random.default_rng(0))
    greedy.greedy()
    base = _value(_field(whole, rules))
    row = {
        'domains': len(whole.instances),
        'before': base,
        'planner': mine,
        'optimum': best,
        'regret': (mine - best) / best,
        'to_bound': (mine - bound) / bound if bound > 0 else float('inf'),
        'greedy': (_value(greedy.field) - best) / best,
        'relieved': (base - mine) / (base - best) if base > best else 1.0,
        'moves': len(target),
        'proven': int(proven),
        'seconds': seconds,
    }
    told = {name: round(value, 4) for name, value in row.items()}
    report.say(f'{seed}: {told}')
    return told


def _field(whole: cluster.Cluster, rules: settings.Settings) -> field.Field:
    sound = sanity.check(whole)
    return field.Field(whole, sound, rules, orders.Orders(), 'relieve')


def _value(where: field.Field) -> float:
    return oracle.value(where, list(where.moved))


def _optimum(
    whole: cluster.Cluster,
    rules: settings.Settings,
    target: dict[int, int],
    mine: float,
) -> tuple[float, float, bool]:
    """Return the best plan's objective, its lower bound, if it is proven.

    Whatever the solver did not find in its time, the plan itself is one.
    """
    solver = oracle.Oracle(_field(whole, rules))
    solver.hint(target)
    best, bound = mine, 0.0
    for _ in range(CUTS):
        found = solver.solve(EFFORT)
        bound = found.bound
        played = _field(whole, rules)
        stuck = order.playable(played, found.moves)
        if not stuck:
            best = min(best, _value(played))
            return best, bound, found.proven
        report.say(f'{len(stuck)} of {len(found.moves)} moves have no order')
        solver.cut(found.moves, stuck)
    return best, bound, False


if __name__ == '__main__':
    sys.exit(main())
