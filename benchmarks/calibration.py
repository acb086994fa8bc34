# SPDX-License-Identifier: Apache-2.0
"""Calibration: a verdict of which the detector is 80 % sure is right 8 of 10
times; and a quota or the host itself is never taken for a neighbour.

Verdicts are those on hosts with and without a ledger that stand when there is
a history; without one they say so, and are never surer than 0.7 (the group
``from_the_first_sample`` has all). ``--tune`` prints the tables that
``detect.confidence`` has, made from the tuning seeds. Yardstick: as sure of
each verdict as of all.
"""

import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence

import numpy

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]

from benchmarks import report, scenes, scoring  # noqa: E402 - as above
from kvm_insight.detect import confidence  # noqa: E402

TUNING_SEED = 1000
FULL = {'2_to_8_cpus': 3, '16_to_32_cpus': 1}, 12
QUICK = {'2_to_8_cpus': 1}, 1
#: Of a table: its points at most, verdicts below which there is none,
#: verdicts for each point at least, and so many more that stand for what is
#: known of the kind as a whole.
POINTS = 50
FEW = 10
LEAST = 40
PRIOR = 10
KINDS = (*scenes.KINDS, 'chronic', 'quiet')
REACH = {
    'ece': report.Bound(most=0.05),
    'verdicts': report.Bound(least=2000),
    'quota_taken_for_neighbour': report.Bound(most=0),
    'host_process_taken_for_neighbour': report.Bound(most=0),
}


def main() -> int:
    """Play the hosts and print one JSON object."""
    parser = report.options(__doc__)
    parser.add_argument(
        '--tune', action='store_true', help='print the table for the code'
    )
    args = parser.parse_args()
    if args.tune:
        return _tune(list(_orders(TUNING_SEED, quick=args.quick)))
    orders = list(_orders(args.seed, quick=args.quick))
    found = scenes.tallied(_score, orders)['ours']
    total, whole = found['with_history'], found['from_the_first_sample']
    reach = dict(REACH)
    if args.quick:
        del reach['verdicts']
    classes = total.classes
    return report.tell(
        'A verdict is right as often as its confidence says',
        {
            'ece': round(scoring.calibration_error(total.sure), 4),
            'verdicts': len(total.sure),
            'quota_taken_for_neighbour': classes.get(
                ('quota', 'antagonist'), 0
            ),
            'host_process_taken_for_neighbour': classes.get(
                ('host_process', 'antagonist'), 0
            ),
        },
        reach,
        {'always_the_mean': {'ece_by_kind': round(_by_kind(total.sure), 4)}},
        args.seed,
        bins=list(_bins(total.sure)),
        quick=args.quick,
        groups={
            'from_the_first_sample': {
                'ece': round(scoring.calibration_error(whole.sure), 4),
                'verdicts': len(whole.sure),
            }
        },
        confusion={
            f'{truly} as {said}': count
            for (truly, said), count in sorted(classes.items())
        },
    )


def _score(order: scenes.Order) -> scenes.Counts:
    """Return how right the verdicts on one host were."""
    found: scenes.Counts = {}
    for one in scenes.play(order):
        truth = scoring.Truth(one.labels)
        total = scoring.score(truth, one.said)
        whole = scoring.score(truth, one.said, history=False)
        scenes.add(found, 'ours', 'with_history', total)
        scenes.add(found, 'ours', 'from_the_first_sample', whole)
    return found


def _score_raw(order: scenes.Order) -> scenes.Counts:
    """Return the same, as sure as the rules think and not as was counted."""
    confidence.TABLES.clear()
    return _score(order)


def _orders(seed: int, *, quick: bool) -> Iterator[scenes.Order]:
    rounds, count = QUICK if quick else FULL
    yield from scenes.sliced(seed, rounds, KINDS)
    yield from scenes.flowing(seed + 500, count, KINDS)


def _by_kind(sure: Sequence[tuple[float, bool, str]]) -> float:
    """Return the error where all are taken for as sure as the mean."""
    kinds: dict[str, list[bool]] = {}
    for _, right, kind in sure:
        kinds.setdefault(kind, []).append(right)
    mean = sum(right for _, right, _ in sure) / max(1, len(sure))
    errors = (abs(sum(some) - mean * len(some)) for some in kinds.values())
    return sum(errors) / max(1, len(sure))


def _bins(
    sure: Iterable[tuple[float, bool, str]],
) -> Iterator[dict[str, float]]:
    """Yield what each tenth of confidence came to."""
    for number, some in sorted(scoring.bins(sure).items()):
        said = sum(one for one, _ in some) / len(some)
        yield {
            'from': number / 10,
            'verdicts': len(some),
            'confidence': round(said, 4),
            'right': round(sum(right for _, right in some) / len(some), 4),
        }


def _tune(orders: Sequence[scenes.Order]) -> int:
    """Print a table for each kind of verdict, from what the rules think."""
    kinds: dict[str, list[tuple[float, bool]]] = {}
    raws = scenes.tallied(_score_raw, orders)['ours']['from_the_first_sample']
    for raw, right, kind in raws.sure:
        kinds.setdefault(kind, []).append((raw, right))
    for kind, found in sorted(kinds.items()):
        if not kind.endswith('/history') or len(found) < FEW:
            continue
        points = ', '.join(map(str, _table(sorted(found))))
        print(f'    {kind!r}: ({points},),  # of {len(found)}')
    return 0


def _table(found: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return a few points of a monotone curve, drawn towards the mean where
    there is little to go by."""
    least = max(LEAST, len(found) // POINTS)
    right = sum(one for _, one in found)
    mean = (right + 1) / (len(found) + 2)
    numbers = numpy.array(found, float)
    # Those of which the rules think the same stay together.
    ends = numpy.flatnonzero(numpy.diff(numbers[:, 0], append=2.0)) + 1
    raws, blocks, begin = [], [], 0
    for end in ends.tolist():
        if end - begin < least and end < len(found):
            continue
        some, begin = numbers[begin:end], end
        raws.append(float(some[:, 0].mean()))
        whole = some[:, 1].sum() + PRIOR * mean
        blocks.append((float(whole / (len(some) + PRIOR)), len(some)))
    table = [
        (round(raw, 3), round(part, 3))
        for raw, part in zip(raws, _monotone(blocks), strict=True)
    ]
    return [
        point
        for before, point, after in zip(
            [None, *table], table, [*table[1:], None], strict=False
        )
        # Of a level stretch, its ends say all.
        if not (before and after and before[1] == point[1] == after[1])
    ]


def _monotone(blocks: Sequence[tuple[float, int]]) -> list[float]:
    """Return values that never fall: those that would are pooled."""
    pools: list[tuple[float, int, int]] = []
    for value, size in blocks:
        pools.append((value, size, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, many, width), (other, more, wide) = pools[-2:]
            mean = (one * many + other * more) / (many + more)
            pools[-2:] = [(mean, many + more, width + wide)]
    return [value for value, _, width in pools for _ in range(width)]


if __name__ == '__main__':
    sys.exit(main())
