# SPDX-License-Identifier: Apache-2.0
"""One connection to libvirtd: what may be asked, and what it tells itself.

Every call may block as long as libvirtd likes; ``hypervisor`` keeps them in
a thread of their own.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import Any, Literal

import libvirt

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import bulk, eventloop, machine

State = Literal[
    'running',
    'blocked',
    'paused',
    'shutdown',
    'shutoff',
    'crashed',
    'pmsuspended',
    'unknown',
]

KEEPALIVE_S = 5
KEEPALIVE_COUNT = 3

_GROUPS = (
    libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_BLOCK
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_PERF
)
DIRTY_RATE = getattr(libvirt, 'VIR_DOMAIN_STATS_DIRTYRATE', 0)
_FLAGS = (
    libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
    | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
)
#: What an event means for what is known of the domain.
Change = Literal['described', 'gone', 'job']
_EVENTS: dict[str, Change] = {
    'METADATA_CHANGE': 'described',
    'BALLOON_CHANGE': 'described',
    'TUNABLE': 'described',
    'DEVICE_ADDED': 'described',
    'DEVICE_REMOVED': 'described',
    'DISK_CHANGE': 'described',
    'IO_ERROR_REASON': 'described',
    # The first one comes as a migration starts to copy memory.
    'MIGRATION_ITERATION': 'job',
    'JOB_COMPLETED': 'job',
}
Changed = Callable[[str, Change], None]
_STATES: dict[int, State] = {
    libvirt.VIR_DOMAIN_RUNNING: 'running',
    libvirt.VIR_DOMAIN_BLOCKED: 'blocked',
    libvirt.VIR_DOMAIN_PAUSED: 'paused',
    libvirt.VIR_DOMAIN_SHUTDOWN: 'shutdown',
    libvirt.VIR_DOMAIN_SHUTOFF: 'shutoff',
    libvirt.VIR_DOMAIN_CRASHED: 'crashed',
    libvirt.VIR_DOMAIN_PMSUSPENDED: 'pmsuspended',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the bulk call said of one domain."""

    uuid: str
    name: str
    #: None when the domain was busy and libvirt only sketched it.
    measured: bulk.Measured | None


@dataclasses.dataclass(frozen=True, slots=True)
class Details:
    """What is only asked again when an event says that it changed."""

    name: str
    state: State
    reason: str | None
    xml: str
    #: libvirt migrates no domain that has snapshots; 0 where nobody wants
    #: to know.
    snapshots: int = 0


class Connection:
    """An open connection; a libvirt error is a HypervisorError."""

    def __init__(
        self,
        uri: str,
        *,
        read_only: bool,
        with_snapshots: bool,
        changed: Changed,
        lost: Callable[[], None],
    ) -> None:
        """Connect; ``changed(uuid, what)`` and ``lost()`` are called later.

        Both are called from the event loop's thread and must return at once.
        """
        eventloop.start()
        opener = libvirt.openReadOnly if read_only else libvirt.open
        self._callbacks: list[int] = []
        self._with_snapshots = with_snapshots
        try:
            self._libvirt = opener(uri)
            self._listen(changed, lost)
        except libvirt.libvirtError as why:
            raise _explain(why) from why

    def hostname(self) -> str:
        """Return the host's name as libvirt, and so Nova, has it."""
        return str(self._call(self._libvirt.getHostname))

    def alive(self) -> bool:
        """Say whether anybody is at the other end."""
        try:
            return bool(self._libvirt.isAlive())
        except libvirt.libvirtError:
            return False

    def active(self) -> set[str]:
        """Return the UUIDs of all active domains; QEMU is not asked."""
        return {_uuid(domain) for domain in self._active()}

    def _active(self) -> list[Any]:
        flag = libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
        return list(self._call(lambda: self._libvirt.listAllDomains(flag)))

    def measure(self, *, dirty_rate: bool) -> list[Answer]:
        """Return one answer for each active domain, by one call.

        If libvirt refuses for all because of one, each is asked alone; the
        one is known to be there, and not measured.
        """
        groups = _GROUPS | (DIRTY_RATE if dirty_rate else 0)
        wall_s = time.time()
        try:
            rows = self._libvirt.getAllDomainStats(groups, _FLAGS)
        except libvirt.libvirtError as why:
            if not self.alive():
                raise _explain(why) from why
            return self._one_by_one(groups, wall_s)
        return [_answer(domain, stats, wall_s) for domain, stats in rows]

    def describe(self, uuid: str) -> Details | None:
        """Return a domain's XML and state; None when it is gone."""
        try:
            domain = self._libvirt.lookupByUUIDString(uuid)
            state, reason = domain.state()
            return Details(
                name=domain.name(),
                state=_STATES.get(state, 'unknown'),
                reason=_reason(state, reason),
                xml=domain.XMLDesc(),
                snapshots=_snapshots(domain) if self._with_snapshots else 0,
            )
        except libvirt.libvirtError as why:
            if why.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise _explain(why) from why

    def job(self, uuid: str) -> sample.Job | None:
        """Return the job that runs on a domain, if any."""
        try:
            domain = self._libvirt.lookupByUUIDString(uuid)
            return bulk.parse_job(domain.jobStats())
        except libvirt.libvirtError as why:
            if self.alive():
                return None
            raise _explain(why) from why

    def machine(self) -> machine.Machine:
        """Return what libvirt says of the host itself."""
        return machine.ask(self._libvirt)

    def close(self) -> None:
        """Let go of the connection; never raises."""
        try:
            for callback in self._callbacks:
                self._libvirt.domainEventDeregisterAny(callback)
            self._libvirt.unregisterCloseCallback()
            self._libvirt.close()
        except libvirt.libvirtError:
            return

    def _call(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except libvirt.libvirtError as why:
            raise _explain(why) from why

    def _listen(self, changed: Changed, lost: Callable[[], None]) -> None:
        self._libvirt.registerCloseCallback(lambda *_: lost(), None)
        # test:///default and old servers know no keepalive, and need none.
        with contextlib.suppress(libvirt.libvirtError):
            self._libvirt.setKeepAlive(KEEPALIVE_S, KEEPALIVE_COUNT)
        self._register('LIFECYCLE', _lifecycle(changed))
        for name, change in _EVENTS.items():
            self._register(name, _callback(changed, change))

    def _register(self, name: str, callback: Callable[..., None]) -> None:
        number = getattr(libvirt, f'VIR_DOMAIN_EVENT_ID_{name}', None)
        if number is None:
            return
        try:
            self._callbacks.append(
                self._libvirt.domainEventRegisterAny(
                    None, number, callback, None
                )
            )
        except libvirt.libvirtError:
            # This driver does not have the event; the slow look-around will
            # find out.
            return

    def _one_by_one(self, groups: int, wall_s: float) -> list[Answer]:
        answers: list[Answer] = []
        nowait = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        for domain in self._active():
            try:
                rows = self._libvirt.domainListGetStats(
                    [domain], groups, nowait
                )
            except libvirt.libvirtError as why:
                if not self.alive():
                    raise _explain(why) from why
                rows = [(domain, {})]
            answers += [_answer(one, stats, wall_s) for one, stats in rows]
        return answers


def _lifecycle(changed: Changed) -> Callable[..., None]:
    gone = (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_CRASHED)

    def callback(_: object, domain: Any, event: int, *__: object) -> None:
        changed(_uuid(domain), 'gone' if event in gone else 'described')

    return callback


def _callback(changed: Changed, change: Change) -> Callable[..., None]:
    return lambda _, domain, *__: changed(_uuid(domain), change)


def _uuid(domain: Any) -> str:
    return str(domain.UUIDString())


def _answer(domain: Any, stats: bulk.Stats, wall_s: float) -> Answer:
    complete = bulk.is_complete(stats)
    return Answer(
        uuid=_uuid(domain),
        name=domain.name(),
        measured=bulk.parse(stats, wall_s) if complete else None,
    )


def _snapshots(domain: Any) -> int:
    """Return how many there are; a driver may know of no such thing."""
    with contextlib.suppress(libvirt.libvirtError):
        return int(domain.snapshotNum())
    return 0


def _explain(why: Exception) -> exception.HypervisorError:
    return exception.HypervisorError(str(why).strip() or 'unknown error')


def _reason(state: int, reason: int) -> str | None:
    """Return libvirt's own word, as ``migration`` or ``user``."""
    prefix = {
        libvirt.VIR_DOMAIN_RUNNING: 'VIR_DOMAIN_RUNNING_',
        libvirt.VIR_DOMAIN_PAUSED: 'VIR_DOMAIN_PAUSED_',
        libvirt.VIR_DOMAIN_SHUTDOWN: 'VIR_DOMAIN_SHUTDOWN_',
        libvirt.VIR_DOMAIN_CRASHED: 'VIR_DOMAIN_CRASHED_',
    }.get(state)
    for name in dir(libvirt) if prefix else ():
        if name.startswith(prefix or '') and getattr(libvirt, name) == reason:
            return name.removeprefix(prefix or '').lower()
    return None
