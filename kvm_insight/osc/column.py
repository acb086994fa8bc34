# SPDX-License-Identifier: Apache-2.0
"""Columns: words for people, and the API's own numbers for programs.

Cores are cores, ratios 0 to 1, sizes bytes, times of waiting core-µs. Only
moments are the same for both: ISO 8601, in UTC. ``-`` is *not measured*.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cliff import columns

Words = Callable[[Any], str]

#: Why there is nothing yet of those who look within the first hour.
NO_HOUR = (
    'Nothing was measured in this time: an hour is written when it is over'
)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_SIZES = ('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')


class Column(columns.FormattableColumn):  # type: ignore[type-arg]
    """One value, and how it is said."""

    def __init__(self, value: Any, words: Words) -> None:
        """Say this value so."""
        super().__init__(value)
        self._words = words

    def __lt__(self, other: object) -> bool:
        """Sort what was not measured behind all that was."""
        if not isinstance(other, Column):
            return NotImplemented
        if self._value is None or other._value is None:
            return other._value is None and self._value is not None
        return bool(self._value < other._value)

    __hash__ = None  # type: ignore[assignment]

    def human_readable(self) -> str:
        """Return the words."""
        return '-' if self._value is None else self._words(self._value)


def text(value: object) -> str:
    """Return it as it is, but for what would drive a terminal: names are
    what their owners chose."""
    return ''.join(
        letter if letter.isprintable() or letter == '\n' else '\ufffd'
        for letter in str(value)
    )


def moment(value: int | None) -> str | None:
    """Return µs since 1970 as ISO 8601."""
    if value is None:
        return None
    try:
        when = _EPOCH + datetime.timedelta(microseconds=value)
    except OverflowError:
        return str(value)
    return when.isoformat(timespec='seconds').replace('+00:00', 'Z')


def cores(value: float) -> str:
    """Return cores with as many digits as mean something."""
    return f'{value:.2f}'


def share(value: float) -> str:
    """Return a part of one as percent; what there is is not nothing."""
    if 0 < value < 0.0005:
        return '<0.1 %'
    return f'{100 * value:.1f} %'


def size(value: float) -> str:
    """Return bytes in a unit in which they are short."""
    amount, place = float(value), 0
    while abs(amount) >= 1024 and place < len(_SIZES) - 1:
        amount, place = amount / 1024, place + 1
    digits = 0 if place == 0 or amount == int(amount) else 1
    return f'{amount:.{digits}f} {_SIZES[place]}'


def core_us(value: float) -> str:
    """Return core-µs in core-seconds, or core-hours."""
    return core_s(value / 1e6)


def core_s(value: float) -> str:
    """Return core-seconds, or core-hours."""
    if abs(value) >= 3600:
        return f'{value / 3600:.1f} core-h'
    digits = 1 if abs(value) >= 1 else 3
    return f'{value:.{digits}f} core-s'


def span(value: float) -> str:
    """Return seconds as days, hours, minutes, seconds: the two largest."""
    parts, rest = [], round(value)
    for name, length in (('d', 86400), ('h', 3600), ('min', 60), ('s', 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f'{count} {name}')
    return ' '.join(parts[:2]) or '0 s'


def yes(value: bool) -> str:
    """Return a truth."""
    return 'yes' if value else 'no'


def names(value: Sequence[object]) -> str:
    """Return some on one line."""
    return ', '.join(map(text, value))


def lines(words: Words) -> Words:
    """Return what says a list, one a line."""

    def said(value: Sequence[Any]) -> str:
        return '\n'.join(map(words, value))

    return said


def party(value: Mapping[str, Any]) -> str:
    """Return who waited or ran, by the best name there is."""
    name = value.get('name') or value.get('uuid') or value.get('entity')
    kind = str(value.get('kind', ''))
    if kind == 'instance':
        return text(name or kind)
    return text(f'{kind} {name}' if name and name != kind else kind)
