# SPDX-License-Identifier: Apache-2.0
"""Timelines: hours and days."""

from typing import Any

import msgspec

from kvm_insight.api import asking, moment, problem, sight
from kvm_insight.api.resource import timeline
from kvm_insight.store import hosts, hours, instances, paging

Asked = asking.Ask[timeline.TimelineQuery, None]

#: How much may be asked for at once.
_LONGEST_US = {'hour': 93 * moment.DAY_US, 'day': 1100 * moment.DAY_US}
_VERDICTS = (
    'antagonist',
    'self_inflicted',
    'overcommit',
    'host_process',
    'unknown',
)
_WAITED = ('neighbour', 'own', 'quota', 'host', 'unattributed')


def of_host(ask: Asked) -> timeline.HostTimeline:
    """Return the hours or days of a host."""
    name = ask.path['name']
    number = hosts.number(ask.store, name)
    if number is None:
        raise problem.unknown()
    since_us, until_us = _period(ask)
    step = ask.query.step
    found = hours.of_host(ask.store, number, step, since_us, until_us)
    return timeline.HostTimeline(
        host=name,
        step=step,
        since_us=since_us,
        until_us=until_us,
        hours=[
            msgspec.convert(
                {
                    **row,
                    'coverage': _coverage(row, step),
                    'lost': _lost(row),
                    'pressure': row['pressure'] or {},
                },
                timeline.HostHour,
            )
            for row in found
        ],
    )


def of_instance(ask: Asked) -> timeline.InstanceTimeline:
    """Return the hours or days of an instance."""
    uuid = ask.path['uuid']
    if instances.one(ask.store, ask.scope, uuid) is None:
        raise problem.unknown()
    since_us, until_us = _period(ask)
    step = ask.query.step
    found = hours.of_instance(
        ask.store, ask.scope, uuid, step, since_us, until_us
    )
    return timeline.InstanceTimeline(
        uuid=uuid,
        step=step,
        since_us=since_us,
        until_us=until_us,
        hours=[_hour(ask, row) for row in found],
    )


def _hour(ask: Asked, row: paging.Row) -> timeline.InstanceHour:
    host = row.get('host')
    fields: dict[str, Any] = {
        **row,
        'host_id': sight.host_id(host, row['project_id']),
        'coverage': _coverage(row, ask.query.step),
        'waited': {f'{name}_us': row[f'waited_{name}_us'] for name in _WAITED},
        'lost': _lost(row),
        **{
            name: _device(row, f'{name}_')
            for name in ('disk', 'network', 'memory')
        },
    }
    if not ask.is_operator:
        fields.pop('host', None)
    return msgspec.convert(fields, timeline.InstanceHour)


def _period(ask: Asked) -> tuple[int, int]:
    query = ask.query
    longest_us = _LONGEST_US[query.step]
    return moment.period(query.since, query.until, ask.now_us, longest_us)


def _coverage(row: paging.Row, step: hours.Step) -> float:
    measured_us: int = row['measured_us']
    return min(1.0, measured_us / hours.step_us(step))


def _lost(row: paging.Row) -> dict[str, int]:
    return {f'{name}_us': row[f'lost_{name}_us'] for name in _VERDICTS}


def _device(row: paging.Row, begin: str) -> dict[str, int | None] | None:
    if row[f'{begin}measured_us'] is None:
        return None
    return {
        name.removeprefix(begin): value
        for name, value in row.items()
        # What the instance was given is told beside it.
        if name.startswith(begin) and name != 'memory_bytes'
    }
