# SPDX-License-Identifier: Apache-2.0
"""Victims: who waits more than is usual is seen, and nobody else is.

Simulated hosts of both families; a verdict is right if its victim truly lost
5 % of what it wanted, and 3 % more than without anybody's excess. Episodes
of ten minutes and more count for recall. Yardstick, on the same samples: a
minute in which one waited 10 % of what it wanted.
"""

import pathlib
import sys
from collections.abc import Iterator, Sequence

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]

from benchmarks import report, scenes, scoring  # noqa: E402 - as above
from kvm_insight.detect import suffering  # noqa: E402
from kvm_insight.model import rates, reading, sample  # noqa: E402

MINUTE_US = 60 * scoring.MICRO
STATIC = 0.10
#: Rounds over all kinds: of slices by size, and of the first family.
FULL = {'2_to_8_cpus': 3, '16_to_32_cpus': 1}, 12
QUICK = {'2_to_8_cpus': 1}, 2
REACH = {
    'precision': report.Bound(least=0.98),
    'recall': report.Bound(least=0.95),
}


def main() -> int:
    """Play the hosts and print one JSON object."""
    args = report.options(__doc__).parse_args()
    rounds, count = QUICK if args.quick else FULL
    orders = [
        *scenes.sliced(args.seed, rounds),
        *scenes.flowing(args.seed + 500, count),
    ]
    tallies = scenes.tallied(_score, orders)
    groups, plain = tallies['ours'], tallies['static']
    found = {name: _figures(one) for name, one in groups.items()}
    return report.tell(
        'Who waits more than is usual is seen, and nobody else',
        {name: min(one[name] for one in found.values()) for name in REACH},
        REACH,
        {'static_10_percent': {n: _figures(t) for n, t in plain.items()}},
        args.seed,
        quick=args.quick,
        groups=found,
    )


def _score(order: scenes.Order) -> scenes.Counts:
    """Return how right we and the static rule were on one host."""
    found: scenes.Counts = {}
    for one in scenes.play(order):
        truth = scoring.Truth(one.labels)
        static = list(_static(one.samples))
        for who, said in (('ours', one.said), ('static', static)):
            tally = scoring.score(truth, said)
            scenes.add(found, who, order.family, tally)
    return found


def _figures(tally: scoring.Tally) -> dict[str, float]:
    precision = scoring.part(tally.victims_right, tally.victims_wrong)
    recall = scoring.part(tally.victims_found, tally.victims_missed)
    return {
        'precision': round(precision, 4),
        'recall': round(recall, 4),
        'verdicts': tally.victims_right + tally.victims_wrong,
        'episodes': tally.victims_found + tally.victims_missed,
        'hosts': tally.hosts,
        'false_per_host_day': round(
            tally.victims_wrong / (tally.seconds / 86_400), 2
        ),
    }


def _static(samples: Sequence[sample.Sample]) -> Iterator[scoring.Statement]:
    """Yield a statement for each run of minutes above the static level."""
    open_: dict[str, scoring.Statement] = {}
    for minute_us, shares in _minutes(samples):
        for uuid, share in shares.items():
            known = open_.pop(uuid, None)
            if share > STATIC:
                since = known.since_us if known else minute_us - MINUTE_US
                open_[uuid] = _said(uuid, since, minute_us)
            elif known:
                yield known
    yield from open_.values()


def _said(uuid: str, since_us: int, until_us: int) -> scoring.Statement:
    return scoring.Statement(
        uuid,
        'cpu',
        'unknown',
        None,
        frozenset(),
        1.0,
        '',
        None,
        since_us,
        since_us + MINUTE_US,
        until_us,
    )


def _minutes(
    samples: Sequence[sample.Sample],
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the end of each minute, and what part each domain waited."""
    last: reading.Reading | None = None
    sums: dict[str, tuple[float, float]] = {}
    until_us = samples[0].time_us + MINUTE_US
    for one in samples:
        now = reading.of(one)
        happened = rates.growth(last, now) if last else None
        last = now
        if happened is not None:
            parts = zip(
                happened.layout.uuids,
                happened.cpu.run_us.tolist(),
                happened.cpu.run_delay_us.tolist(),
                strict=True,
            )
            for uuid, run, delay in parts:
                before = sums.get(uuid, (0.0, 0.0))
                if run == run and delay == delay:
                    sums[uuid] = before[0] + run, before[1] + delay
        if one.time_us >= until_us:
            yield (
                one.time_us,
                {
                    uuid: suffering.share(int(run), int(delay), 0)
                    if run + delay > 0.05 * MINUTE_US
                    else 0.0
                    for uuid, (run, delay) in sums.items()
                },
            )
            sums, until_us = {}, one.time_us + MINUTE_US


if __name__ == '__main__':
    sys.exit(main())
