# SPDX-License-Identifier: Apache-2.0
"""The small language of demands on aggregate metadata.

As Nova's ``extra_specs_ops`` reads it: ``>= 3``, ``s== blue``, ``<in> a``,
``<all-in> a b``, ``<or> a <or> b``, or a plain value.
"""

import operator
from collections.abc import Callable

_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    '=': operator.ge,
    '==': operator.eq,
    '!=': operator.ne,
    '>=': operator.ge,
    '<=': operator.le,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    's==': operator.eq,
    's!=': operator.ne,
    's<': operator.lt,
    's<=': operator.le,
    's>': operator.gt,
    's>=': operator.ge,
    '<in>': lambda value, word: word in value,
}


def matches(value: str, demand: str) -> bool:
    """Say whether a value meets a demand."""
    words = demand.split()
    name = words[0] if words else ''
    if name == '<or>':
        return value in words[1::2]
    if name == '<all-in>':
        return len(words) > 1 and all(word in value for word in words[1:])
    if name in _STRINGS:
        return len(words) > 1 and _STRINGS[name](value, words[1])
    if name in _NUMBERS:
        return len(words) > 1 and _compare(name, value, words[1])
    return value == demand


def _compare(name: str, value: str, word: str) -> bool:
    """Compare as numbers; what is no number does not meet the demand."""
    try:
        return _NUMBERS[name](float(value), float(word))
    except ValueError:
        return False
