# SPDX-License-Identifier: Apache-2.0
"""Host: who waited for whom on it, since when, and how it is now."""

import operator
from collections.abc import Callable
from typing import Any

from kvm_insight.api import moment
from kvm_insight.api.dashboard import heat, matrix, page, plot, reading
from kvm_insight.api.resource import timeline

_DAYS = ('1', '3', '7', '30')
#: So many days are shown hour by hour.
_FINE = 7


def show(reader: reading.Reader) -> page.Page:
    """Return the page of one host."""
    name = reader.path['name']
    one = reader.get('/v1/hosts/{name+}')
    days, since, hours = period(reader, '/v1/hosts/{name+}/hours')
    ledger = reader.get('/v1/hosts/{name+}/ledger', since=since)
    found = reader.get('/v1/findings', host=name, limit=20)
    there = reader.get(
        '/v1/instances',
        host=name,
        gone=False,
        sort_key='waited_cores',
        sort_dir='desc',
        limit=200,
    )
    values = {
        'one': one,
        'cell': heat.cell(one, 'waited'),
        'days': days,
        'choices': _DAYS,
        'ledger': ledger,
        'matrix': matrix.of(ledger),
        'now': matrix.of(one.ledger) if one.ledger else None,
        'waited_us': sum(each.delay_us or 0 for each in hours.hours),
        'plots': _plots(hours),
        'findings': found.findings,
        'has_more_findings': bool(found.links),
        'instances': there.instances,
        'has_more_instances': bool(there.links),
    }
    return page.Page('host.html', values)


def period(
    reader: reading.Reader, address: str
) -> tuple[str, str | None, Any]:
    """Return how many days are shown, since when, and their hours; of many
    days the days themselves."""
    days = reader.arguments.get('days', '1')
    if days not in _DAYS[1:]:
        return '1', None, reader.get(address)
    since = str(max(0, reader.now_us() - int(days) * moment.DAY_US))
    step = 'day' if int(days) > _FINE else 'hour'
    return days, since, reader.get(address, since=since, step=step)


def _plots(hours: timeline.HostTimeline) -> list[plot.Plot]:
    return [
        plot.made(
            'use',
            'CPU time run and waited',
            'cores',
            'lines',
            (
                plot.Series('run', 'run', plot.cores(lambda one: one.run_us)),
                plot.Series(
                    'waited', 'wait', plot.cores(lambda one: one.delay_us)
                ),
                plot.Series(
                    "the host's own",
                    'host',
                    plot.cores(lambda one: one.own_run_us),
                ),
            ),
            hours,
        ),
        lost(hours),
        plot.made(
            'pressure',
            'Pressure stall (PSI): part of the time that somebody stood still',
            '%',
            'lines',
            tuple(
                plot.Series(
                    label,
                    tone,
                    plot.percent(_pressure(name)),
                )
                for label, tone, name in (
                    ('CPU, some', 'run', 'cpu_some_us'),
                    ('memory, some', 'wait', 'memory_some_us'),
                    ('memory, all', 'quota', 'memory_full_us'),
                    ('I/O, some', 'host', 'io_some_us'),
                    ('I/O, all', 'other', 'io_full_us'),
                )
            ),
            hours,
        ),
    ]


def _pressure(name: str) -> Callable[[Any], int | None]:
    def read(hour: timeline.HostHour) -> int | None:
        return hour.pressure.get(name)

    return read


def lost(
    hours: timeline.HostTimeline | timeline.InstanceTimeline,
) -> plot.Plot:
    """Return what was lost while findings were open, by their verdicts."""
    return plot.made(
        'lost',
        'Lost while findings were open, by verdict',
        'cores',
        'stack',
        tuple(
            plot.Series(
                label,
                tone,
                plot.cores(operator.attrgetter(f'lost.{name}')),
            )
            for label, tone, name in (
                ('noisy neighbour', 'neighbour', 'antagonist_us'),
                ('self-inflicted', 'own', 'self_inflicted_us'),
                ('overcommitted host', 'quota', 'overcommit_us'),
                ('busy host', 'host', 'host_process_us'),
                ('cause unknown', 'other', 'unknown_us'),
            )
        ),
        hours,
    )
