# SPDX-License-Identifier: Apache-2.0
"""Period: a month in somebody's time zone, or from then until then."""

import dataclasses
import datetime
import re
from collections.abc import Iterator

from kvm_insight.model import tenant_report, usage

_MONTH = re.compile(r'(\d{4})-(0[1-9]|1[0-2])')
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_US = datetime.timedelta(microseconds=1)
DAY_US = 24 * usage.HOUR_US
#: Up to so long a period is told by its hours.
_BY_HOURS_US = 3 * DAY_US


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """From one moment up to another, which is not in it."""

    since_us: int
    until_us: int
    zone: datetime.tzinfo
    zone_name: str
    month: str | None = None

    def record(self) -> tenant_report.Period:
        """Return it as reports have it."""
        return tenant_report.Period(
            since_us=self.since_us,
            until_us=self.until_us,
            timezone=self.zone_name,
            month=self.month,
        )


def month(text: str, zone: datetime.tzinfo, zone_name: str) -> Period:
    """Return a whole month, ``2026-11``; ValueError says what is wrong."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1970 < int(found[1]) < 2200:
        raise ValueError(f'{text!r} is no month: write it as 2026-11')
    year, number = int(found[1]), int(found[2])
    begin = datetime.datetime(year, number, 1, tzinfo=zone)
    turn, rest = divmod(number, 12)
    end = datetime.datetime(year + turn, rest + 1, 1, tzinfo=zone)
    return Period(of_moment(begin), of_moment(end), zone, zone_name, text)


def between(
    since: str, until: str, zone: datetime.tzinfo, zone_name: str
) -> Period:
    """Return what lies between two moments; ValueError for none at all."""
    first, last = moment(since, zone), moment(until, zone)
    if last <= first:
        raise ValueError(f'{until!r} is not after {since!r}')
    return Period(first, last, zone, zone_name)


def moment(text: str, zone: datetime.tzinfo) -> int:
    """Return a date or time of ISO 8601 as µs; without an offset it is of
    this zone, a date is its first moment."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f'{text!r} is no time: write 2026-11-01 or 2026-11-01T08:00'
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    if not 1970 < found.year < 2200:
        raise ValueError(f'{text!r} is not in this age')
    return of_moment(found)


def of_moment(one: datetime.datetime) -> int:
    """Return µs since 1970."""
    return (one - _EPOCH) // _US


def local(time_us: int, zone: datetime.tzinfo) -> datetime.datetime:
    """Return what people there call this moment."""
    return (_EPOCH + datetime.timedelta(microseconds=time_us)).astimezone(zone)


def steps(since_us: int, until_us: int, zone: datetime.tzinfo) -> list[int]:
    """Return the edges of a period's days, or of the hours of a short one:
    one more than there are steps."""
    if until_us - since_us <= _BY_HOURS_US:
        first = -(-since_us // usage.HOUR_US) * usage.HOUR_US
        edges = list(range(first, until_us, usage.HOUR_US))
    else:
        edges = list(_midnights(since_us, until_us, zone))
    return sorted({since_us, *edges, until_us})


def _midnights(
    since_us: int, until_us: int, zone: datetime.tzinfo
) -> Iterator[int]:
    day = local(since_us, zone).date()
    while True:
        day += datetime.timedelta(days=1)
        midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=zone)
        edge = of_moment(midnight)
        if edge >= until_us:
            return
        # Where a day is left out (a zone that changes sides), none begins.
        if edge > since_us:
            yield edge


def months(first_us: int, last_us: int, zone: datetime.tzinfo) -> list[str]:
    """Return the months from one moment to another, the first one first."""
    begin, end = local(first_us, zone), local(last_us, zone)
    count = (end.year - begin.year) * 12 + end.month - begin.month
    turns = (divmod(begin.month - 1 + n, 12) for n in range(count + 1))
    return [f'{begin.year + turn:04}-{rest + 1:02}' for turn, rest in turns]
