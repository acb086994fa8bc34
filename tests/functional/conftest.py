# SPDX-License-Identifier: Apache-2.0
"""Real libvirt and real guests for the functional tests."""

import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator

import pytest
from broker import node
from lab import daemon, failure, guest, virt


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies under this folder is functional, and comes last: first
    of it what needs a cloud, which begins while the others run."""
    here = pathlib.Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        if here not in item.path.parents:
            return 0
        return 1 if here / 'cloud' in item.path.parents else 2

    for item in items:
        if turn(item):
            item.add_marker(pytest.mark.functional)
    items.sort(key=turn)


@pytest.fixture(scope='session')
def private_lab() -> Iterator[Callable[[], daemon.Lab]]:
    """A maker of private libvirtds; all are ended after the last test."""
    homes: list[daemon.Lab] = []

    def make() -> daemon.Lab:
        folder = tempfile.mkdtemp(prefix='kvm-insight-lab-', dir='/var/tmp')
        lab = daemon.Lab(pathlib.Path(folder))
        homes.append(lab)
        lab.up()
        return lab

    yield make
    for lab in homes:
        lab.down()
        shutil.rmtree(lab.home, ignore_errors=True)


@pytest.fixture(scope='session')
def lab(private_lab: Callable[[], daemon.Lab]) -> daemon.Lab:
    """The private libvirtd that most tests share."""
    return private_lab()


@pytest.fixture(scope='session')
def virt_type(lab: daemon.Lab) -> str:
    """``kvm`` where a guest boots with it, else ``qemu``."""
    return virt.decide(lab.place.kernel, lab.place.initrd)


class Guests:
    """The guests of one test; they end with it."""

    def __init__(self, lab: daemon.Lab, virt_type: str) -> None:
        self.lab = lab
        self._virt = virt_type
        self._names: list[str] = []

    def start(
        self, name: str, cpus: str, sched: str, **options: object
    ) -> guest.Guest:
        """Start a guest; ``options`` are the fields of ``guest.Guest``."""
        options.setdefault('virt', self._virt)
        new = guest.Guest(name, cpus, sched, **options)  # type: ignore[arg-type]
        self._names.append(name)
        return self.lab.start(new)

    def wait_booted(self, timeout_s: float = 60) -> None:
        """Return when each guest has begun its load."""
        end = time.monotonic() + timeout_s
        for name in self._names:
            while '\nphase' not in self.lab.console(name):
                if time.monotonic() > end:
                    raise failure.LabError(f'{name} does not come up')
                time.sleep(0.2)

    def stop(self) -> None:
        """End them all."""
        self.lab.stop(*self._names)
        self._names.clear()


@pytest.fixture
def guests(lab: daemon.Lab, virt_type: str) -> Iterator[Guests]:
    """Guests of this test alone, in the shared private libvirtd."""
    mine = Guests(lab, virt_type)
    yield mine
    mine.stop()


@pytest.fixture(scope='session')
def broker() -> Iterator[node.Broker]:
    """A real broker for the whole run; topics of its own for each test."""
    folder = tempfile.mkdtemp(prefix='kvm-insight-broker-', dir='/var/tmp')
    made = node.Broker(pathlib.Path(folder))
    try:
        made.up()
        yield made
    finally:
        made.wipe()
