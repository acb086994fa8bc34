# SPDX-License-Identifier: Apache-2.0
"""Everything that looks at this host, side by side."""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from kvm_insight.model import entity, sample
from kvm_insight.observe import (
    assembly,
    collector,
    descriptor,
    dirty,
    domain,
    host,
    hypervisor,
    knowledge,
    machine,
    myself,
    place,
    population,
    rest,
    roster,
    service,
    tick,
)
from kvm_insight.observe.ledger import choice, port

if TYPE_CHECKING:
    from kvm_insight.observe import dirty_link


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where to look; a temporary directory is a host, too."""

    hypervisor: hypervisor.Settings
    #: libvirt's pid files; None looks through all processes.
    run_dir: pathlib.Path | None = pathlib.Path('/run/libvirt/qemu')
    ledger: str = choice.AUTO
    descriptors: int = descriptor.DEFAULT_BUDGET
    proc: pathlib.Path = pathlib.Path('/proc')
    sysfs: pathlib.Path = pathlib.Path('/sys')
    cgroup_root: pathlib.Path = pathlib.Path('/sys/fs/cgroup')


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What one sweep saw."""

    #: When it began; the domains' counters are of this moment.
    time_us: int
    uptime_us: int
    hypervisor_hostname: str | None
    system: sample.System
    domains: Sequence[sample.Domain]
    #: UUID -> the domain's XML, as far as libvirt gave it.
    xml: dict[str, str | None]
    #: UUID -> how many snapshots it has; told with ``machine``.
    snapshots: dict[str, int]
    #: None between surveys, and where nobody wants to know.
    machine: machine.Surroundings | None
    ledger: sample.Ledger | None
    collectors: list[sample.Collector]
    missing: dict[str, str]
    #: Nothing that libvirt knows can have changed much.
    at_rest: bool


class Observatory:
    """Reads the host in ticks and sweeps; used by one thread."""

    def __init__(self, settings: Settings, load: choice.Load) -> None:
        """Open everything; ConfigError for a ledger that cannot be had."""
        self.ledger = choice.Choice(load, settings.ledger)
        self.ticks = 0
        self._board = collector.Board()
        self._hypervisor = hypervisor.Hypervisor(settings.hypervisor)
        where = place.Place(
            settings.proc,
            settings.sysfs,
            settings.cgroup_root,
            self._board,
            descriptor.Budget(settings.descriptors),
        )
        self._population = population.Population(where)
        self._roster = roster.Roster(settings.proc, settings.run_dir)
        self._ticker = tick.Ticker(where)
        self._host = host.open_host(
            settings.proc, settings.sysfs, settings.cgroup_root, self._board
        )
        self._busy: list[service.Busy] = []
        self._rest = rest.Rest()
        self._dirty = _dirty_rates(settings.hypervisor.dirty_uri)
        self._trees = settings.proc, settings.sysfs

    def start(self, patience_s: float) -> None:
        """Begin; wait so long for libvirt's first answer, and no longer."""
        self._hypervisor.start()
        self._hypervisor.wait_for_round(patience_s)

    def ask(self) -> None:
        """Let libvirt measure for the sweep that comes."""
        self._hypervisor.ask()

    def tick(self) -> None:
        """Notice who came and left; read all threads if the ledger asks."""
        self._hypervisor.tend()
        self._board.run('roster', lambda: self._look(thoroughly=False))
        if self.ledger.ticks:
            self._board.run('tick', self._read_threads)
            self.ticks += 1

    def sweep(self, *, survey: bool) -> Sight:
        """Read everything; what changes slowly only with ``survey``."""
        now_s = time.monotonic()
        time_us, uptime_us = time.time_ns() // 1000, myself.uptime_us()
        run = self._board.run
        run('roster', lambda: self._look(thoroughly=survey))
        people = self._population
        swept = run('domains', lambda: people.sweep(survey=survey)) or []
        ledger = run('ledger', lambda: self._collect(swept))
        system, self._busy = self._host.read(self._population.pids())
        self._population.adopt(self._host.scanner.vhost)
        run('watch', self._watch)
        view = self._hypervisor.view()
        surroundings = self._surroundings(view) if survey else None
        collectors, missing = self._account(view)
        return Sight(
            time_us=time_us,
            uptime_us=uptime_us,
            hypervisor_hostname=view.hostname,
            system=system,
            domains=self._dirtied(
                [
                    assembly.assemble(
                        entry, parts, view.domains.get(entry.uuid), now_s
                    )
                    for entry, parts in swept
                ]
            ),
            xml={name: known.xml for name, known in view.domains.items()},
            snapshots=_snapshots(view) if surroundings is not None else {},
            machine=surroundings,
            ledger=ledger,
            collectors=collectors,
            missing=missing,
            at_rest=self._rest.look(
                uptime_us, system, [parts for _, parts in swept]
            ),
        )

    def measure_dirty(self, uuid: str) -> None:
        """Measure how fast a domain dirties its memory, if it is here."""
        if self._dirty and uuid in self._hypervisor.view().domains:
            self._dirty.ask(uuid)

    def close(self) -> None:
        """Let go of everything; waits for nobody."""
        self._hypervisor.close()
        if self._dirty:
            self._dirty.close()
        self.ledger.close()
        self._ticker.close()
        self._population.close()

    def _look(self, *, thoroughly: bool) -> bool:
        entries = self._roster.look(thoroughly=thoroughly)
        changed = self._population.update(entries)
        if changed:
            self._watch()
        return changed

    def _watch(self) -> None:
        """Tell the ledger who is who now."""
        services = [
            port.Member(
                entity.service(busy.name), busy.pids, cgroup=busy.cgroup
            )
            for busy in self._busy
        ]
        self.ledger.watch(self._population.members() + services)
        if self.ledger.ticks:
            self._ticker.watch(self._busy)

    def _read_threads(self) -> None:
        reading = self._ticker.read(
            self._population.followers(), time.monotonic_ns() // 1000
        )
        self.ledger.tick(reading)

    def _collect(
        self, swept: list[tuple[roster.Entry, domain.Parts]]
    ) -> sample.Ledger | None:
        if self.ledger.ticks:
            self._read_threads()
        return self.ledger.collect(self._population.growth(swept))

    def _dirtied(self, found: list[sample.Domain]) -> list[sample.Domain]:
        """Return them with the dirty rates that somebody asked for."""
        rates = self._dirty
        return [_laid(one, rates) for one in found] if rates else found

    def _surroundings(
        self, view: knowledge.View
    ) -> machine.Surroundings | None:
        told = view.of_machine
        if told is None:
            return None
        return self._board.run(
            'machine', lambda: machine.read(told, *self._trees)
        )

    def _account(
        self, view: knowledge.View
    ) -> tuple[list[sample.Collector], dict[str, str]]:
        collectors, missing = self._board.take()
        if view.trouble is not None:
            missing['libvirt'] = view.trouble[:1024]
        if self.ledger.reason is not None:
            missing['ledger_ebpf'] = self.ledger.reason
        libvirt = sample.Collector(
            name='libvirt',
            duration_us=view.duration_us,
            success=view.trouble is None,
            error=view.trouble and view.trouble[:1024],
        )
        return [*collectors, libvirt], missing


def _snapshots(view: knowledge.View) -> dict[str, int]:
    return {name: known.snapshots for name, known in view.domains.items()}


def _dirty_rates(uri: str | None) -> dirty.DirtyRates | None:
    if uri is None:
        return None
    return dirty.DirtyRates(functools.partial(_connect, uri))


def _connect(uri: str) -> 'dirty_link.Link':
    # The tools are installed without libvirt-python.
    from kvm_insight.observe import dirty_link

    return dirty_link.Link(uri)


def _laid(one: sample.Domain, rates: dirty.DirtyRates) -> sample.Domain:
    """Return it with its dirty rate, if that is there."""
    found = rates.laid(one.memory, one.uuid)
    if not found or one.memory is None:
        return one
    memory = msgspec.structs.replace(one.memory, **found)
    return msgspec.structs.replace(one, memory=memory)
