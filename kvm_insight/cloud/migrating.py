# SPDX-License-Identifier: Apache-2.0
"""Migrating: live migrations through Nova, looked at, begun and aborted.

Nova takes a second request for the same instance as a conflict as long as the
first one is not over, so a request whose answer was lost does no harm.
"""

import contextlib
import urllib.parse
from collections.abc import Iterator
from typing import Literal

import msgspec

from kvm_insight import exception
from kvm_insight.cloud import client, listing, settings
from kvm_insight.model import recommendation, sight

_DONE = ('completed', 'done')
_FAILED = ('failed', 'error', 'cancelled', 'reverted', 'rejected')


class _Server(client.Wire, frozen=True, kw_only=True):
    #: Unset where the policy forbids to see it; None where it is nowhere.
    host: str | msgspec.UnsetType | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:host', default=msgspec.UNSET
    )
    vm_state: str = msgspec.field(name='OS-EXT-STS:vm_state')
    task_state: str | None = msgspec.field(
        name='OS-EXT-STS:task_state', default=None
    )


class _Answer(client.Wire, frozen=True, kw_only=True):
    server: _Server


class _Migration(client.Wire, frozen=True, kw_only=True):
    #: What an abort is asked with.
    id: int
    uuid: str
    status: str
    dest_compute: str | None = None
    memory_total_bytes: int | None = None
    memory_remaining_bytes: int | None = None


class _Migrations(client.Wire, frozen=True, kw_only=True):
    migrations: list[_Migration]


class Migrating:
    """Moves instances of one cloud; used by one thread."""

    def __init__(self, asked: settings.Settings) -> None:
        """Ask nobody yet; ConfigError for what cannot work."""
        self._ask = client.Client(asked)
        self._region = asked.naming_region
        self._speak: str | None = None

    def look(self, move: recommendation.Move) -> sight.Sight:
        """Return where the instance is and what moves it; CloudError."""
        path = _path(move)
        try:
            answer = self._get(path)
        except exception.CloudGone:
            return sight.Sight(None, 'gone')
        told = client.decoded('compute', answer, _Answer).server
        if told.host is msgspec.UNSET:
            raise exception.CloudRefused(
                f'Nova does not tell where {move.instance} is: the actuator'
                ' needs the role admin'
            )
        return sight.Sight(
            host=self._named(told.host),
            state=told.vm_state,
            task=told.task_state,
            migration=self._newest(path, move.instance),
        )

    def begin(self, move: recommendation.Move) -> None:
        """Ask for the migration; MoveDeclined, or another CloudError, when
        it is not known whether Nova took it."""
        body = {
            'os-migrateLive': {
                'host': settings.bare(move.destination, self._region),
                'block_migration': 'auto',
            }
        }
        with _declining():
            self._ask.ask(
                'compute',
                'POST',
                f'{_path(move)}/action',
                self._version(),
                body,
            )

    def abort(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> None:
        """Ask for the end of it; MoveDeclined where that cannot be now."""
        with _declining():
            self._ask.ask(
                'compute',
                'DELETE',
                f'{_path(move)}/migrations/{under_way.number}',
                self._version(),
            )

    def stop_words(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> str:
        """Return how an operator stops it by hand."""
        return (
            f'openstack server migration abort {move.instance}'
            f' {under_way.number}'
        )

    def mend_words(self, move: recommendation.Move) -> str:
        """Return how Nova is told that the instance runs.

        Nova 34 rolls back, and then lets the instance have the state ERROR
        all the same: its ``_live_migration`` takes the abort for a failure.
        """
        return (
            'if Nova shows it as ERROR although its guest runs on:'
            f' openstack server set --state active {move.instance}'
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._ask.close()

    def _newest(self, path: str, instance: str) -> sight.Migration | None:
        """Return what is under way, or else what ended last."""
        found = self._read(f'{path}/migrations')
        if not found:
            words = {
                'instance_uuid': instance,
                'migration_type': 'live-migration',
                'limit': '1',
            }
            query = urllib.parse.urlencode(words)
            found = self._read(f'/os-migrations?{query}')
        return self._seen(found[0]) if found else None

    def _seen(self, one: _Migration) -> sight.Migration:
        state: Literal['running', 'done', 'failed'] = 'running'
        if one.status in _DONE:
            state = 'done'
        elif one.status in _FAILED:
            state = 'failed'
        return sight.Migration(
            id=one.uuid,
            state=state,
            destination=self._named(one.dest_compute),
            copied_ratio=sight.copied(
                one.memory_total_bytes, one.memory_remaining_bytes
            ),
            words=one.status,
            number=one.id,
        )

    def _read(self, path: str) -> list[_Migration]:
        answer = self._get(path)
        return client.decoded('compute', answer, _Migrations).migrations

    def _get(self, path: str) -> bytes:
        return self._ask.get('compute', path, self._version())

    def _version(self) -> str:
        if self._speak is None:
            self._speak = listing.version(self._ask)
        return self._speak

    def _named(self, host: str | None) -> str | None:
        return settings.named(host, self._region) if host else host


@contextlib.contextmanager
def _declining() -> Iterator[None]:
    try:
        yield
    except (exception.CloudDeclined, exception.CloudGone) as why:
        raise exception.MoveDeclined(str(why)) from why


def _path(move: recommendation.Move) -> str:
    return f'/servers/{urllib.parse.quote(move.instance, safe="")}'
