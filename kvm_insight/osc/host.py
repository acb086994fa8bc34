# SPDX-License-Identifier: Apache-2.0
"""``openstack insight host``: for those who run the cloud."""

import argparse
from collections.abc import Mapping
from typing import Any

from osc_lib.command import command

from kvm_insight.osc import client, column, lister, listing, naming, table

LIST = listing.List(
    '/v1/hosts',
    'hosts',
    filters=(
        listing.Filter(
            '--availability-zone', 'availability_zone', 'Those in this zone'
        ),
        listing.Filter(
            '--aggregate', 'aggregate', 'Those in the aggregate of this name'
        ),
        listing.Filter(
            '--state',
            'state',
            'Those in this state; silent: the newest report is too old',
            choices=('reporting', 'silent', 'gone', 'unknown'),
        ),
        listing.Filter(
            '--enabled',
            'enabled',
            'Those on which Nova may (true) or may not (false) put instances',
            choices=('true', 'false'),
        ),
        listing.Filter(
            '--outlook',
            'outlook_state',
            'Those that will be hot soon, or not',
            choices=('hot', 'cool', 'unknown'),
        ),
    ),
    sorts=(
        'name',
        'lost_cores',
        'waited_cores',
        'wanted_cores',
        'report_us',
        'cpus',
        'memory_available_bytes',
    ),
)
_FIELDS = (
    table.Field('Name', 'name'),
    table.Field('State', 'state'),
    table.Field('Zone', 'availability_zone'),
    table.Field('CPUs', 'cpus'),
    table.Field('Wanted Cores', 'wanted_cores', column.cores),
    table.Field('Waited Cores', 'waited_cores', column.cores),
    table.Field('Lost Cores', 'lost_cores', column.cores),
    table.Field('Suffering', 'suffering', column.share),
    table.Field('Instances', 'instances'),
    table.Field('Open Findings', 'open_findings'),
    table.Field('Outlook', 'outlook_state'),
    table.Field('Aggregates', 'aggregates', column.names, long=True),
    table.Field('Enabled', 'enabled', column.yes, long=True),
    table.Field('Maintenance', 'maintenance', column.yes, long=True),
    table.Field('Own Cores', 'own_cores', column.cores, long=True),
    table.Field('Memory', 'memory_bytes', column.size, long=True),
    table.Field(
        'Memory Available', 'memory_available_bytes', column.size, long=True
    ),
    table.Field('Ledger', 'ledger_source', long=True),
    table.Field('Reported At', 'report_us', long=True),
    table.Field('Hypervisor Hostname', 'hypervisor_hostname', long=True),
    table.Field('Compute ID', 'compute_id', long=True),
)


def _hurt(one: Mapping[str, Any]) -> str:
    lost = column.cores(one['severity_cores'])
    return column.text(
        f'{one["finding_id"]}: {one["victim"]} loses {lost} cores'
        f' ({one["resource"]}, {one["verdict"]})'
    )


def _minute(one: Mapping[str, Any]) -> str:
    return ', '.join(
        f'{name.removesuffix("_cores")} {column.cores(value)}'
        for name, value in one.items()
        if value is not None
    )


def _guest(one: Mapping[str, Any]) -> str:
    name = one.get('instance_name') or one.get('name') or one['uuid']
    wanted, waited = (
        '-' if one.get(key) is None else column.cores(one[key])
        for key in ('wanted_cores', 'waited_cores')
    )
    return column.text(f'{name}: wanted {wanted}, waited {waited} cores')


_WORDS: dict[str, column.Words] = {
    'wanted_cores': column.cores,
    'waited_cores': column.cores,
    'own_cores': column.cores,
    'lost_cores': column.cores,
    'suffering': column.share,
    'memory_bytes': column.size,
    'memory_available_bytes': column.size,
    'hurts': column.lines(_hurt),
    'minutes': column.lines(_minute),
    'guests': column.lines(_guest),
}


class List(lister.Lister):
    """List hosts, and how much their instances suffer."""

    listed = LIST
    fields = _FIELDS


class Show(command.ShowOne):
    """Show a host: what hurts there now, its last minutes and its guests."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'host', metavar='<host>', help='Its name, region/host'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return its fields."""
        found = naming.get(client.of(self), 'host', parsed_args.host)
        return table.one(found, _WORDS)
