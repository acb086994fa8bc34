# SPDX-License-Identifier: Apache-2.0
"""The host itself: CPU modes, memory, disks, network devices."""

import pathlib

import pytest

from kvm_insight import exception
from kvm_insight.observe import collector, cputime, device, host

from . import planting


def opened(root: pathlib.Path) -> host.Host:
    return host.open_host(
        root / 'proc',
        root / 'sys',
        root / 'sys/fs/cgroup',
        collector.Board(clock=lambda: 0),
    )


def test_guest_time_is_taken_out_of_user_and_nice() -> None:
    text = (
        'cpu  100 20 30 400 5 6 7 8 60 15\ncpu3 100 20 30 400 5 6 7 8 60 15\n'
    )
    total, cpus = cputime.parse(text + 'intr 1 2 3\n')
    assert total.user_us == 400_000
    assert total.nice_us == 50_000
    assert total.guest_us == 750_000
    assert total.steal_us == 80_000
    assert total.busy_us == (100 + 20 + 30 + 6 + 7) * 10_000
    assert cpus == {3: total}


def test_a_stat_without_cpus_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exception.CollectorError):
        cputime.parse('intr 5\n')
    with pytest.raises(exception.CollectorError):
        cputime.read(tmp_path)


def test_a_recorded_host_is_read_whole(plant: planting.Plant) -> None:
    root = plant('hybrid')
    found = opened(root)
    system, _ = found.read(())
    assert system.cpus == '0-1'
    assert system.user_us
    assert system.idle_us
    assert system.memory_bytes == 24684096 * 1024
    assert system.swap_bytes == 0
    assert system.major_faults
    assert system.oom_kills == 0
    assert [disk.name for disk in system.disks or ()] == ['vda']
    assert [nic.name for nic in system.nics or ()] == ['eth0']
    assert system.hugepages == {'0/2048': 0, '0/1048576': 0}
    # Nothing of cpufreq and cpuinfo was recorded.
    assert system.frequency_khz is None
    account, missing = found.board.take()
    assert sorted(missing) == ['frequency', 'perf']
    assert all(line.success for line in account)


def test_one_broken_source_costs_only_itself(plant: planting.Plant) -> None:
    root = plant('hybrid')
    (root / 'proc/meminfo').unlink()
    (root / 'proc/loadavg').write_text('high\n')
    found = opened(root)
    system, _ = found.read(())
    assert system.memory_bytes is None
    assert system.load1 is None
    assert system.user_us
    account, _ = found.board.take()
    broken = {line.name for line in account if not line.success}
    assert broken == {'memory', 'load'}


def test_a_host_of_which_nothing_is_there_is_still_a_sample(
    tmp_path: pathlib.Path,
) -> None:
    found = opened(tmp_path)
    system, busy = found.read(())
    assert system.cpus == ''
    assert system.user_us is None
    assert system.pressure is None
    assert busy == []


def test_this_machine_is_read_without_an_error() -> None:
    found = opened(pathlib.Path('/'))
    system, busy = found.read(())
    assert system.user_us
    assert system.memory_bytes
    assert busy
    account, _ = found.board.take()
    assert [line for line in account if not line.success] == []


def test_only_whole_disks_are_taken(plant: planting.Plant) -> None:
    root = plant('devices')
    disks = device.read_disks(root / 'proc', root / 'sys')
    assert [disk.name for disk in disks] == ['md0', 'nvme0n1', 'sda']
    sda = disks[2]
    assert (sda.read_requests, sda.read_bytes) == (100, 2048 * 512)
    assert (sda.read_us, sda.write_us) == (300_000, 700_000)
    assert (sda.in_flight, sda.busy_us) == (2, 900_000)


def test_taps_bridges_and_representors_are_no_nics(
    plant: planting.Plant,
) -> None:
    nics = device.Nics(plant('devices') / 'sys').read()
    assert [nic.name for nic in nics] == ['bond0', 'eno1', 'eno2']
    eno1, eno2 = nics[1:]
    assert (eno1.rx_bytes, eno1.rx_drops, eno1.tx_drops) == (1000, 4000, 8000)
    assert eno1.speed_bits_s == 25_000_000_000
    assert eno2.speed_bits_s is None


def test_clocks_are_averaged_over_cpus(tmp_path: pathlib.Path) -> None:
    for cpu, khz in ((0, 1_000_000), (1, 3_000_001)):
        folder = tmp_path / f'devices/system/cpu/cpu{cpu}/cpufreq'
        folder.mkdir(parents=True)
        (folder / 'scaling_cur_freq').write_text(f'{khz}\n')
    assert host.read_frequency(tmp_path, tmp_path) == 2_000_000
    (tmp_path / 'cpuinfo').write_text('cpu MHz\t\t: 2596.140\n')
    assert host.read_frequency(tmp_path, tmp_path / 'none') == 2_596_140
