# SPDX-License-Identifier: Apache-2.0
"""Instances: how much they ran and waited, and for whom."""

import operator

from kvm_insight.api.dashboard import host, page, plot, reading
from kvm_insight.api.resource import timeline

_FILTERS = ('name', 'flavor', 'state', 'server_group', 'gone', 'marker')
_FOR_OPERATORS = ('project_id', 'host')
_WAITED = (
    ('neighbours', 'neighbour', 'neighbour_us'),
    ('its own vCPUs', 'own', 'own_us'),
    ('its CPU limit', 'quota', 'quota_us'),
    ('the host', 'host', 'host_us'),
    ('not told', 'other', 'unattributed_us'),
)


def index(reader: reading.Reader) -> page.Page:
    """Return a part of the instances, those that wait most first."""
    told = reader.arguments
    names = _FILTERS + (_FOR_OPERATORS if reader.is_operator else ())
    query = {name: told[name] for name in names if name in told}
    found = reader.get(
        '/v1/instances',
        **{'gone': 'false', **query},
        sort_key='waited_cores',
        sort_dir='desc',
        limit=100,
    )
    return page.Page(
        'instances.html',
        {
            'instances': found.instances,
            'next': page.more(reader, found.links),
            'filters': page.Told(told),
        },
    )


def show(reader: reading.Reader) -> page.Page:
    """Return the page of one instance."""
    uuid = reader.path['uuid']
    one = reader.get('/v1/instances/{uuid}')
    days, since, hours = host.period(reader, '/v1/instances/{uuid}/hours')
    found = reader.get('/v1/findings', instance=uuid, limit=20)
    neighbours = []
    if reader.is_operator and one.host and one.gone_us is None:
        there = reader.get(
            '/v1/instances',
            host=one.host,
            gone=False,
            sort_key='wanted_cores',
            sort_dir='desc',
            limit=50,
        )
        neighbours = [each for each in there.instances if each.uuid != uuid]
    values = {
        'one': one,
        'days': days,
        'choices': ('1', '3', '7', '30'),
        'ledger': reader.get('/v1/instances/{uuid}/ledger', since=since),
        'plots': _plots(hours),
        'findings': found.findings,
        'has_more_findings': bool(found.links),
        'neighbours': neighbours,
    }
    return page.Page('instance.html', values)


def _plots(hours: timeline.InstanceTimeline) -> list[plot.Plot]:
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
                    'made others wait',
                    'other',
                    plot.cores(lambda one: one.caused_us),
                ),
            ),
            hours,
        ),
        plot.made(
            'waited',
            'Waited, by whom for',
            'cores',
            'stack',
            tuple(
                plot.Series(
                    label,
                    tone,
                    plot.cores(operator.attrgetter(f'waited.{name}')),
                )
                for label, tone, name in _WAITED
            ),
            hours,
        ),
        host.lost(hours),
        plot.made(
            'wanted',
            'Cores wanted: half of the time, 95 % of it, and at most',
            'cores',
            'lines',
            (
                plot.Series(
                    'p50', 'run', plot.most(lambda one: one.p50_cores)
                ),
                plot.Series(
                    'p95', 'wait', plot.most(lambda one: one.p95_cores)
                ),
                plot.Series(
                    'most', 'other', plot.most(lambda one: one.max_cores)
                ),
                plot.Series('vCPUs', 'host', plot.most(lambda one: one.vcpus)),
            ),
            hours,
        ),
    ]
