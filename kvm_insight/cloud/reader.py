# SPDX-License-Identifier: Apache-2.0
"""Reader: all of a cloud at first, later what has changed in it.

Nova says which servers and migrations have changed, Placement has a
generation for each provider. Neither tells everything: a provider's
generation stays when allocations are deleted. So the hosts of all that
changed are read again, and now and then all is.
"""

import concurrent.futures
import dataclasses
import datetime
import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping

from kvm_insight import exception
from kvm_insight.cloud import (
    client,
    keystone,
    known,
    listing,
    nova,
    placement,
    providers,
)

LOG = logging.getLogger(__name__)

#: Nova's clock and ours may differ, and a change takes its time to be seen.
_OVERLAP_US = 120 * 1_000_000
#: What ended before that says nothing of who has to rest.
_MIGRATIONS_US = 2 * 24 * 3600 * 1_000_000
_ADMIN = 'admin'
_ZONE = 'availability_zone'
_NOBODY: Mapping[str, str] = {}


class Reader:
    """Reads one cloud; each read is whole, or raises CloudError."""

    def __init__(self, ask: client.Client, *, grouped: bool = True) -> None:
        """Ask nobody yet; ``grouped`` says whether there are server groups."""
        self._ask = ask
        self._providers = providers.Providers(ask)
        self._grouped = grouped
        self._speak: str | None = None
        self._nameless = False

    def sweep(self, projects: Mapping[str, str] = _NOBODY) -> known.Known:
        """Return all, read anew; ``projects`` are the names (by id) that
        stay where Keystone does not tell any."""
        began_us = time.time_ns() // 1000
        speak = self._version()
        found = known.Known(
            time_us=began_us,
            swept_us=began_us,
            servers={},
            services=[],
            hypervisors=[],
            aggregates=[],
            groups=[],
            migrations={},
            flavors={
                one.name: one.id
                for one in listing.read_flavors(self._ask, speak)
            },
            roots=frozenset(),
            holdings={},
            generations={},
            zoned={},
            nested=frozenset(),
            projects=self._projects(projects),
        )
        there = placement.read_providers(self._ask)
        self._small(found, speak, began_us - _MIGRATIONS_US, there)
        self._large(found, speak, there)
        return found

    def _large(
        self,
        found: known.Known,
        speak: str,
        there: list[placement.Provider],
    ) -> None:
        """Read the servers, and beside them what Placement has: they are
        different services, each with most of the work."""
        stop = threading.Event()
        pool = concurrent.futures.ThreadPoolExecutor(1)
        beside = pool.submit(self._providers.read, found, there, (), stop)
        try:
            for one in listing.read_servers(self._ask, speak):
                found.servers[one.id] = one
                if beside.done():
                    # If it broke, no more pages are asked for.
                    beside.result()
            beside.result()
        finally:
            stop.set()
            pool.shutdown()

    def poll(
        self, before: known.Known, hosts: Collection[str] = ()
    ) -> known.Known:
        """Return it with what has changed; ``hosts`` (as Nova names them)
        are read in Placement again in any case."""
        began_us = time.time_ns() // 1000
        speak = self._version()
        found = dataclasses.replace(before, time_us=began_us)
        since_us = before.time_us - _OVERLAP_US
        changed = list(
            listing.read_servers(self._ask, speak, written(since_us))
        )
        found.servers = before.servers | {one.id: one for one in changed}
        for one in changed:
            if one.status == 'DELETED':
                found.servers.pop(one.id, None)
        found.migrations = _lately(before, began_us)
        there = placement.read_providers(self._ask)
        moved = self._small(found, speak, since_us, there)
        touched = {*hosts, *_places(before, changed), *_ends(moved)}
        self._providers.read(found, there, touched, threading.Event())
        # What a sweep could not read is not to wait for the next one.
        if self._nameless or any(
            x.tenant_id not in found.projects for x in changed
        ):
            found.projects = self._projects(before.projects)
        return found

    def _version(self) -> str:
        if self._speak is None:
            self._speak = listing.version(self._ask)
        return self._speak

    def _small(
        self,
        found: known.Known,
        speak: str,
        since_us: int,
        there: Iterable[placement.Provider],
    ) -> list[nova.Migration]:
        """Read what is read whole each time, and migrations; return those
        that have changed."""
        ask = self._ask
        services, found.services = (
            found.services,
            listing.read_services(ask, speak),
        )
        roots, found.roots = found.roots, placement.roots(there)
        if (services, roots) != (found.services, found.roots):
            # Nova looks up each one's service: dear, and seldom new. A host
            # that was upgraded has been down.
            found.hypervisors = list(listing.read_hypervisors(ask))
        before = found.aggregates
        found.aggregates = listing.read_aggregates(ask, speak)
        if found.aggregates != before:
            found.zoned = self._zoned(found.aggregates)
        found.groups = self._groups(speak)
        moved = list(listing.read_migrations(ask, speak, written(since_us)))
        found.migrations |= {one.uuid: one for one in moved}
        return moved

    def _groups(self, speak: str) -> list[nova.Group]:
        """Return all server groups. Nova's code, whatever its policy says,
        shows those of other projects to admin alone, and to others without
        a word only their own."""
        if not self._grouped:
            return []
        if _ADMIN not in self._ask.roles():
            raise exception.CloudRefused(
                'Nova shows the server groups of all projects to admin alone:'
                ' give us that role, or set [cloud] server_groups to false'
                ' where nobody uses any'
            )
        return list(listing.read_groups(self._ask, speak))

    def _zoned(
        self, aggregates: Iterable[nova.Aggregate]
    ) -> dict[str, frozenset[str]]:
        return {
            one.uuid: frozenset(
                there.uuid
                for there in placement.read_providers(self._ask, one.uuid)
            )
            for one in aggregates
            if _ZONE in one.metadata
        }

    def _projects(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return the names of projects; a plan does without new ones."""
        try:
            found = keystone.read_projects(self._ask)
        except exception.CloudError as why:
            if not self._nameless:
                LOG.warning('names of projects: %s', why)
            self._nameless = True
            return dict(before)
        self._nameless = False
        return found


def written(time_us: int) -> str:
    """Return an instant as Nova reads it."""
    when = datetime.datetime.fromtimestamp(
        time_us // 1_000_000, tz=datetime.UTC
    )
    return when.strftime('%Y-%m-%dT%H:%M:%SZ')


def _lately(before: known.Known, now_us: int) -> dict[str, nova.Migration]:
    """Return the migrations that still say something."""
    oldest = written(now_us - _MIGRATIONS_US)
    return {
        uuid: one
        for uuid, one in before.migrations.items()
        if (one.updated_at or one.created_at) >= oldest[:19]
    }


def _places(
    before: known.Known, changed: Iterable[nova.Server]
) -> Iterable[str]:
    """Return the hosts where those that changed were, and are now."""
    for one in changed:
        old = before.servers.get(one.id)
        for each in (old, one):
            if each is not None and each.host:
                yield each.host


def _ends(moved: Iterable[nova.Migration]) -> Iterable[str]:
    for one in moved:
        for host in (one.source_compute, one.dest_compute):
            if host:
                yield host
