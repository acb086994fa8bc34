# SPDX-License-Identifier: Apache-2.0
"""Live migration through libvirt, where there is no OpenStack.

The source's libvirtd drives a migration to its end (peer to peer): it goes on
when we end, and whoever looks next finds it as a job of the domain.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, cast

import libvirt

from kvm_insight import exception
from kvm_insight.feed import libvirt_hosts, port
from kvm_insight.model import recommendation, sight

_OUT = libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT
_IN = libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN
_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: 'active',
    libvirt.VIR_DOMAIN_BLOCKED: 'active',
    libvirt.VIR_DOMAIN_PAUSED: 'paused',
}
#: A domain that has just been taken out, or comes in.
_IN_BETWEEN = (
    libvirt.VIR_DOMAIN_PAUSED_MIGRATION,
    libvirt.VIR_DOMAIN_PAUSED_STARTING_UP,
)


@dataclasses.dataclass(slots=True)
class _Job:
    """One migration that this process began."""

    id: str
    destination: str
    state: Literal['running', 'done', 'failed'] = 'running'
    words: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class _Side:
    """One host's view of the domain."""

    domain: libvirt.virDomain | None = None
    state: str | None = None
    #: Paused because a migration has it in hand.
    is_between: bool = False
    #: Operation and numbers of a job that is under way.
    job: dict[str, int] | None = None


class Libvirt:
    """Moves domains between libvirtd's."""

    def __init__(self, settings: port.Settings) -> None:
        """Connect to nobody yet; ConfigError for what cannot work."""
        self._is_encrypted = bool(settings.get('actuator_native_tls'))
        self._hosts = libvirt_hosts.Hosts(
            str(settings['actuator_uri']),
            cast(Callable[[], object] | None, settings.get('start_events')),
        )
        self._jobs: dict[str, _Job] = {}

    def look(self, move: recommendation.Move) -> sight.Sight:
        """Return where the domain is and what moves it."""
        source = self._side(move.source, move.instance)
        there = self._side(move.destination, move.instance)
        migration = self._migration(move, source)
        if migration is not None and migration.state == 'running':
            return sight.Sight(move.source, migration=migration)
        if source.is_between or (source.state and there.is_between):
            return sight.Sight(
                move.source, task='migrating', migration=migration
            )
        if source.state is not None:
            return sight.Sight(move.source, source.state, migration=migration)
        if there.is_between:
            return sight.Sight(
                move.destination, task='migrating', migration=migration
            )
        if there.state is not None:
            return sight.Sight(
                move.destination, there.state, migration=migration
            )
        return sight.Sight(None, 'gone', migration=migration)

    def begin(self, move: recommendation.Move) -> None:
        """Begin it in a thread of its own; MoveDeclined for what is to be
        seen beforehand."""
        for why in self._obstacles(move):
            raise exception.MoveDeclined(why)
        if self._side(move.source, move.instance).domain is None:
            raise exception.MoveDeclined(f'it is not on {move.source}')
        way = self._hosts.opened(move.source)
        job = _Job(f'{time.time_ns()}', move.destination)
        self._jobs[move.instance] = job
        threading.Thread(
            target=self._run,
            args=(job, way, move),
            name=f'migrate-{move.instance}',
            daemon=True,
        ).start()

    def abort(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> None:
        """Abort the domain's job."""
        domain = self._side(move.source, move.instance).domain
        if domain is None:
            raise exception.MoveDeclined(
                f'it is not on {move.source} any more'
            )
        try:
            domain.abortJob()
        except libvirt.libvirtError as why:
            raise exception.MoveDeclined(libvirt_hosts.words(why)) from why

    def stop_words(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> str:
        """Return the command of virsh."""
        where = self._hosts.uri(move.source)
        return f'virsh -c {where} domjobabort {move.instance}'

    def mend_words(self, move: recommendation.Move) -> str:
        """Return nothing: the domain runs on where it was."""
        return ''

    def close(self) -> None:
        """Let go of all connections."""
        self._hosts.close()

    def _run(
        self, job: _Job, way: libvirt.virConnect, move: recommendation.Move
    ) -> None:
        try:
            domain = way.lookupByUUIDString(move.instance)
            flags = (
                libvirt.VIR_MIGRATE_LIVE
                | libvirt.VIR_MIGRATE_PEER2PEER
                | libvirt.VIR_MIGRATE_ABORT_ON_ERROR
            )
            if domain.isPersistent():
                flags |= libvirt.VIR_MIGRATE_PERSIST_DEST
                flags |= libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
            if self._is_encrypted:
                flags |= libvirt.VIR_MIGRATE_TLS
            domain.migrateToURI3(self._hosts.uri(move.destination), {}, flags)
        except libvirt.libvirtError as why:
            said = libvirt_hosts.words(why)
            job.words, job.state = f'failed ({said})', 'failed'
        else:
            job.words, job.state = 'completed', 'done'
        finally:
            libvirt_hosts.let_go(way)

    def _migration(
        self, move: recommendation.Move, source: _Side
    ) -> sight.Migration | None:
        mine = self._jobs.get(move.instance)
        under_way = source.job if source.job else {}
        is_out = under_way.get('operation') == _OUT
        if mine is not None and not (mine.state != 'running' and is_out):
            return sight.Migration(
                id=mine.id,
                state=mine.state,
                destination=mine.destination,
                copied_ratio=_copied(under_way) if is_out else None,
                words=mine.words or mine.state,
            )
        if not is_out:
            return None
        # Somebody else's, or ours from before a restart; libvirt does not
        # tell where it goes.
        return sight.Migration(
            id='job', state='running', copied_ratio=_copied(under_way)
        )

    def _obstacles(self, move: recommendation.Move) -> Iterator[str]:
        source = self._hosts.way(move.source)
        there = self._hosts.way(move.destination)
        try:
            if _has_job(source, _OUT):
                yield f'a domain is migrating away from {move.source}'
            if _has_job(there, _IN):
                yield f'a domain is migrating to {move.destination}'
            needed = source.lookupByUUIDString(move.instance).maxMemory()
            free = there.getMemoryStats(
                libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
            )
            usable = free['free'] + free.get('cached', 0)
            if needed > usable:
                yield (
                    f'{move.destination} has {usable >> 10} MiB free, it has'
                    f' {needed >> 10}'
                )
        except libvirt.libvirtError as why:
            yield libvirt_hosts.words(why)

    def _side(self, host: str, uuid: str) -> _Side:
        try:
            domain = self._hosts.way(host).lookupByUUIDString(uuid)
            state, reason = domain.state()
            if state not in _STATES:
                return _Side()
            is_between = (
                state == libvirt.VIR_DOMAIN_PAUSED and reason in _IN_BETWEEN
            )
            return _Side(domain, _STATES[state], is_between, _job(domain))
        except libvirt.libvirtError as why:
            if why.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return _Side()
            raise libvirt_hosts.error(host, why) from why


def _has_job(way: libvirt.virConnect, operation: int) -> bool:
    for one in way.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        found = _job(one)
        if found is not None and found.get('operation') == operation:
            return True
    return False


def _job(domain: libvirt.virDomain) -> dict[str, int] | None:
    """Return the job that is under way; None if there is none, or the
    domain has just gone."""
    try:
        found: dict[str, int] = domain.jobStats()
    except libvirt.libvirtError:
        return None
    return found if found.get('type', 0) in _UNDER_WAY else None


_UNDER_WAY = (
    libvirt.VIR_DOMAIN_JOB_BOUNDED,
    libvirt.VIR_DOMAIN_JOB_UNBOUNDED,
)


def _copied(job: dict[str, int]) -> float | None:
    return sight.copied(job.get('memory_total'), job.get('memory_remaining'))
