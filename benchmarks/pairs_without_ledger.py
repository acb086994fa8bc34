# SPDX-License-Identifier: Apache-2.0
"""Pairs of victim and aggressor where no exact ledger tells who ran.

Simulated hosts of both families without a ledger, of the second with the
sampled one, and hosts whose guests contend for a disk, for memory or for the
network. A pair that is guilty for ten minutes must be named; whoever is named
must be guilty then. Yardsticks in the same run: the largest consumer,
Pearson's correlation, the formula of CPI^2.
"""

import argparse
import itertools
import math
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]

from benchmarks import (  # noqa: E402 - as above
    naive,
    report,
    scenes,
    scoring,
)
from kvm_insight.simulate import label, scenario  # noqa: E402

#: Hosts of each kind: of slices with and without the sampled ledger, and of
#: the first family for each resource.
FULL = 2, 6
QUICK = 1, 1
REACH = {
    'precision': report.Bound(least=0.95),
    'f1': report.Bound(least=0.80),
    'time_to_name_median_s': report.Bound(most=240),
    'time_to_name_p95_s': report.Bound(most=600),
}
DEVICES: tuple[label.Resource, ...] = ('disk', 'memory', 'network')


def main() -> int:
    """Play the hosts and print one JSON object."""
    args = report.options(__doc__).parse_args()
    orders = list(_orders(args.seed, quick=args.quick))
    found = scenes.tallied(_score, orders)
    return _tell(args, found)


def _orders(seed: int, *, quick: bool) -> Iterator[scenes.Order]:
    """Yield the hosts, those that take longest first."""
    of_slices, of_water = QUICK if quick else FULL
    seeds = itertools.count(seed)
    for kind in scenes.KINDS * of_slices:
        yield scenes.Order(
            'cpu_sampled', kind, next(seeds), 'slices', 'sampled'
        )
        yield scenes.Order('cpu_slices', kind, next(seeds), 'slices', None)
    for one in scenes.flowing(seed + 500, of_water):
        yield scenes.Order('cpu_water', one.kind, one.seed, 'water', None)
    for resource in DEVICES:
        kinds = [
            kind
            for kind in scenario.KINDS
            if kind.partition('_')[0] == resource
        ]
        for kind in kinds * of_water:
            yield scenes.Order(resource, kind, next(seeds), 'water', None)


def _score(order: scenes.Order) -> scenes.Counts:
    """Return how right we and the plain ways were on one host."""
    group = order.group
    resource = next((one for one in DEVICES if one == group), 'cpu')
    found: scenes.Counts = {}
    for one in scenes.play(order):
        truth = scoring.Truth(one.labels, resource)  # type: ignore[arg-type]
        said = {'ours': one.said, **naive.said(one.samples, resource)}  # type: ignore[arg-type]
        for who, theirs in said.items():
            scenes.add(found, who, group, scoring.score(truth, theirs))
    return found


def _tell(
    args: argparse.Namespace, found: dict[str, dict[str, scoring.Tally]]
) -> int:
    ours = found.pop('ours')
    groups = _figures(ours)
    return report.tell(
        'Without an exact ledger who is named is guilty, and soon',
        {name: _worst(name, groups.values()) for name in REACH},
        REACH,
        {who: _figures(theirs) for who, theirs in found.items()},
        args.seed,
        groups=groups,
        confusion={
            f'{group}: {truly} as {said}': count
            for group, tally in sorted(ours.items())
            for (truly, said), count in sorted(tally.classes.items())
        },
    )


def _figures(
    groups: Mapping[str, scoring.Tally],
) -> dict[str, dict[str, float]]:
    return {
        name: scoring.figures(tally) for name, tally in sorted(groups.items())
    }


def _worst(name: str, groups: Iterable[dict[str, float]]) -> float:
    """Return a figure as the worst group has it; NaN is the worst."""
    values = [one[name] for one in groups]
    if any(math.isnan(value) for value in values):
        return math.nan
    return (min if REACH[name].least is not None else max)(values)


if __name__ == '__main__':
    sys.exit(main())
