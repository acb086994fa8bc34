# SPDX-License-Identifier: Apache-2.0
"""What a report adds up, as the database adds it up.

Hours and days are asked the same.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import finding, usage
from kvm_insight.report import value

VERDICTS: tuple[finding.Verdict, ...] = (
    'antagonist',
    'self_inflicted',
    'overcommit',
    'host_process',
    'unknown',
)
_COUNTED = ('measured', 'run', 'delay', 'throttled', 'caused')
#: What a report calls a cause, and how its column is called.
_CAUSES = (
    ('neighbours', 'neighbour'),
    ('own_threads', 'own'),
    ('quota', 'quota'),
    ('host', 'host'),
    ('unattributed', 'unattributed'),
    ('own_project', 'own_project'),
)
_NAMES = [name for name, _ in _CAUSES]
#: Each part of the delay once, without what is in nobody's account.
_NAMED = ('neighbours', 'own_threads', 'quota', 'host')
_PEAKS = {'peak_requests_s', 'peak_bytes_s', 'peak_rss_bytes'}
#: No sums: the newest is told.
_LAST = {'rss_bytes', 'usable_bytes', 'dirty_rate_bytes_s'}
_DEVICES: dict[str, type[Any]] = {
    'disk': usage.Disk,
    'network': usage.Network,
    'memory': usage.Memory,
}
Row = Mapping[str, Any] | sa.RowMapping


def wanted(rows: sa.Table) -> sa.ColumnElement[int]:
    """Return what ran without polling, and the delay."""
    return rows.c.run_us - rows.c.polled_us + rows.c.delay_us


@functools.cache
def sums(rows: sa.Table) -> list[sa.Label[Any]]:
    """Return the columns that ``sums_of`` reads."""
    c = rows.c
    whole: dict[str, sa.ColumnElement[Any]] = {
        f'{name}_us': c[f'{name}_us'] for name in _COUNTED
    }
    whole['wanted_us'] = wanted(rows)
    whole |= {f'lost_{name}_us': c[f'lost_{name}_us'] for name in VERDICTS}
    whole |= {name: c[f'waited_{column}_us'] for name, column in _CAUSES}
    # Whose they were is not known of rows from before that was kept.
    whole['unknown'] = sa.case(
        (c.waited_own_project_us.is_(None), c.waited_neighbour_us), else_=0
    )
    return [sa.func.sum(what).label(name) for name, what in whole.items()]


def sums_of(row: Row) -> value.Sums:
    """Return what the database added up; what the ledger charged nobody
    with is in nobody's account."""
    told = {name: int(row[name] or 0) for name in (*_NAMES, 'unknown')}
    named = sum(told[name] for name in _NAMED)
    own, unknown = told['own_project'], told['unknown']
    delay_us = int(row['delay_us'] or 0)
    return value.Sums(
        **{
            f'{name}_us': int(row[f'{name}_us'] or 0)
            for name in (*_COUNTED, 'wanted')
        },
        waited=value.Waited(
            other_projects=told['neighbours'] - own - unknown,
            own_project=own,
            neighbours=unknown,
            **{name: told[name] for name in _NAMED if name != 'neighbours'},
            unattributed=max(told['unattributed'], delay_us - named),
        ),
        lost_us={
            name: int(lost)
            for name in VERDICTS
            if (lost := row[f'lost_{name}_us'])
        },
    )


@functools.cache
def devices(rows: sa.Table) -> list[sa.Label[Any]]:
    """Return the columns that ``device_of`` reads."""
    return [
        (sa.func.max if name in _PEAKS else sa.func.sum)(
            rows.c[f'{device}_{name}']
        ).label(f'{device}_{name}')
        for device, kind in _DEVICES.items()
        for name in kind.__struct_fields__
        if name not in _LAST
    ]


def device_of(device: str, parts: Sequence[Row]) -> Any:
    """Return what was added up of one device by hours and by days; None
    where it never was measured."""
    kind = _DEVICES[device]
    told: dict[str, int] = {}
    for name in kind.__struct_fields__:
        column = f'{device}_{name}'
        known = [int(us) for row in parts if (us := row.get(column))]
        if known:
            told[name] = max(known) if name in _PEAKS else sum(known)
    return kind(**told) if told.get('measured_us') else None
