# SPDX-License-Identifier: Apache-2.0
"""Quiet: on hosts where nothing happens, nobody is blamed.

Hosts of both families that are busy to 15 to 40 %, from their first sample
on, so also while nothing is known of them yet. A false pair is one that is
named and that the counterfactual does not find. Yardstick: whoever has the
largest share of the ledger when a domain waits 10 % of a minute.
"""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]

from benchmarks import report, scenes, scoring  # noqa: E402 - as above

DAY_S = 86_400.0
WATER_H = 24.0
SLICES_H = 2.0
#: Host-days of the first family, host-hours of the second.
FULL = (104, 104)
QUICK = (4, 10)
REACH = {
    'false_pairs_per_host_day': report.Bound(most=0.05),
    'false_pairs_in_slices': report.Bound(most=0),
    'water_host_days': report.Bound(least=100),
    'slices_host_hours': report.Bound(least=100),
}


def main() -> int:
    """Play the hosts and print one JSON object."""
    args = report.options(__doc__).parse_args()
    days, hours = QUICK if args.quick else FULL
    water = [
        scenes.Order(
            'water', 'quiet', args.seed + n, 'water', None, hours=WATER_H
        )
        for n in range(days)
    ]
    slices = [
        scenes.Order(
            'slices',
            'quiet',
            args.seed + 500 + n,
            cpus=(2, 4, 8)[n % 3],
            placement=scenes.PLACEMENTS[n // 3 % 3],
            hours=SLICES_H,
        )
        for n in range(round(hours / SLICES_H))
    ]
    # Those that take longest first.
    found = scenes.tallied(_score, [*water, *slices])['ours']
    figures = {
        'false_pairs_per_host_day': found['water'].wrong
        / (found['water'].seconds / DAY_S),
        'false_pairs_in_slices': found['slices'].wrong,
        'water_host_days': found['water'].seconds / DAY_S,
        'slices_host_hours': found['slices'].seconds / 3600,
    }
    reach = dict(REACH)
    if args.quick:
        del reach['water_host_days'], reach['slices_host_hours']
    return report.tell(
        'Nobody is blamed on a quiet host',
        figures,
        reach,
        {},
        args.seed,
        quick=args.quick,
        groups={name: _told(one) for name, one in found.items()},
    )


def _score(order: scenes.Order) -> scenes.Counts:
    """Return what was said of one host, from its first sample on."""
    found: scenes.Counts = {}
    for one in scenes.play(order):
        truth = scoring.Truth(one.labels)
        tally = scoring.score(truth, one.said, history=False)
        scenes.add(found, 'ours', order.group, tally)
    return found


def _told(tally: scoring.Tally) -> dict[str, float]:
    return {
        'false_pairs': tally.wrong,
        'right_pairs': tally.right,
        'false_victims': tally.victims_wrong,
        'host_hours': round(tally.seconds / 3600, 1),
    }


if __name__ == '__main__':
    sys.exit(main())
