# SPDX-License-Identifier: Apache-2.0
"""Foreign text and numbers, cut to what a sample may carry."""

from kvm_insight.model import sample

_LONGEST = 1024


def clean(text: str | None) -> str | None:
    """Return the text without its margins, at most 1024 characters."""
    stripped = (text or '').strip()[:_LONGEST]
    return stripped or None


def count(text: str | None, unit: int = 1) -> int | None:
    """Return a number of units; None for no number, or an absurd one."""
    stripped = (text or '').strip()
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) < 17):
        return None
    number = int(stripped) * unit
    return number if number <= sample.LIMIT else None
