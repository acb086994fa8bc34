# SPDX-License-Identifier: Apache-2.0
"""Figures as people read them; what was not measured is a dash."""

import datetime
import re
from typing import Any

import markupsafe
import msgspec

NONE = '–'  # noqa: RUF001
#: Controls, and marks of the writing direction.
_UNSEEN = re.compile(
    '[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e'
    '\u2060-\u206f\ufeff]'
)
_WORDS = {
    'antagonist': 'noisy neighbour',
    'self_inflicted': 'self-inflicted',
    'overcommit': 'overcommitted host',
    'host_process': 'busy host',
    'unknown': 'cause unknown',
}
_SIZES = ('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')
_STEPS = (('d', 86_400), ('h', 3_600), ('min', 60), ('s', 1))


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with as many digits as say something."""
    if _none(value):
        return NONE
    assert value is not None
    if value == 0:
        return '0'
    if abs(value) >= 100:
        return f'{value:,.0f}'
    if 0 < abs(value) < 0.5 * 10**-digits:
        return f'< {10**-digits:g}'
    return f'{value:.{1 if abs(value) >= 10 else digits}f}'


def percent(ratio: float | None) -> str:
    """Return a part in percent; what is not whole is never 0 or 100 %."""
    if _none(ratio):
        return NONE
    assert ratio is not None
    if 0 < ratio < 0.001:
        return '< 0.1 %'
    if 0.999 <= ratio < 1:
        return '99.9 %'
    return f'{ratio * 100:.{0 if ratio >= 1 or ratio == 0 else 1}f} %'


def size(count: int | None) -> str:
    """Return bytes in the largest unit of which there is one."""
    if _none(count):
        return NONE
    assert count is not None
    value, place = float(count), 0
    while value >= 1024 and place < len(_SIZES) - 1:
        value, place = value / 1024, place + 1
    return f'{value:.{0 if place == 0 else 1}f} {_SIZES[place]}'


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units."""
    if _none(seconds):
        return NONE
    assert seconds is not None
    rest = round(seconds)
    words: list[str] = []
    for name, long in _STEPS:
        if rest >= long and len(words) < 2:
            words.append(f'{rest // long} {name}')
            rest %= long
        elif words:
            break
    return ' '.join(words) or f'{number(seconds)} s'


def span(us: int | None) -> str:
    """Return µs as a length of time, or as seconds where they are few."""
    return NONE if _none(us) else duration((us or 0) / 1_000_000)


def core_s(us: int | None) -> str:
    """Return core-µs as core-seconds."""
    return NONE if _none(us) else number((us or 0) / 1_000_000, 1)


def iso(us: int) -> str:
    """Return a time as programs read it."""
    return f'{_utc(us):%Y-%m-%dT%H:%M:%SZ}'


def moment(us: int) -> str:
    """Return a time as people read it, in UTC."""
    return f'{_utc(us):%Y-%m-%d %H:%M:%S}'


def hour(us: int) -> str:
    """Return the begin of an hour."""
    return f'{_utc(us):%Y-%m-%d %H:%M}'


def words(text: str | None) -> str:
    """Return a word of the wire for people."""
    if not text:
        return NONE
    return _WORDS.get(text, text.replace('_', ' '))


def given(value: Any) -> Any:
    """Return a value; a dash where there is none."""
    return NONE if _none(value) or value == '' else value


def visible(value: Any) -> Any:
    """Return what is shown; characters that turn others around, or have no
    shape, are shown as such."""
    if isinstance(value, markupsafe.Markup) or not isinstance(value, str):
        return value
    return _UNSEEN.sub('\ufffd', value)


def _utc(us: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(us // 1_000_000, datetime.UTC)


def _none(value: Any) -> bool:
    return value is None or value is msgspec.UNSET


FILTERS = {
    'number': number,
    'percent': percent,
    'size': size,
    'duration': duration,
    'span': span,
    'core_s': core_s,
    'iso': iso,
    'moment': moment,
    'hour': hour,
    'words': words,
    'given': given,
}
