# SPDX-License-Identifier: Apache-2.0
"""Moment: a time as people and programs write it, in µs since 1970."""

import datetime

from kvm_insight.api import problem

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
LIMIT = 2**53 - 1


def us(text: str, name: str) -> int:
    """Return the time; raise Problem that names the parameter."""
    try:
        is_us = text.isascii() and text.isdecimal()
        found = int(text) if is_us else _parsed(text)
    except (ValueError, OverflowError):
        found = -1
    if not 0 <= found <= LIMIT:
        raise problem.bad_query(f'{name}: there is no such time.')
    return found


def _parsed(text: str) -> int:
    when = datetime.datetime.fromisoformat(text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    since = when - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return since // datetime.timedelta(microseconds=1)


def optional(text: str | None, name: str) -> int | None:
    """Return the time, if there is one."""
    return None if text is None else us(text, name)


def period(
    since: str | None, until: str | None, now_us: int, longest_us: int
) -> tuple[int, int]:
    """Return from when to when; the last day where nothing is said."""
    until_us = now_us if until is None else us(until, 'until')
    since_us = us(since, 'since') if since is not None else None
    if since_us is None:
        since_us = max(0, until_us - DAY_US)
    if since_us >= until_us:
        raise problem.bad_query('since: must be before until.')
    if until_us - since_us > longest_us:
        raise problem.bad_query(
            f'since: at most {longest_us // DAY_US} days before until.'
        )
    return since_us, until_us
