# SPDX-License-Identifier: Apache-2.0
"""From a real host with a real guest to rows of what is set up badly."""

import contextlib
import os
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
import sqlalchemy as sa
from lab import daemon

from kvm_insight import adviser, recorder
from kvm_insight.advise import answer, check
from kvm_insight.bus import driver, port, tail, topic
from kvm_insight.conf import analyzer as options
from kvm_insight.conf import recorder as recorder_options
from kvm_insight.model import codec, configuration, host_config
from kvm_insight.store import engine, schema, settings, table
from kvm_insight.store.write import book
from tests.functional.agent import conftest
from tests.functional.conftest import Guests

pytestmark = pytest.mark.timeout(180)


class Runs(Protocol):
    def run(self, stop: threading.Event) -> None: ...


@contextlib.contextmanager
def running(*services: Runs) -> Iterator[None]:
    """Run these in threads of this process."""
    stop = threading.Event()
    threads = [threading.Thread(target=x.run, args=(stop,)) for x in services]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        stop.set()
        for one in threads:
            one.join(20)
            assert not one.is_alive()


def until(what: Callable[[], bool], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end
        time.sleep(0.3)


@pytest.fixture
def database(tmp_path: pathlib.Path) -> Iterator[sa.Engine]:
    url = f'sqlite:///{tmp_path}/store.db'
    made = engine.connect(settings.Settings(connection=url))
    schema.upgrade(made)
    yield made
    made.dispose()


class Told:
    """What is on the bus."""

    def __init__(self, bus: port.Bus) -> None:
        self._bus = bus

    def configs(self) -> list[host_config.HostConfig]:
        values = self._values(topic.HOST_CONFIG)
        return [codec.decode(x, host_config.HostConfig) for x in values]

    def findings(self) -> dict[str, configuration.Finding]:
        values = self._values(topic.FINDINGS)
        found = [codec.decode(x, configuration.Finding) for x in values]
        return {one.id: one for one in found}

    def _values(self, name: str) -> list[bytes]:
        reader = tail.Tail(self._bus, [topic.PREFIX + name])
        try:
            return [one.value or b'' for one in reader.begin(0)]
        finally:
            reader.close()


def bad(one: host_config.HostConfig) -> set[tuple[str, str | None]]:
    return {
        (x.check, x.uuid)
        for x in answer.of(one)
        if isinstance(x.outcome, check.Bad)
    }


def open_of(told: Told) -> set[tuple[str, str | None]]:
    return {
        (x.check, x.party.uuid if x.party else None)
        for x in told.findings().values()
        if x.state == 'open'
    }


def test_what_a_host_tells_becomes_rows_that_open_and_close(
    lab: daemon.Lab,
    guests: Guests,
    watch: Callable[..., conftest.Watched],
    database: sa.Engine,
) -> None:
    guest = guests.start('web', '0', '600:2')
    seen = watch(
        lab,
        agent__tell_config='true',
        agent__ledger='sampled',
        # A libvirtd that just started asks each QEMU what it can do.
        agent__libvirt_timeout_s='20',
    )
    seen.wait(lambda one: len(one.domains) == 1, 30)
    path = str(seen.folder / 'bus.db')
    bus = driver.open_bus('embedded', {'path': path})
    told = Told(bus)
    until(lambda: any(x.facts and x.domains for x in told.configs()), 60)
    newest = told.configs()[-1]
    assert newest.facts is not None
    assert newest.facts.kernel_release == os.uname().release
    (domain,) = newest.domains
    assert domain.facts is not None
    assert (domain.uuid, domain.facts.vcpus) == (guest.uuid, 1)
    # What moves by itself was not told again at each look.
    before = len(told.configs())
    seen.more(6)
    assert len(told.configs()) == before
    services: tuple[Runs, Runs] = (
        adviser.Adviser(bus, options.Settings()),
        recorder.Recorder(
            bus, book.Book(database), recorder_options.Settings()
        ),
    )
    with running(*services):
        expected = bad(newest)
        assert expected
        until(lambda: open_of(told) == expected, 30)
        until(lambda: rows(database) == told.findings(), 30)
        guests.stop()
        until(lambda: not told.configs()[-1].domains, 30)
        until(lambda: open_of(told) == bad(told.configs()[-1]), 30)
        until(lambda: rows(database) == told.findings(), 30)
    bus.close()
    of_guest = [x for x in told_of(database) if x.party]
    assert {x.closed_reason for x in of_guest} <= {'gone'}
    # Nobody waited for any of it.
    intervals = [x.interval_us for x in seen.samples if x.interval_us]
    assert max(intervals) < 2_500_000


def told_of(database: sa.Engine) -> list[configuration.Finding]:
    with database.connect() as connection:
        query = sa.select(table.CONFIGURATION_FINDING.c.record)
        records = connection.execute(query).scalars().all()
    return [codec.decode(one, configuration.Finding) for one in records]


def rows(database: sa.Engine) -> dict[str, configuration.Finding]:
    return {one.id: one for one in told_of(database)}
