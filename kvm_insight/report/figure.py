# SPDX-License-Identifier: Apache-2.0
"""Figures as people read them; what was not measured is a dash."""

import datetime

from kvm_insight.report import period

NONE = '–'  # noqa: RUF001
_CAUSES = {
    'other_projects': 'other projects',
    'own_project': 'your other instances',
    'neighbours': 'other instances',
    'own_threads': 'its own vCPUs',
    'quota': 'its CPU limit',
    'host': 'the host',
    'unattributed': 'not told',
}
_VERDICTS = {
    'antagonist': 'noisy neighbour',
    'self_inflicted': 'of its own making',
    'overcommit': 'overcommitted host',
    'host_process': 'busy host',
    'unknown': 'cause not known',
}
_STEPS = (
    (86_400, 'd', 3_600, 'h'),
    (3_600, 'h', 60, 'min'),
    (60, 'min', 1, 's'),
)
_SIZES = ('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')


def hours(core_s: float) -> str:
    """Return core-seconds as core-hours."""
    return number(core_s / 3600)


def number(value: float | None) -> str:
    """Return three or more digits of a number that is not negative."""
    if value is None:
        return NONE
    if value >= 100 or value == 0:
        return f'{value:,.0f}'
    if value >= 10:
        return f'{value:.1f}'
    return f'{value:.2f}' if value >= 0.005 else '< 0.01'


def share(ratio: float | None) -> str:
    """Return a part in percent, never 100 % or 0 % of what is not whole."""
    if ratio is None:
        return NONE
    if 0 < ratio < 0.001:
        return '< 0.1 %'
    if 0.999 <= ratio < 1:
        return '99.9 %'
    return f'{ratio * 100:.1f} %' if ratio < 1 else '100 %'


def size(count: int | None) -> str:
    """Return bytes in the largest unit of which there is one."""
    if count is None:
        return NONE
    value = float(count)
    for unit in _SIZES:
        if value < 1024 or unit == _SIZES[-1]:
            break
        value /= 1024
    return f'{value:.0f} {unit}' if unit == 'B' else f'{value:.1f} {unit}'


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    whole = round(seconds)
    for large, name, small, rest in _STEPS:
        if whole >= large:
            first, second = divmod(whole, large)
            tail = f' {second // small} {rest}' if second // small else ''
            return f'{first} {name}{tail}'
    return f'{seconds:.0f} s'


def time(time_us: int | None, zone: datetime.tzinfo) -> str:
    """Return a moment there, to the minute."""
    if time_us is None:
        return NONE
    return f'{period.local(time_us, zone):%Y-%m-%d %H:%M}'


def day(time_us: int, zone: datetime.tzinfo) -> str:
    """Return a day there."""
    return f'{period.local(time_us, zone):%Y-%m-%d}'


def cause(name: str) -> str:
    """Return for whom it was waited, in words."""
    return _CAUSES.get(name, name)


def verdict(name: str) -> str:
    """Return what a finding says, in words."""
    return _VERDICTS.get(name, name)
