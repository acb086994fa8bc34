# SPDX-License-Identifier: Apache-2.0
"""Cluster: where it hurts; for a project, how its own instances are."""

from collections import Counter
from typing import Any

from kvm_insight.api.dashboard import heat, page, reading
from kvm_insight.api.resource import host

#: More are not drawn: a filter is of more use then.
_MOST = 5000
_WORST = 8


def show(reader: reading.Reader) -> page.Page:
    """Return the first page of who asks."""
    if reader.may('/v1/hosts'):
        return _cluster(reader)
    return _own(reader)


def _cluster(reader: reading.Reader) -> page.Page:
    told = reader.arguments
    measure = 'lost' if told.get('measure') == 'lost' else 'waited'
    hosts = _hosts(
        reader,
        availability_zone=told.get('availability_zone'),
        aggregate=told.get('aggregate'),
    )
    word = told.get('q', '').casefold()
    seen = [one for one in hosts if word in one.name.casefold()]
    states = Counter(one.state for one in seen)
    there = [one for one in seen if one.state != 'gone']
    values = {
        'measure': measure,
        'groups': heat.groups(
            there,
            measure,
            told.get('group') == 'zone',
            told.get('order') == 'name',
        ),
        'steps': heat.STEPS,
        'states': states,
        'hosts': there,
        'is_cut': len(hosts) >= _MOST,
        'totals': _totals(there),
        'worst': _worst(there),
        'instances': reader.get(
            '/v1/instances',
            gone=False,
            sort_key='waited_cores',
            sort_dir='desc',
            limit=_WORST,
        ).instances,
        'findings': _worst_findings(reader),
        'proposed': len(
            reader.get('/v1/recommendations', state='proposed').recommendations
        ),
        'zones': reader.get('/v1/availability-zones').availability_zones,
        'aggregates': reader.get('/v1/aggregates').aggregates,
    }
    return page.Page('cluster.html', values)


def _hosts(reader: reading.Reader, **wanted: str | None) -> list[host.Host]:
    """Return all hosts that are wanted, part by part."""
    found: list[host.Host] = []
    marker = None
    while len(found) < _MOST:
        part = reader.get('/v1/hosts', limit=1000, marker=marker, **wanted)
        found += part.hosts
        if not part.links:
            break
        marker = part.hosts[-1].name
    return found


def _totals(hosts: list[host.Host]) -> dict[str, Any]:
    """Return sums over the hosts of which it is known how they are now."""
    fresh = [one for one in hosts if one.state == 'reporting']
    return {
        'cpus': sum(one.cpus or 0 for one in fresh),
        **{
            name: sum(getattr(one, name) or 0.0 for one in fresh)
            for name in ('wanted_cores', 'waited_cores', 'lost_cores')
        },
        'instances': sum(one.instances for one in hosts),
        'open_findings': sum(one.open_findings for one in hosts),
    }


def _worst(hosts: list[host.Host]) -> list[host.Host]:
    hurt = [
        one
        for one in hosts
        if one.state == 'reporting' and (one.waited_cores or one.lost_cores)
    ]
    hurt.sort(
        key=lambda one: (
            -(one.lost_cores or 0.0),
            -(one.waited_cores or 0.0),
            one.name,
        )
    )
    return hurt[:_WORST]


def _worst_findings(reader: reading.Reader) -> list[Any]:
    found = reader.get(
        '/v1/findings',
        state='open',
        sort_key='severity_cores',
        sort_dir='desc',
        limit=_WORST,
    )
    return list(found.findings)


def _own(reader: reading.Reader) -> page.Page:
    instances = reader.get(
        '/v1/instances',
        gone=False,
        sort_key='waited_cores',
        sort_dir='desc',
        limit=50,
    )
    return page.Page(
        'project.html',
        {
            'instances': instances.instances,
            'has_more': bool(instances.links),
            'findings': _worst_findings(reader),
        },
    )
