# SPDX-License-Identifier: Apache-2.0
"""The agent: observe a host, say whose it all is, publish, once an interval.

Nothing outside can stop it: libvirt answers from a thread, the bus takes
from a spool, a collector that breaks breaks alone.
"""

import dataclasses
import gc
import importlib.metadata
import logging
import pathlib
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import cast

from stevedore import driver

from kvm_insight import exception, portrait
from kvm_insight.bus import spool, topic
from kvm_insight.identify import catalog, mapping
from kvm_insight.model import codec, host_config, sample
from kvm_insight.observe import assembly, myself, observatory, schedule
from kvm_insight.observe.ledger import port

LOG = logging.getLogger(__name__)

_FIRST_ANSWER_S = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the operator decides."""

    host: str
    observatory: observatory.Settings
    schedule: schedule.Settings
    topic: str = topic.PREFIX + topic.SAMPLES
    #: Where it tells how host and domains are built; None keeps it silent.
    config_topic: str | None = None
    #: Below which it reads how the host is configured.
    root: pathlib.Path = pathlib.Path('/')
    compute_id: str | None = None
    owners: mapping.Owners | None = None


class Agent:
    """Watches one host until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        store: spool.Spool,
        *,
        reload: Callable[[], Settings] | None = None,
        notify: Callable[[str], None] = lambda _: None,
        on_sample: Callable[[sample.Sample], None] = lambda _: None,
    ) -> None:
        """Open what it needs; ConfigError for what cannot be had.

        ``reload`` returns new settings, or raises ConfigError; ``notify``
        takes systemd's words, ``on_sample`` each sample as it is made.
        """
        self._settings = settings
        self._store = store
        self._reload = reload
        self._notify = notify
        self._on_sample = on_sample
        self._observatory = observatory.Observatory(
            settings.observatory, load_ledger
        )
        self._catalog = catalog.Catalog(settings.owners)
        self._portrait = portrait.Portrait(settings.root)
        self._version = importlib.metadata.version('kvm-insight')
        self._agent_id = uuid.uuid4().hex
        self._boot_id = myself.read_boot_id(settings.observatory.proc)
        self._sequence = 0
        self._last_us: int | None = None
        self._at_rest = False
        self._reloading = threading.Event()

    def request_reload(self) -> None:
        """Read mapping and mutable options anew before the next step."""
        self._reloading.set()

    def measure_dirty(self, uuid: str) -> None:
        """Measure how fast a domain dirties its memory; from any thread."""
        self._observatory.measure_dirty(uuid)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        try:
            self._observatory.start(_FIRST_ANSWER_S)
            self._sweep(survey=True)
            # What is there now stays: modules, types, options. Without this
            # each full collection looks through all of it, for 10 ms.
            gc.collect()
            gc.freeze()
            self._notify('READY=1')
            self._work(stop)
        finally:
            self._notify('STOPPING=1')
            self._observatory.close()

    def _work(self, stop: threading.Event) -> None:
        plan = self._plan()
        while not stop.is_set():
            due_s, step = plan.next()
            if stop.wait(max(0.0, due_s - time.monotonic())):
                return
            if self._reloading.is_set():
                plan = self._apply_reload(plan)
            try:
                self._make(step, survey=plan.survey)
            except Exception:
                LOG.exception('%s failed; the next one comes', step)
            self._notify('WATCHDOG=1')
            plan.done(step, time.monotonic())
            plan.rest(self._at_rest)
            plan.look_only(not self._observatory.ledger.ticks)

    def _make(self, step: schedule.Step, *, survey: bool) -> None:
        if step == 'tick':
            self._observatory.tick()
        elif step == 'ask':
            self._observatory.ask()
        else:
            self._sweep(survey=survey)

    def _sweep(self, *, survey: bool) -> None:
        """Make one sample of everything and hand it on."""
        sight = self._observatory.sweep(survey=survey)
        domains, misfits = self._identify(sight)
        now = self._sample(sight, domains, misfits)
        self._sequence += 1
        self._at_rest = sight.at_rest
        self._last_us = now.uptime_us
        self._notify(f'STATUS={len(domains)} domains, {self._words()}')
        self._put(self._settings.topic, now, sample.SCHEMA)
        self._tell_config(now, sight)
        self._on_sample(now)

    def _put(
        self,
        topic_name: str,
        one: sample.Sample | host_config.HostConfig,
        schema: str,
    ) -> None:
        """Hand a record to the spool."""
        try:
            self._store.append(
                topic_name,
                one.host,
                codec.encode(one),
                one.time_us // 1000,
                {'schema': schema.encode()},
            )
        except exception.BusError as why:
            LOG.error('a record for %s is lost: %s', topic_name, why)

    def _tell_config(
        self, now: sample.Sample, sight: observatory.Sight
    ) -> None:
        """Tell how host and domains are built, if that is new."""
        name = self._settings.config_topic
        if name is None:
            return
        try:
            told = self._portrait.of(now, sight)
        except exception.CollectorError as why:
            LOG.error('%s', why)
            return
        if told is not None:
            self._put(name, told, host_config.SCHEMA)

    def _identify(
        self, sight: observatory.Sight
    ) -> tuple[list[sample.Domain], list[str]]:
        """Return the domains with their owners, and what cannot be told."""
        described: list[sample.Domain] = []
        for found in sight.domains:
            said = self._catalog.describe(
                found.uuid, found.name, sight.xml.get(found.uuid)
            )
            whole = assembly.described(
                found,
                said.identity,
                said.vcpus_maximum,
                said.paths,
                said.limits,
            )
            described.append(whole)
        domains, misfits = assembly.fit_all(described)
        for misfit in misfits:
            LOG.error('%s', misfit)
        self._catalog.keep([found.uuid for found in sight.domains])
        return domains, misfits

    def _sample(
        self,
        sight: observatory.Sight,
        domains: list[sample.Domain],
        misfits: list[str],
    ) -> sample.Sample:
        settings = self._settings
        identify = sample.Collector(
            name='identify',
            duration_us=0,
            success=not misfits,
            error=misfits[0] if misfits else None,
        )
        since_us = self._last_us
        return sample.Sample(
            host=settings.host,
            hypervisor_hostname=sight.hypervisor_hostname,
            compute_id=settings.compute_id,
            boot_id=self._boot_id,
            agent_id=self._agent_id,
            sequence=self._sequence,
            time_us=sight.time_us,
            uptime_us=sight.uptime_us,
            interval_us=(
                None if since_us is None else sight.uptime_us - since_us
            ),
            missing=sight.missing,
            agent=sample.Agent(
                version=self._version,
                dropped=self._store.dropped,
                spooled=self._store.pending,
                identity_failures=self._catalog.failures(),
                ticks=self._observatory.ticks,
                cpu_us=myself.cpu_us(),
                rss_bytes=myself.read_rss_bytes(settings.observatory.proc),
                collectors=[*sight.collectors, identify],
            ),
            system=sight.system,
            domains=domains,
            ledger=sight.ledger,
        )

    def _words(self) -> str:
        ledger = self._observatory.ledger
        waiting = self._store.pending
        return f'ledger {ledger.source}, {waiting} records in the spool'

    def _plan(self) -> schedule.Schedule:
        return schedule.Schedule(
            self._settings.schedule, time.monotonic(), random.random
        )

    def _apply_reload(self, plan: schedule.Schedule) -> schedule.Schedule:
        """Return the plan to go on with; a mistake changes nothing."""
        self._reloading.clear()
        if self._reload is None:
            return plan
        self._notify(
            f'RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}'
        )
        try:
            new = self._reload()
        except exception.ConfigError as why:
            LOG.error('reload refused, all stays as it was: %s', why)
            return plan
        finally:
            self._notify('READY=1')
        LOG.info('reloaded')
        self._catalog.adopt(new.owners or mapping.Owners())
        changed = new.schedule != self._settings.schedule
        self._settings = dataclasses.replace(
            self._settings, owners=new.owners, schedule=new.schedule
        )
        return self._plan() if changed else plan


def load_ledger(name: str) -> port.Collector:
    """Return the ledger plugin; LedgerError when it cannot run here."""
    manager: driver.DriverManager[object] = driver.DriverManager(
        'kvm_insight.ledger',
        name,
        on_load_failure_callback=_refuse,
    )
    return cast(Callable[[], port.Collector], manager.driver)()


def _refuse(manager: object, entry_point: object, why: BaseException) -> None:
    raise exception.ConfigError(
        f'the ledger plugin {entry_point} cannot be loaded: {why}'
    ) from why
