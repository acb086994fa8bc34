# SPDX-License-Identifier: Apache-2.0
"""Sight: where an instance is now, and what is moving it."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """The newest live migration of an instance, under way or ended."""

    id: str
    state: Literal['running', 'done', 'failed']
    #: None where that is not known (yet).
    destination: str | None = None
    copied_ratio: float | None = None
    #: What the service itself calls its state.
    words: str = ''
    #: What an abort is asked with, where that is not the id.
    number: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """One look at an instance."""

    #: None where it is not there any more.
    host: str | None
    #: ``active`` and ``paused`` can be moved.
    state: str = 'active'
    #: What is being done with it.
    task: str | None = None
    migration: Migration | None = None


def copied(total: int | None, left: int | None) -> float | None:
    """Return which part of the memory is copied; None where that is not
    told."""
    if not total or left is None:
        return None
    return round(min(1.0, max(0.0, 1.0 - left / total)), 3)
