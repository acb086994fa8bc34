# SPDX-License-Identifier: Apache-2.0
"""Batch: records that are written together, or all but those that cannot."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from kvm_insight import exception
from kvm_insight.store.write import book, offsets, told

LOG = logging.getLogger(__name__)

_Said = told.Told[Any]
#: Takes what cannot be written, and why.
Refuse = Callable[[_Said, str], None]


def put(
    into: book.Book,
    held: offsets.Claim,
    write: book.Write,
    said: Sequence[_Said],
    end: int,
    refuse: Refuse,
) -> offsets.Claim:
    """Return the claim moved to the end, with all written or refused.

    What a database refuses is looked for by halves. Raises StoreLost and
    StoreUnavailable.
    """
    why = _trouble(into, held, write, said, end)
    if isinstance(why, offsets.Claim):
        return why
    if not said:
        raise exception.StoreUnavailable(why)
    if len(said) == 1:
        refuse(said[0], why)
        return put(into, held, write, [], end, refuse)
    half = len(said) // 2
    middle = said[half].offset
    held = put(into, held, write, said[:half], middle, refuse)
    return put(into, held, write, said[half:], end, refuse)


def _trouble(
    into: book.Book,
    held: offsets.Claim,
    write: book.Write,
    said: Sequence[_Said],
    end: int,
) -> offsets.Claim | str:
    """Return the claim, or why these cannot be written."""
    try:
        return into.write(held, end, write, said)
    except exception.StoreRefused as why:
        return str(why)
    except exception.KvmInsightError:
        raise
    except Exception as why:
        # A record that nobody thought of must not stop all others.
        LOG.exception(
            '%s/%d before offset %d', held.topic, held.partition, end
        )
        return f'{type(why).__name__}: {why}'
