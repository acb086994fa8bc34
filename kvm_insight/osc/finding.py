# SPDX-License-Identifier: Apache-2.0
"""``openstack insight finding``: who suffers, and who makes them suffer."""

import argparse
from collections.abc import Mapping
from typing import Any

from osc_lib.command import command

from kvm_insight.osc import client, column, lister, listing, naming, table

LIST = listing.List(
    '/v1/findings',
    'findings',
    filters=(
        listing.Filter(
            '--state',
            'state',
            'Those that go on, or those that are over',
            choices=('open', 'closed'),
        ),
        listing.Filter(
            '--resource',
            'resource',
            'Those about this resource',
            choices=('cpu', 'disk', 'memory', 'network'),
        ),
        listing.Filter(
            '--verdict',
            'verdict',
            'Those of this verdict',
            choices=(
                'antagonist',
                'self_inflicted',
                'overcommit',
                'host_process',
                'unknown',
            ),
        ),
        listing.Filter(
            '--instance',
            'instance',
            'Those with this victim or aggressor',
            metavar='<uuid>',
        ),
        listing.Filter(
            '--since',
            'since',
            'Those that went on at or after this time',
            metavar='<time>',
        ),
        listing.Filter(
            '--until',
            'until',
            'Those that went on before this time',
            metavar='<time>',
        ),
        listing.Filter(
            '--project',
            'project_id',
            'Those whose victim is of this project, by its id (operators)',
        ),
        listing.Filter('--host', 'host', 'Those on this host (operators)'),
    ),
    sorts=('opened_us', 'updated_us', 'severity_cores'),
)


def _aggressor(one: Mapping[str, Any]) -> str:
    blame = column.share(one['blame'])
    waited = column.core_us(one['waited_us'])
    return f'{column.party(one["party"])}: {blame}, {waited}'


def _aggressors(value: list[Mapping[str, Any]]) -> str:
    return ', '.join(column.party(one['party']) for one in value)


def _account(one: Mapping[str, Any]) -> str:
    lost = column.core_us(one['lost_us'])
    return f'{column.party(one["party"])}: {lost}'


_FIELDS = (
    table.Field('ID', 'id'),
    table.Field('State', 'state'),
    table.Field('Resource', 'resource'),
    table.Field('Verdict', 'verdict'),
    table.Field('Victim', 'victim', column.party),
    table.Field('Aggressors', 'aggressors', _aggressors),
    table.Field('Severity Cores', 'severity_cores', column.cores),
    table.Field('Opened At', 'opened_us'),
    table.Field('Closed At', 'closed_us'),
    table.Field('Host', 'host', shown_to='operators'),
    table.Field('Host ID', 'host_id', shown_to='tenants', long=True),
    table.Field('Role', 'role', long=True),
    table.Field('Cause', 'cause', long=True),
    table.Field('Confidence', 'confidence', column.share, long=True),
    table.Field('Lost', 'lost_us', column.core_us, long=True),
    table.Field('Updated At', 'updated_us', long=True),
    table.Field('Summary', 'summary', long=True),
)
_WORDS: dict[str, column.Words] = {
    'victim': column.party,
    'aggressors': column.lines(_aggressor),
    'accounts': column.lines(_account),
    'confidence': column.share,
    'severity_cores': column.cores,
    'lost_us': column.core_us,
    'coverage': column.share,
    'suffering': column.share,
    'baseline': column.share,
}


class List(lister.Lister):
    """List findings: who suffers, who makes them suffer, and since when."""

    listed = LIST
    fields = _FIELDS


class Show(command.ShowOne):
    """Show a finding, with what it was drawn from."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument('finding', metavar='<finding>', help='Its id')
        parser.add_argument(
            '--record',
            action='store_true',
            help='Show also the record as it was published (operators)',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return its fields."""
        found = naming.get(client.of(self), 'finding', parsed_args.finding)
        if not parsed_args.record:
            found.pop('record', None)
        return table.one(found, _WORDS)
