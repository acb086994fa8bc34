# SPDX-License-Identifier: Apache-2.0
"""The readers on real QEMU processes: what the kernel says is what we say."""

import pathlib
import subprocess
import time
from typing import Any

import pytest

from kvm_insight.model import entity
from kvm_insight.observe import collector, domain, host, place, tick
from kvm_insight.observe.ledger import sampled

PROC = pathlib.Path('/proc')
SYS = pathlib.Path('/sys')
CGROUP = pathlib.Path('/sys/fs/cgroup')


@pytest.fixture
def source() -> place.Place:
    return place.Place(PROC, SYS, CGROUP, collector.Board())


def opened(source: place.Place, pid: int) -> domain.Domain:
    found = domain.open_domain(source, pid)
    assert found is not None
    return found


def test_a_guest_under_quota_is_read_as_it_is_set(
    guests: Any, source: place.Place
) -> None:
    guests.start('quota', '0-1', '120:100', vcpus=2, loops=2, quota=30)
    guests.wait_booted()
    pid = guests.lab.qemu_pids()['quota']
    found = opened(source, pid)
    before = found.sweep(source.shared())
    began = time.monotonic()
    time.sleep(5)
    after = found.sweep(source.shared())
    seconds = time.monotonic() - began
    assert before is not None
    assert after is not None
    assert [vcpu.index for vcpu in after.vcpus] == [0, 1]
    assert all(vcpu.affinity == '0-1' for vcpu in after.vcpus)
    assert after.cpu is not None
    assert (after.cpu.vcpu_quota_us, after.cpu.vcpu_period_us) == (
        30_000,
        100_000,
    )
    assert found.throttles
    for then, now in zip(before.vcpus, after.vcpus, strict=True):
        run_s = ((now.run_us or 0) - (then.run_us or 0)) / 1e6
        held_s = ((now.throttled_us or 0) - (then.throttled_us or 0)) / 1e6
        assert 0 < run_s <= 0.33 * seconds + 0.1
        assert held_s > 0
        # Run delay contains what the quota took.
        delay_us = (now.run_delay_us or 0) - (then.run_delay_us or 0)
        assert delay_us / 1e6 >= held_s * 0.9
    emulator = after.threads[0]
    assert emulator.kind == 'emulator'
    assert emulator.threads >= 1
    threads = len(list((PROC / str(pid) / 'task').iterdir()))
    assert threads == 2 + sum(kind.threads for kind in after.threads)
    assert after.memory.rss_bytes
    assert after.memory.rss_bytes > 30 << 20
    account, missing = source.board.take()
    assert [line for line in account if not line.success] == []
    assert after.pressure is not None or missing['domain_pressure']
    found.close()
    assert source.budget.used == 0


def test_a_guest_that_is_destroyed_between_two_reads_is_just_gone(
    guests: Any, source: place.Place
) -> None:
    guests.start('brief', '0-1', '120:10')
    pid = guests.lab.qemu_pids()['brief']
    found = opened(source, pid)
    assert found.sweep() is not None
    guests.stop()
    end = time.monotonic() + 20
    while found.sweep() is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found.gone
    assert not found.tick()
    assert domain.open_domain(source, pid) is None
    assert all(line.success for line in source.board.take()[0])


def test_sampled_names_the_pinned_aggressor_and_no_bystander(
    guests: Any, source: place.Place
) -> None:
    guests.start('victim', '0', '120:100')
    guests.start('noisy', '0', '120:100')
    guests.start('bystander', '1', '120:100')
    guests.wait_booted()
    pids = guests.lab.qemu_pids()
    uuids = {
        name: f'00000000-0000-4000-8000-{i:012d}'
        for i, name in enumerate(('victim', 'noisy', 'bystander'))
    }
    found = {
        entity.domain(uuid): opened(source, pids[name])
        for name, uuid in uuids.items()
    }
    machine = host.open_host(PROC, SYS, CGROUP, source.board)
    own = [pid for each in found.values() for pid in each.pids]
    ticker = tick.Ticker(source)
    ledger = sampled.Sampled()
    before = {name: each.sweep() for name, each in found.items()}
    for _ in range(9):
        ledger.tick(ticker.read(found, time.monotonic_ns() // 1000))
        _, busy = machine.read(own)
        ticker.watch(busy)
        time.sleep(1)
    ledger.tick(ticker.read(found, time.monotonic_ns() // 1000))
    grown = {}
    for name, each in found.items():
        older, newer = before[name], each.sweep()
        assert older is not None
        assert newer is not None
        uuid = entity.uuid_of(name)
        assert uuid is not None
        grown[uuid] = (newer.run_delay_us or 0) - (older.run_delay_us or 0)
    told = ledger.collect(grown)
    # Sweeps and ticks are some ms apart, threads come and go between.
    assert told.completeness == pytest.approx(1, abs=0.05)
    rows = {row.victim: row.charges for row in told.rows}
    names = {name: entity.domain(uuid) for name, uuid in uuids.items()}
    charges = rows[uuids['victim']]
    assert charges[names['noisy']] > 1_000_000
    assert charges.get(names['bystander'], 0) < charges[names['noisy']] / 10
    assert charges.get(names['victim'], 0) < charges[names['noisy']] / 5
    assert charges.get(entity.UNATTRIBUTED, 0) < sum(charges.values()) / 100
    ticker.close()
    for each in found.values():
        each.close()
    assert source.budget.used == 0


def test_a_busy_command_of_the_host_is_named(tmp_path: pathlib.Path) -> None:
    program = tmp_path / 'crunchd'
    program.symlink_to('/bin/sh')
    with subprocess.Popen([program, '-c', 'while :; do :; done']) as child:
        try:
            board = collector.Board()
            machine = host.open_host(PROC, SYS, CGROUP, board)
            machine.read(())
            time.sleep(3)
            system, busy = machine.read(())
            names = [service.name for service in system.services or ()]
            # Its own name where the tests are in no unit, else the unit's.
            ours = next(each for each in busy if child.pid in each.pids)
            assert ours.name in names[:5]
            assert ours.run_us > 500_000
        finally:
            child.kill()
