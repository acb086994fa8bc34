# SPDX-License-Identifier: Apache-2.0
"""Threads as /proc tells them."""

import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.observe import task

PROC = pathlib.Path('/proc')
STAT = (
    '31 ({comm}) R 2 0 0 0 -1 69238880 5 0 7 0 11 13 0 0 20 0 3 0 4711 0 0 '
    + '0 ' * 14
    + '6 0 0 0 0 0 0 0 0 0 0 0 0 0\n'
)


def test_schedstat_is_read_in_microseconds() -> None:
    usage = task.parse_schedstat('1999 2001 3\n')
    assert usage == task.Usage(run_us=1, run_delay_us=2, slices=3)


@pytest.mark.parametrize('text', ['', '1 2', 'a b c', '\0\0'])
def test_a_damaged_schedstat_is_an_error_and_no_zero(text: str) -> None:
    with pytest.raises(exception.CollectorError):
        task.parse_schedstat(text)


@given(st.text(min_size=1, max_size=15).filter(lambda c: '\0' not in c))
def test_no_command_name_breaks_the_fields_after_it(comm: str) -> None:
    stat = task.parse_stat(STAT.format(comm=comm))
    assert (stat.comm, stat.state, stat.parent) == (comm, 'R', 2)
    assert (stat.minor_faults, stat.major_faults) == (5, 7)
    assert (stat.cpu_us, stat.threads, stat.start) == (240_000, 3, 4711)
    assert stat.last_cpu == 6
    state = task.parse_state(STAT.format(comm=comm).encode())
    assert state == (stat.state, stat.last_cpu)


def test_a_truncated_stat_is_an_error() -> None:
    with pytest.raises(exception.CollectorError):
        task.parse_stat('31 (x) R 2 0')


@pytest.mark.parametrize(
    ('comm', 'kind', 'index'),
    [
        ('CPU 0/KVM', 'vcpu', 0),
        ('CPU 117/TCG', 'vcpu', 117),
        ('ALL CPUs/TCG', 'vcpu', 0),
        ('IO iothread1', 'iothread', None),
        ('IO mon_iothread', 'emulator', None),
        ('vhost-4000', 'vhost', None),
        ('kvm-nx-lpage-re', 'emulator', None),
        ('worker', 'emulator', None),
        ('CPU 0/KVMx', 'emulator', None),
    ],
)
def test_qemu_names_its_threads(
    comm: str, kind: str, index: int | None
) -> None:
    role = task.role(comm)
    assert (role.kind, role.index) == (kind, index)


def test_without_names_libvirts_group_tells_a_vcpu() -> None:
    groups = '5:cpu:/machine/qemu-1-a.libvirt-qemu/vcpu3\n0::/\n'
    assert task.role('qemu-system-x86', groups) == task.Role('vcpu', 3)
    groups = '0::/machine/qemu-1-a.libvirt-qemu/iothread1\n'
    assert task.role('qemu-system-x86', groups) == task.Role('iothread')


def test_a_thread_that_is_gone_is_none_and_no_error(
    tmp_path: pathlib.Path,
) -> None:
    assert task.read_usage(tmp_path, 5, 5) is None
    assert task.read_stat(tmp_path, 5, 5) is None
    assert task.read_process(tmp_path, 5) is None
    assert task.read_affinity(tmp_path, 5, 5) is None
    assert task.read_groups(tmp_path, 5, 5) is None


def test_this_very_process_is_read_as_the_kernel_knows_it() -> None:
    pid = os.getpid()
    stat = task.read_stat(PROC, pid, pid)
    assert stat is not None
    assert stat.parent == os.getppid()
    assert stat.last_cpu in range(os.cpu_count() or 1)
    usage = task.read_usage(PROC, pid, pid)
    assert usage is not None
    times = os.times()
    seconds = times.user + times.system
    # Threads of the test runner have their own share of the process's time.
    assert 0 < usage.run_us <= (seconds + 1) * 1e6


def test_a_kernel_that_does_not_count_delay_is_told_apart(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'self').mkdir()
    assert not task.read_schedstat_works(tmp_path)
    (tmp_path / 'self/schedstat').write_text('0 0 0\n')
    assert not task.read_schedstat_works(tmp_path)
    (tmp_path / 'self/schedstat').write_text('5 0 1\n')
    assert task.read_schedstat_works(tmp_path)
