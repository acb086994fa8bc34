# SPDX-License-Identifier: Apache-2.0
"""What all benchmarks share: their options, and the one object they print."""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: Seeds from here on report; tuning uses those from 1000 to 1999.
SEED = 9000


@dataclasses.dataclass(frozen=True, slots=True)
class Bound:
    """What a figure must meet."""

    least: float | None = None
    most: float | None = None

    def is_met(self, value: float) -> bool:
        """Say whether the figure is good enough; NaN never is."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    def told(self) -> dict[str, float]:
        """Return the bound as it is printed."""
        both = {'least': self.least, 'most': self.most}
        return {name: one for name, one in both.items() if one is not None}


def options(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of what every benchmark takes."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--seed', type=int, default=SEED)
    parser.add_argument('--quick', action='store_true')
    traces = os.environ.get('KVM_INSIGHT_TRACES')
    parser.add_argument(
        '--traces',
        type=pathlib.Path,
        metavar='DIR',
        default=pathlib.Path(traces) if traces else None,
    )
    return parser


def say(line: str) -> None:
    """Tell of progress."""
    print(line, file=sys.stderr, flush=True)


def tell(
    claim: str,
    figures: Mapping[str, float],
    reach: Mapping[str, Bound],
    yardstick: Mapping[str, object],
    seed: int,
    **more: object,
) -> int:
    """Print the result; return the exit code, 1 if a bound is not met."""
    missed = [
        name
        for name, bound in reach.items()
        if not bound.is_met(figures[name])
    ]
    result = {
        'claim': claim,
        'figures': dict(figures),
        'reach': {name: bound.told() for name, bound in reach.items()},
        'yardstick': dict(yardstick),
        **more,
        'seed': seed,
        'commit': _commit(),
    }
    print(json.dumps(result, indent=1))
    for name in missed:
        say(f'not met: {name} = {figures[name]}, {reach[name].told()}')
    return int(bool(missed))


def _commit() -> str:
    done = subprocess.run(
        ['git', 'rev-parse', 'HEAD'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
