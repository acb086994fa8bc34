# SPDX-License-Identifier: Apache-2.0
"""Plan: how long a plan for 1,000 hosts takes, and how much memory.

1,000 hosts with 30 domains each and every kind of constraint, 50 of them hot.
Timed is all that the planner does from the decoded cluster to recommendations
with their reasons; memory is the most that the process ever had, the cluster
and its making among it. Without a bound, a planner's whole cycle on the same
cluster, from what hosts told in a week: ``plan_cycle`` says what is in it.
"""

import collections
import pathlib
import resource
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from moves import random_cluster  # noqa: E402 - the path comes first

from benchmarks import plan_cycle, report  # noqa: E402
from kvm_insight.recommend import orders, planning, settings  # noqa: E402


def main() -> int:
    """Plan a few times; print one JSON object."""
    args = report.options(__doc__).parse_args()
    times: list[float] = []
    for n in range(1 if args.quick else 3):
        dice = np.random.default_rng(args.seed + n)
        shape = random_cluster.Shape(1000, 30, 50, tight=0.1)
        whole = random_cluster.make(shape, dice)
        report.say(f'{len(whole.hosts)} hosts, {len(whole.instances)} domains')
        start = time.perf_counter(), time.process_time()
        made = planning.plan(
            whole,
            settings.Settings(),
            orders.Orders(),
            np.random.default_rng(0),
        )
        times.append(time.perf_counter() - start[0])
        report.say(
            f'{times[-1]:.2f} s, {time.process_time() - start[1]:.2f} s of CPU'
        )
    moves = [len(one.moves) for one in made.recommendations]
    modes = collections.Counter(
        move.role for one in made.recommendations for move in one.moves
    )
    used_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = made.recommendations[0].score_before
    gone = sum(x.score_before - x.score_after for x in made.recommendations)
    figures = {
        'plan_s': max(times),
        'memory_gib': used_kib / 2**20,
        'hosts': len(whole.hosts),
        'domains': len(whole.instances),
        'recommendations': len(moves),
        'moves': sum(moves),
        'still_hot': len(made.stays),
        'relieved': gone / before,
    }
    hours = 24 if args.quick else 168
    dice = np.random.default_rng(args.seed)
    figures |= plan_cycle.measured(whole, hours, dice)
    return report.tell(
        'A plan for 1,000 hosts with all constraints is quick',
        figures,
        {
            'plan_s': report.Bound(most=2.0),
            'memory_gib': report.Bound(most=1.0),
        },
        {'roles': dict(modes)},
        args.seed,
    )


if __name__ == '__main__':
    sys.exit(main())
