# SPDX-License-Identifier: Apache-2.0
"""Listing: Nova's lists, read to their end, page after page."""

import urllib.parse
from collections.abc import Callable, Iterator
from typing import TypeVar

from kvm_insight import exception
from kvm_insight.cloud import client, nova

#: Image properties come with 2.98, asked zones with 2.96; what comes later
#: is not known to us.
NEWEST = 100
#: Xena, 2021.
OLDEST = 90
#: The last one that tells the hosts' CPUs.
_HYPERVISORS = '2.87'
#: As many as Nova gives at most, unless its own limit is lower.
_PAGE = 1000

_Item = TypeVar('_Item')


def version(ask: client.Client) -> str:
    """Return the microversion to speak with this Nova."""
    major, minor = ask.newest('compute')
    if (major, minor) < (2, OLDEST):
        raise exception.CloudRefused(
            f'Nova speaks {major}.{minor}; 2.{OLDEST} (Xena) or newer is'
            ' needed'
        )
    return f'2.{min(minor, NEWEST)}'


def read_servers(
    ask: client.Client, speak: str, since: str | None = None
) -> Iterator[nova.Server]:
    """Return the servers of all projects; with ``since`` only those that
    have changed, the deleted among them."""
    return _pages(
        ask,
        '/servers/detail',
        {'all_tenants': '1', **_since(since)},
        nova.parse_servers,
        lambda one: one.id,
        speak,
    )


def read_migrations(
    ask: client.Client, speak: str, since: str
) -> Iterator[nova.Migration]:
    """Return the migrations that have changed since then."""
    return _pages(
        ask,
        '/os-migrations',
        _since(since),
        nova.parse_migrations,
        lambda one: one.uuid,
        speak,
    )


def read_hypervisors(ask: client.Client) -> Iterator[nova.Hypervisor]:
    """Return all compute nodes, with their CPUs."""
    return _pages(
        ask,
        '/os-hypervisors/detail',
        {},
        nova.parse_hypervisors,
        lambda one: one.id,
        _HYPERVISORS,
    )


def read_flavors(ask: client.Client, speak: str) -> Iterator[nova.NamedFlavor]:
    """Return all flavors, those for some projects among them."""
    return _pages(
        ask,
        '/flavors/detail',
        {'is_public': 'None'},
        nova.parse_flavors,
        lambda one: one.id,
        speak,
    )


def read_services(ask: client.Client, speak: str) -> list[nova.Service]:
    """Return all nova-computes."""
    path = '/os-services?binary=nova-compute'
    return nova.parse_services(ask.get('compute', path, speak))


def read_aggregates(ask: client.Client, speak: str) -> list[nova.Aggregate]:
    """Return all host aggregates."""
    return nova.parse_aggregates(ask.get('compute', '/os-aggregates', speak))


def read_groups(ask: client.Client, speak: str) -> Iterator[nova.Group]:
    """Return the server groups of all projects."""
    offset = 0
    while True:
        query = f'all_projects=True&limit={_PAGE}&offset={offset}'
        page = nova.parse_groups(
            ask.get('compute', f'/os-server-groups?{query}', speak)
        )
        if not page:
            return
        yield from page
        offset += len(page)


def _since(since: str | None) -> dict[str, str]:
    return {} if since is None else {'changes-since': since}


def _pages(
    ask: client.Client,
    path: str,
    query: dict[str, str],
    parse: Callable[[bytes], list[_Item]],
    marker: Callable[[_Item], str],
    speak: str,
) -> Iterator[_Item]:
    """Return all items. A page may be shorter than was asked for and not be
    the last one, so the end is the page that is empty."""
    asked = {**query, 'limit': str(_PAGE)}
    while True:
        words = urllib.parse.urlencode(asked)
        page = parse(ask.get('compute', f'{path}?{words}', speak))
        if not page:
            return
        yield from page
        last = marker(page[-1])
        if asked.get('marker') == last:
            raise exception.CloudUnavailable(
                f'Nova gives the same page of {path} again'
            )
        asked['marker'] = last
