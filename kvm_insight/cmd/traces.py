# SPDX-License-Identifier: Apache-2.0
"""Real traces from files: what machines did, to drive simulated ones.

Known by their form, whatever they are called: Bitbrains' columns (with a
``cpu_pct``), NAB's (``timestamp,value``), and PlanetLab's rows of a name and
per cent. ``.csv`` and ``.csv.gz``, at any depth.
"""

import csv
import gzip
import pathlib
from collections.abc import Iterable, Iterator

import numpy

from kvm_insight import exception
from kvm_insight.simulate import demand

_EVERY_S = 300.0
#: Values that a trace must have to drive anything.
_LEAST = 12


def read(folder: pathlib.Path) -> tuple[demand.Trace, ...]:
    """Return all traces below a folder; raise ConfigError if there is none
    or one cannot be read."""
    found: list[demand.Trace] = []
    for path in sorted(folder.rglob('*.csv*')):
        if path.name.endswith(('.csv', '.csv.gz')):
            found += _file(path)
    if not found:
        raise exception.ConfigError(
            f'--traces {folder}: holds no traces; name a folder with CSV '
            'files of Bitbrains, NAB or PlanetLab'
        )
    return tuple(found)


def _file(path: pathlib.Path) -> list[demand.Trace]:
    opened = gzip.open if path.name.endswith('.gz') else open
    try:
        with opened(path, 'rt', encoding='utf-8') as lines:
            return list(parse(lines))
    except (OSError, EOFError, UnicodeDecodeError, ValueError) as why:
        raise exception.ConfigError(
            f'--traces: {path} cannot be read: {why}; take it away'
        ) from why


def parse(lines: Iterable[str]) -> Iterator[demand.Trace]:
    """Return the traces of one file; none if it is of another form.

    Raises ValueError for what is broken.
    """
    rows = csv.reader(lines)
    head = next(rows, [])
    if 'cpu_pct' in head and 'vm' in head:
        yield from _bitbrains(head, rows)
    elif head == ['timestamp', 'value']:
        yield from _trace([float(row[1]) for row in rows], 1.0)
    elif len(head) > _LEAST and head[1].isdigit():
        for row in (head, *rows):
            yield from _trace([float(word) for word in row[1:]], 100.0)


def _bitbrains(
    head: list[str], rows: Iterator[list[str]]
) -> Iterator[demand.Trace]:
    machine, used = head.index('vm'), head.index('cpu_pct')
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row[machine], []).append(float(row[used]))
    for one in values.values():
        yield from _trace(one, 100.0)


def _trace(values: list[float], whole: float) -> Iterator[demand.Trace]:
    if len(values) >= _LEAST:
        yield demand.Trace(numpy.array(values) / whole, _EVERY_S)
