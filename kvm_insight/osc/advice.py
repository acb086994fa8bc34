# SPDX-License-Identifier: Apache-2.0
"""``openstack insight advice``: what could be configured better."""

from kvm_insight.osc import lister, listing, table

LIST = listing.List(
    '/v1/configuration-findings',
    'configuration_findings',
    filters=(
        listing.Filter('--check', 'check', 'Those of this check'),
        listing.Filter('--severity', 'severity', 'Those of this severity'),
        listing.Filter('--state', 'state', 'Those in this state: open, ...'),
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
_FIELDS = (
    table.Field('ID', 'id'),
    table.Field('Check', 'check'),
    table.Field('Severity', 'severity'),
    table.Field('State', 'state'),
    table.Field('Instance', 'instance'),
    table.Field('Host', 'host', shown_to='operators'),
    table.Field('Host ID', 'host_id', shown_to='tenants'),
    table.Field('Opened At', 'opened_us'),
    table.Field('Project ID', 'project_id', long=True),
    table.Field('Updated At', 'updated_us', long=True),
    table.Field('Closed At', 'closed_us', long=True),
)


class List(lister.Lister):
    """List what could be configured better."""

    listed = LIST
    fields = _FIELDS
