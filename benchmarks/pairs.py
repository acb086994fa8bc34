# SPDX-License-Identifier: Apache-2.0
"""Pairs: with the exact ledger, who made whom wait is named, and soon.

Simulated hosts of 2 to 128 CPUs whose threads are scheduled slice by slice;
vCPUs float, stay on a NUMA node, or are pinned. What is named is held to the
counterfactual: what the victim's wait would have been without the other's
excess. Only pairs that last five minutes count for recall. Yardsticks: the
same victims with the largest share of the ledger named; and, without it, the
largest consumer, Pearson's correlation, and the formula of CPI^2.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]

from benchmarks import naive, report, scenes, scoring  # noqa: E402

FULL = {'2_to_8_cpus': 4, '16_to_32_cpus': 2, '64_to_128_cpus': 1}
QUICK = {'2_to_8_cpus': 1}
#: What happens on hosts of the largest size, each of which takes minutes.
LARGE = ('antagonist', 'together', 'bystander', 'decoy')
LONG_US = 300 * scoring.MICRO
REACH = {
    'precision': report.Bound(least=0.97),
    'recall': report.Bound(least=0.85),
    'f1': report.Bound(least=0.90),
    'time_to_name_median_s': report.Bound(most=60),
    'time_to_name_p95_s': report.Bound(most=180),
}


def main() -> int:
    """Play the hosts and print one JSON object."""
    args = report.options(__doc__).parse_args()
    orders = [
        one
        for one in scenes.sliced(args.seed, QUICK if args.quick else FULL)
        if one.kind in LARGE or not one.group.startswith('64_to_128')
    ]
    # Those that take longest first.
    orders.sort(key=lambda one: -(one.cpus or 0))
    plain = scenes.tallied(_score, orders)
    groups = plain.pop('ours')
    groups = dict(sorted(groups.items()))
    found = {name: scoring.figures(one) for name, one in groups.items()}
    return report.tell(
        'With the exact ledger the aggressor is named, and nobody else',
        worst(found),
        REACH,
        {name: scoring.figures(one['all']) for name, one in plain.items()},
        args.seed,
        quick=args.quick,
        groups=found,
    )


def _score(order: scenes.Order) -> scenes.Counts:
    """Return how right we and the plain ways were on one host."""
    found: scenes.Counts = {}
    for one in scenes.play(order):
        truth = scoring.Truth(one.labels)
        said = naive.said(one.samples, 'cpu')
        said['largest_ledger_share'] = _by_share(one.said)
        for who, theirs in said.items():
            tally = scoring.score(truth, theirs, LONG_US)
            scenes.add(found, who, 'all', tally)
        mine = scoring.score(truth, one.said, LONG_US)
        scenes.add(found, 'ours', order.group, mine)
    return found


def worst(groups: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return each figure as the worst group has it."""
    return {
        name: (min if bound.least is not None else max)(
            one[name] for one in groups.values()
        )
        for name, bound in REACH.items()
    }


def _by_share(
    said: Sequence[scoring.Statement],
) -> list[scoring.Statement]:
    return [
        dataclasses.replace(
            one,
            verdict='antagonist',
            named=frozenset([one.largest]) if one.largest else frozenset(),
        )
        for one in said
    ]


if __name__ == '__main__':
    sys.exit(main())
