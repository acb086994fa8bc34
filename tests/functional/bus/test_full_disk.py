# SPDX-License-Identifier: Apache-2.0
"""A disk that is really full: the spool keeps the newest and goes on."""

import os
import pathlib
import subprocess
import time
from collections.abc import Iterator

import pytest

from kvm_insight.bus import spool

NOW_MS = int(time.time() * 1000)


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A file system of eight megabytes."""
    mount = tmp_path / 'disk'
    mount.mkdir()
    subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', str(mount)],
        check=True,
    )
    yield mount
    subprocess.run(['umount', str(mount)], check=True)


def fill(path: pathlib.Path) -> None:
    with path.open('wb', buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def test_a_full_disk_costs_the_oldest_and_room_is_used_again(
    disk: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [NOW_MS / 1000]
    store = spool.Spool(disk / 'spool.db', clock=lambda: now[0])
    values = [os.urandom(12_000) for _ in range(400)]

    def add(some: list[bytes]) -> None:
        for value in some:
            store.append('t', 'k', value, int(now[0] * 1000))
            now[0] += 10

    add(values[:100])
    fill(disk / 'another')
    add(values[100:])
    kept = [one.value for one in store.take(1000)]
    assert kept == values[-len(kept) :]
    assert len(kept) > 50
    assert store.dropped + len(kept) == 400
    store.rewind()
    store.ack([one.id for one in store.take(20)])
    assert store.pending == len(kept) - 20
    (disk / 'another').unlink()
    add(values[:100])
    assert store.pending == len(kept) - 20 + 100
    assert [r.levelname for r in caplog.records] == ['ERROR', 'WARNING']
    store.close()


def test_records_on_a_full_disk_survive_a_restart(
    disk: pathlib.Path,
) -> None:
    path = disk / 'spool.db'
    store = spool.Spool(path)
    fill(disk / 'another')
    values = [os.urandom(12_000) for _ in range(400)]
    for value in values:
        store.append('t', 'k', value, NOW_MS)
    pending = store.pending
    store.close()
    store = spool.Spool(path)
    assert store.pending == pending
    assert store.take(1000)[-1].value == values[-1]
    store.close()
