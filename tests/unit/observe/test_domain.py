# SPDX-License-Identifier: Apache-2.0
"""One domain, read whole, on each kind of host."""

import pathlib
import shutil

import pytest

from kvm_insight.model import entity, sample
from kvm_insight.observe import domain, service, tick

from . import planting

UUID = '11111111-2222-4333-8444-555555555555'


def opened(root: pathlib.Path, pid: int) -> domain.Domain:
    found = domain.open_domain(planting.source(root), pid)
    assert found is not None
    return found


def test_a_guest_under_systemd_and_v2(plant: planting.Plant) -> None:
    root = plant('v2_systemd', 'kvm_statistics', 'resctrl')
    source = planting.source(root)
    found = domain.open_domain(source, 4000)
    assert found is not None
    parts = found.sweep(source.shared())
    assert parts is not None
    assert parts.epoch == '4000.5000'
    assert parts.vcpus[0] == sample.Vcpu(
        index=0,
        tid=4007,
        run_us=90_000_000,
        run_delay_us=7_000_000,
        slices=12_000,
        state='R',
        affinity='2-3',
        last_cpu=2,
        throttled_us=1_500_000,
    )
    assert {t.kind: (t.threads, t.run_us) for t in parts.threads} == {
        'emulator': (4, 3_016_000),
        'iothread': (1, 2_000_000),
        'vhost': (1, 4_000_000),
    }
    assert parts.affinity == '0-7'
    assert parts.kvm is not None
    assert parts.monitored is not None
    assert parts.monitored.cache_occupancy_bytes == 1_200_000
    assert parts.pressure is not None
    assert found.throttles
    assert source.board.take()[1] == {}
    delays = sum(v.run_delay_us or 0 for v in parts.vcpus) + sum(
        t.run_delay_us or 0 for t in parts.threads
    )
    assert parts.run_delay_us == delays


def test_kernel_threads_of_vhost_are_adopted_and_kept_when_they_end(
    plant: planting.Plant,
) -> None:
    root = plant('v1_systemd')
    found = opened(root, 4200)
    found.adopt((4212, 4213))
    assert found.pids == (4200, 4212, 4213)
    parts = found.sweep()
    assert parts is not None
    vhost = parts.threads[-1]
    assert (vhost.kind, vhost.threads) == ('vhost', 2)
    assert vhost.run_us == 6_000_000
    before = parts.run_delay_us
    shutil.rmtree(root / 'proc/4213')
    parts = found.sweep()
    assert parts is not None
    vhost = parts.threads[-1]
    assert (vhost.threads, vhost.run_us) == (1, 6_000_000)
    assert parts.run_delay_us == before
    found.close()


def test_what_v1_cannot_tell_is_listed_once_with_the_reason(
    plant: planting.Plant,
) -> None:
    root = plant('v1_systemd')
    source = planting.source(root)
    found = domain.open_domain(source, 4200)
    assert found is not None
    assert found.sweep(source.shared()) is not None
    missing = source.board.take()[1]
    assert set(missing) == {
        'domain_ksm',
        'domain_pressure',
        'kvm',
        'resctrl',
    }
    assert missing['domain_pressure'] == 'cgroup v1 has no pressure files'


def test_a_recorded_guest_of_libvirt_without_systemd(
    plant: planting.Plant,
) -> None:
    root = plant('hybrid')
    pid = int(next((root / 'proc').glob('[0-9]*')).name)
    found = opened(root, pid)
    parts = found.sweep()
    assert parts is not None
    assert [vcpu.index for vcpu in parts.vcpus] == [0, 1]
    assert all(vcpu.run_us and vcpu.slices for vcpu in parts.vcpus)
    assert parts.cpu is not None
    assert parts.cpu.vcpu_quota_us == 50_000
    assert parts.memory.cgroup_bytes
    assert parts.pressure is not None
    assert parts.pressure.cpu_some_us


def test_a_recorded_guest_with_kvm_outside_of_libvirt(
    plant: planting.Plant,
) -> None:
    root = plant('hybrid', 'kvm')
    pid = next(
        int(path.parent.name)
        for path in (root / 'proc').glob('[0-9]*/cgroup')
        if 'libvirt' not in path.read_text()
    )
    source = planting.source(root)
    found = domain.open_domain(source, pid)
    assert found is not None
    parts = found.sweep()
    assert parts is not None
    assert [vcpu.index for vcpu in parts.vcpus] == [0, 1]
    assert [t.kind for t in parts.threads] == ['emulator', 'iothread']
    assert parts.cpu is None
    assert parts.pressure is None
    assert parts.memory.rss_bytes
    assert parts.memory.cgroup_bytes is None
    assert source.board.take()[1]['cpu_control'] == domain.NO_GROUP


def test_a_kernel_without_schedstat_gives_no_delay_but_time(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd', 'no_schedstat')
    source = planting.source(root)
    found = domain.open_domain(source, 4000)
    assert found is not None
    parts = found.sweep()
    assert parts is not None
    assert parts.vcpus[0].run_us == 90_000_000
    assert parts.vcpus[0].run_delay_us is None
    assert all(threads.run_us is None for threads in parts.threads)
    assert parts.run_delay_us is None
    assert list(found.threads(entity.domain(UUID))) == []
    assert 'schedstat' in source.board.take()[1]


@pytest.mark.parametrize('path', ['proc/4000', 'sys/fs/cgroup/machine.slice'])
def test_a_guest_that_vanishes_is_no_error(
    plant: planting.Plant, path: str
) -> None:
    root = plant('v2_systemd')
    source = planting.source(root)
    found = domain.open_domain(source, 4000)
    assert found is not None
    assert found.sweep() is not None
    source.board.take()
    shutil.rmtree(root / path)
    parts = found.sweep()
    assert (parts is None) == (path == 'proc/4000')
    assert found.gone == (path == 'proc/4000')
    assert all(line.success for line in source.board.take()[0])
    found.close()
    assert source.budget.used == 0


def test_a_reading_holds_guests_and_busy_services(
    plant: planting.Plant,
) -> None:
    root = plant('hybrid', 'v2_systemd')
    source = planting.source(root)
    found = domain.open_domain(source, 4000)
    assert found is not None
    busy = service.Scanner(root / 'proc', root / 'none').scan([4000])
    ticker = tick.Ticker(source)
    ticker.watch(busy)
    name = entity.domain(UUID)
    reading = ticker.read({name: found}, time_us=5)
    assert reading.time_us == 5
    assert set(reading.busy_us) == {0, 1}
    assert reading.threads[4007].entity == name
    assert reading.threads[4007].affinity == frozenset({2, 3})
    assert reading.threads[4007].throttled_us == 1_840_000
    assert reading.threads[950].entity == 'service:backup'
    shutil.rmtree(root / 'proc/4000')
    assert 4007 not in ticker.read({name: found}, time_us=6).threads
    found.close()
    ticker.close()
    assert source.budget.used == 0
