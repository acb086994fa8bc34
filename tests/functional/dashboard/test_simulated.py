# SPDX-License-Identifier: Apache-2.0
"""A simulated host with a noisy guest, as analyzer and recorder tell of it."""

import dataclasses
import pathlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from screen import browser, site

from kvm_insight import analyzer, recorder
from kvm_insight.bus import driver, port, topic
from kvm_insight.cmd import outlet
from kvm_insight.conf import analyzer as analyzer_options
from kvm_insight.conf import recorder as recorder_options
from kvm_insight.model import usage
from kvm_insight.simulate import scenario, simulation
from kvm_insight.store import rollup, schema, table
from kvm_insight.store.write import book

#: An hour ends while the host is watched: one of today, as the bus forgets.
THIS_HOUR = time.time_ns() // 1000 // usage.HOUR_US
BEGIN_US = (THIS_HOUR - 1) * usage.HOUR_US - 800_000_000
HOURS = 0.4
NOW_US = BEGIN_US + int(HOURS * usage.HOUR_US)


def simulated(bus: port.Bus) -> str:
    """Publish some time of a host on which one takes too much; return its
    name."""
    (scene,) = scenario.build('chronic', 1, cpus=4, hours=HOURS)
    agent = dataclasses.replace(scene.agent, begin_us=BEGIN_US)
    scene = dataclasses.replace(scene, agent=agent)
    host = ''
    with outlet.to_bus(bus, topic.PREFIX + topic.SAMPLES) as out:
        for one in simulation.Simulation(scene).samples():
            host = one.host
            out.take(one)
    return host


def told(database: sa.Engine) -> bool:
    """Say whether the store has what the pages are to show."""
    seen = sa.select(sa.func.count(table.HOST.c.report_us))
    with database.connect() as store:
        return bool(store.scalar(seen)) and all(
            store.scalar(sa.select(sa.func.count()).select_from(one))
            for one in (table.FINDING, rollup.HOST_HOUR)
        )


def worked(bus: port.Bus, database: sa.Engine) -> None:
    """Let analyzer and recorder run until all is there."""
    stop = threading.Event()
    services: list[Callable[[threading.Event], object]] = [
        analyzer.Analyzer(
            bus, analyzer_options.Settings(prefix=topic.PREFIX)
        ).run,
        recorder.Recorder(
            bus,
            book.Book(database),
            recorder_options.Settings(
                prefix=topic.PREFIX,
                keep_hours_days=3650,
                keep_days_days=3650,
                keep_findings_days=3650,
            ),
        ).run,
    ]
    threads = [threading.Thread(target=one, args=(stop,)) for one in services]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 120
    try:
        while not told(database) and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert told(database)


@dataclasses.dataclass
class Scene:
    """What was simulated, and the page about it."""

    site: site.Site
    host: str


@pytest.fixture(scope='module')
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: pathlib.Path = tmp_path_factory.mktemp('simulated')
    bus = driver.open_bus('embedded', {'path': str(folder / 'samples.db')})
    bus.create_topics(topic.layout(partitions=1))
    host = simulated(bus)

    def fill(database: sa.Engine) -> None:
        schema.upgrade(database)
        worked(bus, database)

    with site.serving(folder, fill, NOW_US) as served:
        yield Scene(served, host)
    bus.close()


def test_pages_show_the_noisy_guest(
    chromium: browser.Driver, scene: Scene, pictures: pathlib.Path
) -> None:
    found = browser.Browser(chromium, scene.site.url)
    found.mode()
    found.become(site.TOKENS['operator'])
    found.trouble()
    found.look('/')
    assert scene.host in found.one('.map').get_attribute('textContent')  # type: ignore[operator]
    found.shot(pictures / 'simulated-cluster.png')
    found.look(f'/hosts/{scene.host}')
    found.shot(pictures / 'simulated-host.png')
    assert found.run("return document.querySelectorAll('canvas').length") > 0
    # Ledgers are simulated slice by slice only: it must not look as well.
    assert 'no ledger was kept' in found.one('main').text
    found.look('/findings')
    found.one('tbody a').click()
    found.wait("return document.querySelector('.summary')")
    found.shot(pictures / 'simulated-finding.png')
    assert scene.host in found.one('main').text
    assert found.trouble() == []
