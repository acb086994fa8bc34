# SPDX-License-Identifier: Apache-2.0
"""``openstack insight instance``: a project's own, or all for operators."""

import argparse
from collections.abc import Mapping
from typing import Any

from osc_lib.command import command

from kvm_insight.osc import client, column, lister, listing, naming, table

LIST = listing.List(
    '/v1/instances',
    'instances',
    filters=(
        listing.Filter('--name', 'name', 'Those of this name'),
        listing.Filter('--flavor', 'flavor', 'Those of this flavor'),
        listing.Filter(
            '--state', 'state', 'Those in this state: running, ...'
        ),
        listing.Filter(
            '--server-group', 'server_group', 'Those of this server group'
        ),
        listing.Filter(
            '--gone',
            'gone',
            'Those that no host reports any more',
            const='true',
        ),
        listing.Filter(
            '--present', 'gone', 'Those that a host reports', const='false'
        ),
        listing.Filter(
            '--project',
            'project_id',
            'Those of this project, by its id (operators)',
        ),
        listing.Filter('--host', 'host', 'Those on this host (operators)'),
    ),
    sorts=('uuid', 'name', 'waited_cores', 'wanted_cores', 'last_seen_us'),
)
_FIELDS = (
    table.Field('UUID', 'uuid'),
    table.Field('Name', 'name'),
    table.Field('Project ID', 'project_id'),
    table.Field('Project', 'project_name', long=True, shown_to='operators'),
    table.Field('Host', 'host', shown_to='operators'),
    table.Field('Host ID', 'host_id', shown_to='tenants'),
    table.Field('State', 'state'),
    table.Field('VCPUs', 'vcpus'),
    table.Field('Wanted Cores', 'wanted_cores', column.cores),
    table.Field('Waited Cores', 'waited_cores', column.cores),
    table.Field('Suffering', 'suffering', column.share),
    table.Field('Open Findings', 'open_findings'),
    table.Field('Flavor', 'flavor', long=True),
    table.Field('Server Group', 'server_group', long=True),
    table.Field('Memory', 'memory_bytes', column.size, long=True),
    table.Field('First Seen', 'first_seen_us', long=True),
    table.Field('Last Seen', 'last_seen_us', long=True),
    table.Field('Gone', 'gone_us', long=True),
)


def _now(one: Mapping[str, Any]) -> str:
    return '\n'.join(
        f'{words} {column.party(line["party"])}:'
        f' {column.core_us(line["waited_us"])}'
        for key, words in (('suffered', 'for'), ('caused', 'by'))
        for line in one[key]
    )


_WORDS: dict[str, column.Words] = {
    'wanted_cores': column.cores,
    'waited_cores': column.cores,
    'suffering': column.share,
    'memory_bytes': column.size,
    'ledger_now': _now,
}


class List(lister.Lister):
    """List instances, and how long they wait for a CPU."""

    listed = LIST
    fields = _FIELDS


class Show(command.ShowOne):
    """Show an instance as it is now, or as it was last seen."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'instance',
            metavar='<instance>',
            help='Its UUID, or its name if no other one has it',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return its fields."""
        asked = client.of(self)
        uuid = naming.instance(asked, parsed_args.instance)
        return table.one(naming.get(asked, 'instance', uuid), _WORDS)
