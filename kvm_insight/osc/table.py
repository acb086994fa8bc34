# SPDX-License-Identifier: Apache-2.0
"""Tables: which fields of the API's rows become which columns."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from kvm_insight.osc import column

Table = tuple[Sequence[str], Sequence[Sequence[Any]]]
Fields = tuple[Sequence[str], Sequence[Any]]
Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field: its header, its key, and how it is said."""

    header: str
    key: str
    words: column.Words = column.text
    #: Shown with ``--long`` alone.
    long: bool = False
    #: Whose answers have it; tenants are shown no hosts.
    shown_to: Literal['all', 'operators', 'tenants'] = 'all'

    def of(self, row: Row) -> Any:
        """Return it of a row; moments are the same for all."""
        value = row.get(self.key)
        if self.key.endswith('_us') and self.words is column.text:
            return column.Column(column.moment(value), column.text)
        return column.Column(value, self.words)


def made(
    fields: Sequence[Field], rows: Sequence[Row], *, long: bool = False
) -> Table:
    """Return headers and rows."""
    is_operators = any('host' in row for row in rows) or not rows
    hidden = 'tenants' if is_operators else 'operators'
    shown = [
        one
        for one in fields
        if (long or not one.long) and one.shown_to != hidden
    ]
    return (
        [one.header for one in shown],
        [[one.of(row) for one in shown] for row in rows],
    )


def one(row: Row, words: Mapping[str, column.Words]) -> Fields:
    """Return all that is told of one thing, each by its key; what becomes a
    moment is called ``_at``."""
    headers, values = [], []
    for key, value in row.items():
        if key.endswith('_us') and key not in words:
            headers.append(f'{key.removesuffix("_us")}_at')
            values.append(column.Column(column.moment(value), column.text))
        else:
            headers.append(key)
            values.append(column.Column(value, words.get(key, _plain(value))))
    return headers, values


def _plain(value: Any) -> column.Words:
    """Return how something is said of which no more is known."""
    if isinstance(value, bool):
        return column.yes
    if isinstance(value, list):
        return column.names
    if isinstance(value, Mapping):
        return _pairs
    return column.text


def _pairs(value: Mapping[str, Any]) -> str:
    return '\n'.join(
        f'{key}: {column.text(told)}'
        for key, told in value.items()
        if key != 'schema'
    )
