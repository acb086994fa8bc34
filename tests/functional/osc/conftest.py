# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-api`` of a small cloud, and ``openstack`` that asks it."""

import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest
import sqlalchemy as sa

from kvm_insight.bus import driver, port, tail, topic
from kvm_insight.model import codec, control, entity, inventory, usage
from kvm_insight.store import engine, schema, settings
from tests import filling
from tests.unit.api import conftest as units
from tests.unit.store import filling as hours

BIN = pathlib.Path(sys.executable).parent
PREFIX = 'kvm-insight.'
#: Between what one command and the next one writes.
MARK = '=== next ==='


@dataclasses.dataclass
class Cloud:
    """Where it is asked, and what of it can be looked at from behind."""

    endpoint: str
    token_file: pathlib.Path
    folder: pathlib.Path

    def said(self) -> dict[str, control.Order | None]:
        """Return the newest word in each matter that is on the bus."""
        bus = open_bus(self.folder)
        reader = tail.Tail(bus, [PREFIX + topic.CONTROL])
        try:
            return {
                str(one.key): codec.decode(one.value, control.Order)
                if one.value
                else None
                for one in reader.begin(0)
            }
        finally:
            reader.close()
            bus.close()

    def environment(self) -> dict[str, str]:
        """Return what ``openstack`` is told of it."""
        return environment(
            OS_AUTH_TYPE='kvm_insight',
            OS_ENDPOINT=self.endpoint,
            OS_INSIGHT_TOKEN_FILE=str(self.token_file),
        )


def environment(**more: str) -> dict[str, str]:
    """Return one without another cloud's variables, and with these."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith('OS_') and 'proxy' not in name.lower()
    }
    return {**kept, 'COLUMNS': '200', **more}


def openstack(
    surroundings: Mapping[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """Run ``openstack`` once."""
    return subprocess.run(
        [BIN / 'openstack', *words],
        env=dict(surroundings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def interactive(
    surroundings: Mapping[str, str], commands: Sequence[str]
) -> tuple[list[str], str]:
    """Let one interactive ``openstack`` run them all; return what it wrote
    after each, and all its errors."""
    lines = [f'{one}\n!echo {MARK}\n' for one in commands]
    done = subprocess.run(
        [BIN / 'openstack'],
        env=dict(surroundings),
        input=''.join(lines),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    parts = done.stdout.split(f'{MARK}\n')
    assert len(parts) == len(commands) + 1, done.stdout + done.stderr
    return parts[:-1], done.stderr


def open_bus(folder: pathlib.Path) -> port.Bus:
    return driver.open_bus('embedded', {'path': str(folder / 'bus.db')})


#: What was said before, and can be listed and taken back.
ORDERS = [
    control.Order(
        kind='acknowledgement',
        about='finding',
        subject='f-1',
        by='olga',
        made_us=filling.NOW_US,
    ),
    control.Order(
        kind='opt_out',
        about='project',
        subject='beta',
        made_us=filling.NOW_US,
    ),
    control.Order(
        kind='blackout',
        about='cloud',
        name='nightly',
        reason='backups, "all" of them',
        made_us=filling.NOW_US,
        begins_us=filling.NOW_US,
        ends_us=filling.NOW_US + filling.HOUR_US,
        every_s=86400,
    ),
]


def fill(database: sa.Engine) -> None:
    """The unit tests' cloud, an hour of its use, and an advice."""
    units.fill(database)
    one = filling.uuid(1)
    with database.begin() as store:
        made = filling.Filling(store)
        for order in ORDERS:
            made.order(order)
        hours.Filling(store).hour(
            usage.HostUsage(
                host='r/h1',
                start_us=filling.HOUR * filling.HOUR_US,
                agent_id='agent',
                first_sequence=1,
                last_sequence=360,
                samples=360,
                measured_us=filling.HOUR_US,
                cpus=8,
                instances=[
                    usage.Instance(
                        uuid=one,
                        project_id='alpha',
                        vcpus=2,
                        cpu=usage.Cpu(
                            measured_us=filling.HOUR_US,
                            run_us=10**9,
                            delay_us=4 * 10**8,
                        ),
                    )
                ],
                entities=[entity.domain(one), entity.domain(filling.uuid(3))],
                charges=[(0, 1, 3 * 10**8), (1, 0, 10**8)],
            )
        )
        made.fact(
            inventory.AggregateAdvice(
                aggregate='7',
                name='fast',
                hosts=2,
                change='lower',
                current=16.0,
                advised=4.0,
                reason='waits',
                waited=0.2,
                host_hours=48,
            )
        )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope='session')
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud, and the real service that answers for it."""
    folder = pathlib.Path(tmp_path_factory.mktemp('insight'))
    url = f'sqlite:///{folder}/store.db'
    database = engine.connect(settings.Settings(connection=url))
    schema.upgrade(database)
    fill(database)
    database.dispose()
    where = free_port()
    (folder / 'insight.conf').write_text(
        f'[DEFAULT]\n[bus]\npath = {folder}/bus.db\n'
        f'[database]\nconnection = {url}\n'
        f'[api]\nport = {where}\ntoken_file = {folder}/token\n'
    )
    with serving(folder, where):
        yield Cloud(f'http://127.0.0.1:{where}', folder / 'token', folder)


@contextlib.contextmanager
def serving(folder: pathlib.Path, where: int) -> Iterator[None]:
    """Let ``kvm-insight-api`` run."""
    words = ['--config-file', str(folder / 'insight.conf')]
    with (folder / 'log').open('w') as log:
        child = subprocess.Popen(
            [BIN / 'kvm-insight-api', *words], stdout=log, stderr=log
        )
    try:
        wait_for(where, child, folder / 'log')
        yield
    finally:
        child.terminate()
        child.wait(20)


def wait_for(
    where: int, child: subprocess.Popen[bytes], log: pathlib.Path
) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert child.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', where), 1).close()
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
