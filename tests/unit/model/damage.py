# SPDX-License-Identifier: Apache-2.0
"""Golden records, damaged: bits, bytes, numbers, keys, nesting, cuts."""

import json
import random
from collections.abc import Callable
from typing import Any

NUMBERS: tuple[Any, ...] = (
    -1,
    2**53,
    2**63,
    2**64,
    10**400,
    1e308,
    0.5,
    -0.0,
    True,
    None,
)
WORDS: tuple[Any, ...] = (
    '',
    '\x00',
    '\ud800',
    'x' * 5000,
    '../../etc',
    'NaN',
    [],
    {},
    [[]],
)
GARBAGE = (b'"', b'}', b'\xff', b'\x00', b'1e999', b'NaN', b'[' * 9, b'\n')


def mutated(value: bytes, chance: random.Random) -> bytes:
    """Return the record with one to three kinds of damage."""
    for _ in range(chance.randint(1, 3)):
        value = chance.choice(KINDS)(value, chance)
    return value


def _flipped(value: bytes, chance: random.Random) -> bytes:
    if not value:
        return value
    at = chance.randrange(len(value))
    return (
        value[:at]
        + bytes([value[at] ^ 1 << chance.randrange(8)])
        + value[at + 1 :]
    )


def _cut(value: bytes, chance: random.Random) -> bytes:
    return value[: chance.randrange(len(value) + 1)]


def _doubled(value: bytes, chance: random.Random) -> bytes:
    low, high = sorted(chance.randrange(len(value) + 1) for _ in range(2))
    return value[:high] + value[low:high] + value[high:]


def _lost(value: bytes, chance: random.Random) -> bytes:
    low, high = sorted(chance.randrange(len(value) + 1) for _ in range(2))
    return value[:low] + value[high:]


def _stuffed(value: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(value) + 1)
    return value[:at] + chance.choice(GARBAGE) + value[at:]


def _replaced(value: bytes, chance: random.Random) -> bytes:
    """Put another value in some place of the record's tree."""
    try:
        tree = json.loads(value)
    except (ValueError, RecursionError):
        return value
    holder, key = _place(tree, chance)
    if holder is None:
        return value
    new = chance.choice([*NUMBERS, *WORDS])
    if chance.random() < 0.2:
        del holder[key]
    elif chance.random() < 0.1 and isinstance(holder, dict):
        holder[str(new)] = holder.pop(key)
    else:
        holder[key] = new
    return json.dumps(tree, separators=(',', ':')).encode()


def _place(tree: Any, chance: random.Random) -> tuple[Any, Any]:
    holder: Any = None
    key: Any = None
    while isinstance(tree, (dict, list)) and tree:
        if holder is not None and chance.random() < 0.15:
            break
        holder = tree
        key = (
            chance.choice(list(tree))
            if isinstance(tree, dict)
            else chance.randrange(len(tree))
        )
        tree = tree[key]
    return holder, key


KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped,
    _cut,
    _doubled,
    _lost,
    _stuffed,
    _replaced,
    _replaced,
    _replaced,
)
