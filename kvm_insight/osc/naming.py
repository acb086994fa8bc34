# SPDX-License-Identifier: Apache-2.0
"""Naming: whom a command is about, and what kind of id it wants."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from osc_lib import exceptions

from kvm_insight.osc import client

Kind = Literal['finding', 'host', 'instance', 'project', 'recommendation']

_UUID = re.compile('[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}', re.I)
#: More are not told apart.
_MOST = 100
#: What each is called by, and where that is shown.
_WANTED: dict[Kind, tuple[str, str]] = {
    'finding': ('id', 'ids are shown by "openstack insight finding list"'),
    'host': (
        'name',
        'names, as region/host, are shown by "openstack insight host list"',
    ),
    'instance': (
        'id',
        'ids and names are shown by "openstack insight instance list"',
    ),
    'project': (
        'id or the name',
        'ids are shown by "openstack insight instance list", names to'
        ' operators by --long',
    ),
    'recommendation': (
        'id',
        'ids are shown by "openstack insight recommendation list"',
    ),
}


def get(
    asked: client.Client,
    kind: Kind,
    ident: str,
    *more: str,
    query: Mapping[str, Any] | None = None,
) -> client.Row:
    """Return what is told of one; raise CommandError if nothing is."""
    path = client.address(f'{kind}s', ident, *more)
    try:
        return asked.get(path, query)
    except client.Unknown as why:
        raise exceptions.CommandError(f'{_unknown(kind, ident)}. {why}') from (
            None
        )


def instance(asked: client.Client, word: str) -> str:
    """Return an instance's UUID by that, or by a name that only it has."""
    if _UUID.fullmatch(word):
        return word
    found = asked.listed(
        '/v1/instances', 'instances', {'name': word}, client.Part(_MOST)
    )
    there = [one for one in found if one['gone_us'] is None] or found
    if not there:
        words = _unknown('instance', word).replace('id', 'id or the name', 1)
        raise exceptions.CommandError(words)
    if len(there) > 1:
        uuids = ', '.join(str(one['uuid']) for one in there[:5])
        raise exceptions.CommandError(
            f"{len(there)} instances are called '{word}'; say which by its"
            f' UUID: {uuids}{", ..." if len(there) > 5 else ""}'
        )
    return str(there[0]['uuid'])


def _unknown(kind: Kind, ident: str) -> str:
    called, shown = _WANTED[kind]
    return f"No {kind} with the {called} '{ident}' is known; {shown}"
