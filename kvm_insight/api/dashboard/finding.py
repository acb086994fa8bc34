# SPDX-License-Identifier: Apache-2.0
"""Findings: who suffers, because of whom, and since when."""

from collections.abc import Mapping

from kvm_insight.api.dashboard import order, page, reading

_FILTERS = (
    'state',
    'resource',
    'verdict',
    'instance',
    'since',
    'until',
    'marker',
    'sort_key',
)
_FOR_OPERATORS = ('project_id', 'host')


def index(reader: reading.Reader) -> page.Page:
    """Return a part of the findings."""
    told = reader.arguments
    names = _FILTERS + (_FOR_OPERATORS if reader.is_operator else ())
    query = {name: told[name] for name in names if name in told}
    found = reader.get('/v1/findings', **query, limit=50)
    return page.Page(
        'findings.html',
        {
            'findings': found.findings,
            'next': page.more(reader, found.links),
            'filters': page.Told(told),
        },
    )


def show(reader: reading.Reader) -> page.Page:
    """Return the page of one finding."""
    one = reader.get('/v1/findings/{id}')
    may_say = reader.may('/v1/acknowledgements', 'POST')
    said = []
    if reader.may('/v1/acknowledgements'):
        said = reader.get(
            '/v1/acknowledgements', subject=one.id
        ).acknowledgements
    return page.Page(
        'finding.html', {'one': one, 'may_say': may_say, 'said': said}
    )


def acknowledge(reader: reading.Reader, told: Mapping[str, str]) -> str:
    """Say that somebody is at it."""
    ident = reader.path['id']
    body = {'finding': ident, 'reason': told.get('reason', '')}
    ends_us = order.moment_us(told, 'ends')
    reader.ask('POST', '/v1/acknowledgements', body={**body, **ends_us})
    return f'/findings/{ident}?said=acknowledged'
