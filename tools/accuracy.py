#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the page on accuracy from what the benchmarks printed.

``benchmarks/NAME.py > benchmarks/results/NAME.json`` for each, then
``tools/accuracy.py > doc/source/reference/accuracy.md``.
"""

import json
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'benchmarks/results'

_HEAD = """\
# How often it is right

Each table is what one benchmark printed, on seeds (9000 and up) that were
not used for tuning (1000 to 1999). A figure that falls short says so. Where
there are groups, the figure above is the worst group's.

To see it for yourself: `benchmarks/NAME.py` prints the object from which the
table is made, `--quick` a smaller one, `--seed` another one; then
`tools/accuracy.py > doc/source/reference/accuracy.md` writes this page.
"""


def main() -> int:
    """Print the page."""
    sys.stdout.write(page(RESULTS))
    return 0


def page(results: pathlib.Path) -> str:
    """Return the page that these results make."""
    parts = [_HEAD]
    for path in sorted(results.glob('*.json')):
        parts += ['\n', *_section(path.stem, json.loads(path.read_text()))]
    return ''.join(parts)


def _section(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    yield f'## `{name}`\n{result["claim"]}.\n\n'
    yield '| figure | reach | measured | |\n|---|---|---|---|\n'
    for figure, value in result['figures'].items():
        bound = result['reach'].get(figure, {})
        yield f'| {figure} | {_bound(bound)} | {_number(value)} '
        yield f'| {_met(bound, value)} |\n'
    for title in ('groups', 'yardstick'):
        yield from _table(title, result.get(title) or {})
    yield from _rows('bins', result.get('bins') or [])
    yield from _pairs('confusion', result.get('confusion') or {})
    form = ', the quick form' if result.get('quick') else ''
    commit = result['commit'][:12]
    yield f'\nSeed {result["seed"]}, commit `{commit}`{form}.\n'


def _bound(bound: Mapping[str, float]) -> str:
    words = {'least': '≥', 'most': '≤'}
    return ' '.join(
        f'{words[name]} {_number(value)}' for name, value in bound.items()
    )


def _met(bound: Mapping[str, float], value: float) -> str:
    if not bound:
        return ''
    met = bound.get('least', value) <= value <= bound.get('most', value)
    return 'met' if met else '**falls short**'


def _number(value: object) -> str:
    if isinstance(value, float):
        return f'{value:.4g}'
    return str(value)


def _table(title: str, table: Mapping[str, Any]) -> Iterator[str]:
    flat: dict[str, Mapping[str, Any]] = {}
    for name, one in table.items():
        if not isinstance(one, dict):
            one = {'': one}
        if one and all(isinstance(inner, dict) for inner in one.values()):
            flat |= {f'{name}, {key}': inner for key, inner in one.items()}
        else:
            flat[name] = one
    yield from _rows(title, [{title: k, **v} for k, v in flat.items()])


def _rows(title: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    yield f'\n| {" | ".join(names)} |\n|{"---|" * len(names)}\n'
    for row in rows:
        cells = [_number(row.get(name, '-')) for name in names]
        yield f'| {" | ".join(cells)} |\n'


def _pairs(title: str, pairs: Mapping[str, Any]) -> Iterator[str]:
    yield from _rows(
        title, [{title: k, 'verdicts': v} for k, v in pairs.items()]
    )


if __name__ == '__main__':
    sys.exit(main())
