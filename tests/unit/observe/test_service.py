# SPDX-License-Identifier: Apache-2.0
"""Naming and counting whatever else runs on the host."""

import pathlib
import shutil

import pytest

from kvm_insight.observe import service

from . import planting


def scanner(root: pathlib.Path) -> service.Scanner:
    return service.Scanner(root / 'proc', root / 'sys/fs/cgroup')


def spend(root: pathlib.Path, pid: int, ticks: int) -> None:
    """Let a process have used this much in all."""
    path = root / f'proc/{pid}/stat'
    head, _, rest = path.read_text().rpartition(') ')
    words = rest.split()
    words[11:13] = [str(ticks), '0']
    path.write_text(f'{head}) {" ".join(words)}\n')


def run_us(busy: list[service.Busy], name: str) -> int:
    return next(found.run_us for found in busy if found.name == name)


@pytest.mark.parametrize(
    ('groups', 'name'),
    [
        ('0::/system.slice/nova-compute.service\n', 'nova-compute.service'),
        (
            '0::/system.slice/system-getty.slice/getty@tty1.service\n',
            'getty@tty1.service',
        ),
        ('0::/system.slice/docker-ab12.scope\n', 'docker-ab12.scope'),
        (
            '0::/user.slice/user-7.slice/user@7.service/app.slice/x.service\n',
            'x.service',
        ),
        (
            r'0::/system.slice/backup\x2dall.service' + '\n',
            'backup-all.service',
        ),
        (
            '3:cpu,cpuacct:/system.slice/a.service\n1:name=systemd:/\n',
            'a.service',
        ),
        ('0::/kubepods/pod1/abc\n', None),
        ('0::/user.slice/user-0.slice/session-4.scope\n', None),
        ('0::/init.scope\n', None),
        ('0::/\n', None),
        ('', None),
    ],
)
def test_a_process_is_named_by_its_unit(groups: str, name: str | None) -> None:
    found = service.unit(groups)
    assert (found and found[0]) == name


def test_kernel_threads_of_one_kind_are_one() -> None:
    assert service.command('kworker/3:1-events', kernel=True) == 'kworker'
    assert service.command('a/b', kernel=False) == 'a/b'


def test_a_unit_counts_by_its_group_and_a_command_by_its_processes(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    busy = scanner(root).scan([4000])
    assert [found.name for found in busy] == ['chronyd.service', 'backup']
    chronyd, backup = busy
    assert chronyd.run_us == 42_000_000
    assert (chronyd.threads, chronyd.pids) == (2, (900, 901))
    assert chronyd.cgroup is not None
    assert backup.run_us == 7_000_000
    assert backup.cgroup is None


def test_v1_counts_a_units_nanoseconds(plant: planting.Plant) -> None:
    found = scanner(plant('v1_systemd'))
    busy = found.scan([4200])
    assert run_us(busy, 'libvirtd.service') == 61_000_000
    assert run_us(busy, 'ksoftirqd') == 900_000


def test_vhost_kernel_threads_are_their_guests(plant: planting.Plant) -> None:
    found = scanner(plant('v1_systemd'))
    busy = found.scan([4200])
    assert found.vhost == {4200: (4212, 4213)}
    assert not [b for b in busy if 'vhost' in b.name]


def test_a_guest_that_nobody_told_of_is_no_service(
    plant: planting.Plant,
) -> None:
    busy = scanner(plant('v2_systemd')).scan(())
    assert not [found for found in busy if 'qemu' in found.name]


def test_a_commands_time_survives_its_processes(plant: planting.Plant) -> None:
    root = plant('v2_systemd')
    shutil.copytree(root / 'proc/950', root / 'proc/951')
    found = scanner(root)
    assert run_us(found.scan([4000]), 'backup') == 14_000_000
    shutil.rmtree(root / 'proc/951')
    spend(root, 950, 800)
    assert run_us(found.scan([4000]), 'backup') == 15_000_000


def test_a_number_used_again_is_another_process(plant: planting.Plant) -> None:
    root = plant('v2_systemd')
    found = scanner(root)
    found.scan([4000])
    path = root / 'proc/950/stat'
    path.write_text(path.read_text().replace(' 5000 1601', ' 5001 1601'))
    spend(root, 950, 100)
    assert run_us(found.scan([4000]), 'backup') == 8_000_000


def test_a_restarted_units_time_goes_on(plant: planting.Plant) -> None:
    root = plant('v2_systemd')
    found = scanner(root)
    found.scan([4000])
    path = root / 'sys/fs/cgroup/system.slice/chronyd.service/cpu.stat'
    path.write_text('usage_usec 1000\n')
    assert run_us(found.scan([4000]), 'chronyd.service') == 42_001_000


def test_after_exec_the_new_name_counts_and_no_sum_shrinks(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    found = scanner(root)
    before = run_us(found.scan([4000]), 'backup')
    shutil.copytree(root / 'proc/950', root / 'proc/951')
    found.scan([4000])
    path = root / 'proc/951/stat'
    path.write_text(path.read_text().replace('(backup)', '(gzip)'))
    spend(root, 951, 900)
    busy = found.scan([4000])
    assert run_us(busy, 'backup') == before + 7_000_000
    assert run_us(busy, 'gzip') == 2_000_000
