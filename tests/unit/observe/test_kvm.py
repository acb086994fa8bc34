# SPDX-License-Identifier: Apache-2.0
"""KVM's statistics and resctrl's monitors."""

import pathlib

import pytest

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import kvm, resctrl

from . import planting


def test_a_machines_counters_are_summed_by_the_kernel(
    plant: planting.Plant,
) -> None:
    machines = kvm.read_machines(plant('kvm_statistics') / 'sys')
    assert kvm.read(machines[4000]) == sample.Kvm(
        exits=123456,
        halt_exits=4000,
        halt_poll_success_us=5_000_000,
        halt_poll_fail_us=700_000,
        halt_wait_us=60_000_000,
    )


def test_another_pid_with_the_same_beginning_is_another_machine(
    plant: planting.Plant,
) -> None:
    machines = kvm.read_machines(plant('kvm_statistics') / 'sys')
    assert 400 not in machines
    assert kvm.read(None) is None


def test_without_debugfs_the_reason_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exception.NoData, match='debugfs'):
        kvm.read_machines(tmp_path)
    (tmp_path / 'kernel/debug/bdi').mkdir(parents=True)
    with pytest.raises(exception.NoData, match='TCG'):
        kvm.read_machines(tmp_path)


THREADS = range(4000, 4011)


def test_a_control_groups_figures_are_not_counted_twice(
    plant: planting.Plant,
) -> None:
    groups = resctrl.read_groups(plant('resctrl') / 'sys/fs/resctrl')
    assert resctrl.read(groups, THREADS) == resctrl.Monitored(
        cache_occupancy_bytes=1_200_000, total_bytes=5_700, local_bytes=4_000
    )


def test_what_the_hardware_cannot_tell_is_not_zero(
    plant: planting.Plant,
) -> None:
    groups = resctrl.read_groups(plant('resctrl') / 'sys/fs/resctrl')
    assert resctrl.read(groups, [4107]) == resctrl.Monitored(
        cache_occupancy_bytes=50_000, total_bytes=640, local_bytes=None
    )


def test_a_group_shared_with_others_is_not_the_domains(
    plant: planting.Plant,
) -> None:
    groups = resctrl.read_groups(plant('resctrl') / 'sys/fs/resctrl')
    assert resctrl.read(groups, [4108]) is None
    assert resctrl.read(groups, []) is None


def test_without_resctrl_the_reason_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exception.NoData, match='not mounted'):
        resctrl.read_groups(tmp_path / 'resctrl')
