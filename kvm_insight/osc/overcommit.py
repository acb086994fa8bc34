# SPDX-License-Identifier: Apache-2.0
"""``openstack insight overcommit``: which allocation ratios carry."""

from collections.abc import Mapping, Sequence
from typing import Any

from kvm_insight.osc import column, lister, listing, table

LIST = listing.List(
    '/v1/overcommit',
    'overcommit',
    filters=(
        listing.Filter(
            '--aggregate', 'aggregate', 'The aggregate of this name or id'
        ),
        listing.Filter(
            '--change',
            'change',
            'Those whose ratio should change so',
            choices=('lower', 'keep', 'raise', 'unknown'),
        ),
    ),
    paged=False,
)


def _members(value: Sequence[Mapping[str, Any]]) -> str:
    return '\n'.join(map(_member, value))


def _member(one: Mapping[str, Any]) -> str:
    lost = one['lost_cores']
    words = '-' if lost is None else column.cores(lost)
    return column.text(f'{one["name"]}: lost cores {words}')


_FIELDS = (
    table.Field('Aggregate', 'aggregate'),
    table.Field('Name', 'name'),
    table.Field('Hosts', 'hosts'),
    table.Field('Change', 'change'),
    table.Field('Current Ratio', 'current', column.cores),
    table.Field('Advised Ratio', 'advised', column.cores),
    table.Field('Waited', 'waited', column.share),
    table.Field('Reason', 'reason'),
    table.Field('Host Hours', 'host_hours', long=True),
    table.Field('Updated At', 'updated_us', long=True),
    table.Field('Members', 'members', _members, long=True),
)


class List(lister.Lister):
    """List aggregates, with the CPU allocation ratio that each can carry."""

    listed = LIST
    fields = _FIELDS
