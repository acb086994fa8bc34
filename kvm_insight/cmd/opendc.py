# SPDX-License-Identifier: Apache-2.0
"""OpenDC's traces: what machines are, and fragments of what they did.

Two parquet files, told apart by their columns: machines (``meta`` or
``tasks``) with the MHz that each has in all, and fragments (``trace`` or
``fragments``) of any length with the MHz that were used. A fragment's
timestamp is its end; where there is none, one follows the other.
"""

import pathlib
from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight import exception
from kvm_insight.simulate import demand

Floats = npt.NDArray[numpy.float64]

#: The columns that tell what a file is.
MACHINES = ('id', 'cpu_capacity')
FRAGMENTS = ('id', 'duration', 'cpu_usage')
#: Of each: how long a step is at least and at most, in seconds.
_FINEST_S, _COARSEST_S = 1.0, 300.0
#: A machine that uses more of its capacity than so many times is none.
_MOST = 100.0


class Table:
    """One parquet file; ValueError for whatever is broken in it."""

    def __init__(self, path: pathlib.Path) -> None:
        """Open the file; raise ConfigError where pyarrow is missing."""
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as why:
            raise exception.ConfigError(
                f'--traces: {path} is read by pyarrow, which is missing;'
                " pip install 'kvm-insight[traces]'"
            ) from why
        self._broken = (pyarrow.ArrowException, OSError)
        try:
            self._file: Any = parquet.ParquetFile(
                path, page_checksum_verification=True
            )
            self._columns = frozenset(self._file.schema_arrow.names)
        except self._broken as why:
            raise ValueError(f'broken, or no parquet: {why}') from why

    def has(self, columns: tuple[str, ...]) -> bool:
        """Return whether all of these columns are there."""
        return self._columns.issuperset(columns)

    def names(self) -> tuple[list[str], npt.NDArray[numpy.int64]]:
        """Return all machines, and for each row which of them it is of."""
        try:
            # Numbers in newer traces, categories where pandas wrote them.
            column = self._read('id').cast('string')
            if column.null_count:
                raise ValueError('a row without an id')
            column = column.combine_chunks().dictionary_encode()
            rows = numpy.asarray(column.indices, numpy.int64)
            return column.dictionary.to_pylist(), rows
        except self._broken as why:
            raise ValueError(f'column id: {why}') from why

    def numbers(self, name: str) -> Floats:
        """Return a column; NaN where it has no value."""
        try:
            column = self._read(name)
            if name == 'timestamp':
                column = column.cast('timestamp[ms]', safe=False)
                column = column.cast('int64')
            return numpy.asarray(column.cast('float64'), numpy.float64)
        except self._broken as why:
            raise ValueError(f'column {name}: {why}') from why

    def _read(self, name: str) -> Any:
        column = self._file.read(columns=[name])[name]
        if len(column) != self._file.metadata.num_rows:
            raise ValueError(f'column {name} is shorter than the file says')
        return column


def capacities(table: Table) -> dict[str, float]:
    """Return each machine's MHz, those of all its cores."""
    names, rows = table.names()
    if len(names) != len(rows):
        raise ValueError('one machine is there twice')
    # Names come in the order of their rows where each is there once.
    return dict(
        zip(names, table.numbers('cpu_capacity').tolist(), strict=True)
    )


def fragments(table: Table, mhz: dict[str, float]) -> list[demand.Trace]:
    """Return a trace of each machine, in parts of its capacity.

    Not measured: what has no usage, or was when the machine had no cores.
    """
    names, rows = table.names()
    if unknown := [name for name in names if name not in mhz]:
        raise ValueError(
            f'machine {unknown[0]} has no capacity: a file beside this one'
            f' must have its {" and ".join(MACHINES)}'
        )
    lasts_s = table.numbers('duration') / 1000
    if not (lasts_s >= 0).all():
        raise ValueError('a duration that is missing or below 0')
    parts = _parts(table, numpy.array([mhz[name] for name in names])[rows])
    ends_s = _ends_s(table)
    order = numpy.argsort(rows, kind='stable')
    cuts = numpy.flatnonzero(numpy.diff(rows[order])) + 1
    every_s = _every_s(lasts_s)
    found = []
    for one in numpy.split(order, cuts) if len(rows) else ():
        ends = numpy.cumsum(lasts_s[one]) if ends_s is None else ends_s[one]
        try:
            made = demand.laid_out(ends, lasts_s[one], parts[one], every_s)
        except ValueError as why:
            raise ValueError(f'machine {names[rows[one[0]]]}: {why}') from why
        found.append(made)
    return found


def _parts(table: Table, mhz: Floats) -> Floats:
    used = table.numbers('cpu_usage')
    there = mhz > 0
    if table.has(('cpu_count',)):
        there &= table.numbers('cpu_count') > 0
    parts = numpy.full(len(used), numpy.nan)
    numpy.divide(used, mhz, out=parts, where=there)
    wrong = numpy.flatnonzero((used < 0) | (parts > _MOST))
    if len(wrong):
        row = wrong[0]
        raise ValueError(f'a use of {used[row]:g} MHz of {mhz[row]:g}')
    return parts


def _ends_s(table: Table) -> Floats | None:
    if not table.has(('timestamp',)):
        return None
    ends_s = table.numbers('timestamp') / 1000
    if not numpy.isfinite(ends_s).all():
        raise ValueError('a row without a timestamp')
    return ends_s


def _every_s(lasts_s: Floats) -> float:
    """Return the usual step: fragments of equal use were joined, so that it
    is among the short ones."""
    if not len(lasts_s):
        return _COARSEST_S
    usual_s = float(numpy.quantile(lasts_s, 0.1))
    return min(max(usual_s, _FINEST_S), _COARSEST_S)
