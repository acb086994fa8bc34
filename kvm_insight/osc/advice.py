# SPDX-License-Identifier: Apache-2.0
"""``openstack insight advice``: what could be configured better."""

from collections.abc import Mapping
from typing import Any

from kvm_insight.osc import column, lister, listing, table

LIST = listing.List(
    '/v1/configuration-findings',
    'configuration_findings',
    filters=(
        listing.Filter('--check', 'check', 'Those of this check'),
        listing.Filter(
            '--severity',
            'severity',
            'Those of this severity',
            choices=('high', 'medium', 'low'),
        ),
        listing.Filter(
            '--state',
            'state',
            'Those that are still so, or those that are over',
            choices=('open', 'closed'),
        ),
        listing.Filter(
            '--instance',
            'instance',
            'Those about this instance',
            metavar='<uuid>',
        ),
        listing.Filter(
            '--project',
            'project_id',
            'Those about instances of this project, by its id (operators)',
        ),
        listing.Filter('--host', 'host', 'Those on this host (operators)'),
    ),
    sorts=('opened_us', 'updated_us'),
)


def _problem(about: Mapping[str, Any]) -> str:
    return column.text(about['title'])


def _remedy(about: Mapping[str, Any]) -> str:
    return column.text(
        f'{about["remedy"]}\nWith Nova: {about["remedy_nova"]}\n'
        f'Unless {about["unless"]}\nSee {about["source"]}'
    )


def _evidence(one: Mapping[str, Any]) -> str:
    return column.text(f'{one["where"]}: {one["value"]}')


_FIELDS = (
    table.Field('ID', 'id'),
    table.Field('Check', 'check'),
    table.Field('Problem', 'about', _problem),
    table.Field('Severity', 'severity'),
    table.Field('State', 'state'),
    table.Field('Instance', 'instance'),
    table.Field('Host', 'host', shown_to='operators'),
    table.Field('Host ID', 'host_id', shown_to='tenants'),
    table.Field('Opened At', 'opened_us'),
    table.Field('What', 'what', long=True, shown_to='operators'),
    table.Field(
        'Evidence',
        'evidence',
        column.lines(_evidence),
        long=True,
        shown_to='operators',
    ),
    table.Field('Remedy', 'about', _remedy, long=True),
    table.Field('Project ID', 'project_id', long=True),
    table.Field('Updated At', 'updated_us', long=True),
    table.Field('Closed At', 'closed_us', long=True),
)


class List(lister.Lister):
    """List what could be configured better, with --long also how."""

    listed = LIST
    fields = _FIELDS
