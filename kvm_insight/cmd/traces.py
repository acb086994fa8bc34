# SPDX-License-Identifier: Apache-2.0
"""Real traces from files: what machines did, to drive simulated ones.

Known by their form, whatever they are called: Bitbrains' columns (with a
``cpu_pct``), NAB's (``timestamp,value``), PlanetLab's rows of a name and
per cent, and OpenDC's parquet. ``.csv``, ``.csv.gz`` and ``.parquet``, at any
depth. What is broken ends it; what is no trace is left out, and told.
"""

import contextlib
import csv
import gzip
import itertools
import math
import pathlib
import sys
import zlib
from collections.abc import Iterable, Iterator

import numpy

from kvm_insight import exception
from kvm_insight.cmd import opendc
from kvm_insight.simulate import demand

_EVERY_S = 300.0
#: Measured values that a trace must have to drive anything.
_LEAST = 12
_ENDINGS = ('.csv', '.csv.gz', '.parquet')
_FORMS = (
    'expected columns vm and cpu_pct (Bitbrains), timestamp,value (NAB), a'
    ' name and per cent (PlanetLab), or id, duration, cpu_usage in parquet'
    ' (OpenDC)'
)

#: A file and its machines, or None if it is of another form.
Made = tuple[pathlib.Path, list[demand.Trace] | None]


def read(folder: pathlib.Path) -> tuple[demand.Trace, ...]:
    """Return all traces below a folder, and tell how many there are; raise
    ConfigError if there is none or one cannot be read."""
    found: list[demand.Trace] = []
    odd: dict[tuple[pathlib.Path, str], list[str]] = {}
    for path, made in _files(folder):
        usable = [one for one in made or () if _measured(one) >= _LEAST]
        found += usable
        if why := _left_out(made, len(usable)):
            odd.setdefault((path.parent, why), []).append(path.name)
    told = [
        f'{where / names[0]}'
        + (f' and {len(names) - 1} more' if names[1:] else '')
        + f': {why}'
        for (where, why), names in odd.items()
    ]
    if not found:
        words = f' ({"; ".join(told)})' if told else ''
        raise exception.ConfigError(
            f'--traces {folder}: holds no traces{words}; name a folder with '
            'files of Bitbrains, NAB, PlanetLab or OpenDC'
        )
    for line in told:
        print(f'--traces: left out {line}', file=sys.stderr)
    print(f'--traces {folder}: {len(found)} machines', file=sys.stderr)
    return tuple(found)


def _left_out(made: list[demand.Trace] | None, usable: int) -> str | None:
    """Return why a file, or some of its machines, can drive nothing."""
    if made is None:
        return _FORMS
    if usable == len(made) > 0:
        return None
    return (
        f'{len(made) - usable} of {len(made)} machines, which have fewer'
        f' than {_LEAST} measured values'
    )


def _files(folder: pathlib.Path) -> Iterator[Made]:
    paths = [
        path
        for path in sorted(folder.rglob('*'))
        if path.name.endswith(_ENDINGS) and path.is_file()
    ]
    for path in paths:
        if path.suffix != '.parquet':
            yield path, _csv(path)
    tables = (path for path in paths if path.suffix == '.parquet')
    for _, beside in itertools.groupby(tables, lambda path: path.parent):
        yield from _opendc(list(beside))


def _csv(path: pathlib.Path) -> list[demand.Trace] | None:
    with _named(path), path.open('rb') as file:
        zipped = file.read(2) == b'\x1f\x8b'
        opened = gzip.open if zipped else open
        with opened(path, 'rt', encoding='utf-8') as lines:
            return parse(lines)


def _opendc(paths: list[pathlib.Path]) -> Iterator[Made]:
    """Return what the files of one folder have: each machine's fragments are
    in one of them, its capacity in another."""
    mhz: dict[str, float] = {}
    machines, fragments = [], []
    for path in paths:
        with _named(path):
            table = opendc.Table(path)
            if table.has(opendc.FRAGMENTS):
                fragments.append((path, table))
                continue
            if table.has(opendc.MACHINES):
                more = opendc.capacities(table)
                if twice := mhz.keys() & more.keys():
                    raise ValueError(f'machine {min(twice)} is there twice')
                mhz |= more
                machines.append(path)
                continue
        yield path, None
    for path, table in fragments:
        with _named(path):
            made = opendc.fragments(table, mhz)
        yield path, made
    if not fragments:
        yield from ((path, None) for path in machines)


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, ValueError, zlib.error) as why:
        words = getattr(why, 'strerror', None) or str(why)
        first = words.splitlines()[0].rstrip('.') if words else 'it ends early'
        raise exception.ConfigError(
            f'--traces: {path} cannot be read: {first}; mend it or take'
            ' it away'
        ) from why


def parse(lines: Iterable[str]) -> list[demand.Trace] | None:
    """Return the traces of one CSV file, or None if it is of another form.

    Raises ValueError for what is broken.
    """
    rows = csv.reader(lines)
    try:
        return _parse(rows)
    except (ValueError, csv.Error) as why:
        if isinstance(why, UnicodeDecodeError):
            raise
        raise ValueError(f'line {rows.line_num}: {why}') from why


def _parse(rows: Iterator[list[str]]) -> list[demand.Trace] | None:
    head = next(rows, [])
    if 'cpu_pct' in head and 'vm' in head:
        return _bitbrains(head, rows)
    if head == ['timestamp', 'value']:
        values = [_number(row[1]) for row in _whole(rows, 2)]
        return [_trace(values, 1.0)]
    if len(head) > _LEAST and head[1].isdigit():
        named = (row for row in (head, *rows) if row)
        return [
            _trace([_number(word) for word in row[1:]], 100.0) for row in named
        ]
    return None


def _bitbrains(
    head: list[str], rows: Iterator[list[str]]
) -> list[demand.Trace]:
    machine, used = head.index('vm'), head.index('cpu_pct')
    values: dict[str, list[float]] = {}
    for row in _whole(rows, len(head)):
        values.setdefault(row[machine], []).append(_number(row[used]))
    return [_trace(one, 100.0) for one in values.values()]


def _whole(rows: Iterator[list[str]], columns: int) -> Iterator[list[str]]:
    """Return rows but for empty ones; each must have all columns."""
    for row in rows:
        if row and len(row) != columns:
            raise ValueError(f'{len(row)} columns instead of {columns}')
        if row:
            yield row


def _number(word: str) -> float:
    """Return what was used; NaN was not measured."""
    value = float(word)
    if value < 0 or math.isinf(value):
        raise ValueError(f'{word!r} is nothing that a machine can use')
    return value


def _trace(values: list[float], whole: float) -> demand.Trace:
    return demand.Trace(numpy.array(values) / whole, _EVERY_S)


def _measured(trace: demand.Trace) -> int:
    return int(numpy.isfinite(trace.values).sum())
