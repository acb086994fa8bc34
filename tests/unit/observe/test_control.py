# SPDX-License-Identifier: Apache-2.0
"""Quota, weight and throttling in both generations of cgroups."""

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import cgroup, control, descriptor, throttle

from . import planting


def groups(root: pathlib.Path, pid: int) -> cgroup.Groups:
    found = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', pid)
    assert found is not None
    return found


def test_the_tighter_of_scope_and_libvirts_group_rules(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    assert control.read(groups(root, 4000)) == sample.CpuControl(
        quota_us=300_000,
        period_us=100_000,
        vcpu_quota_us=50_000,
        vcpu_period_us=100_000,
        weight=200,
        periods=900,
        throttled_periods=12,
        throttled_us=340_000,
    )
    scope = next((root / 'sys/fs/cgroup/machine.slice').glob('*.scope'))
    (scope / 'cpu.max').write_text('20000 10000\n')
    found = control.read(groups(root, 4000))
    assert found is not None
    assert (found.quota_us, found.period_us) == (20_000, 10_000)
    assert found.throttled_us == 0


def test_without_a_quota_it_is_absent_and_not_zero(
    plant: planting.Plant,
) -> None:
    found = control.read(groups(plant('v2_manual'), 4100))
    assert found is not None
    assert (found.quota_us, found.period_us) == (150_000, 50_000)
    assert found.vcpu_quota_us is None
    assert found.vcpu_period_us == 50_000


def test_v1_counts_nanoseconds_and_shares(plant: planting.Plant) -> None:
    found = groups(plant('v1_systemd'), 4200)
    assert control.read(found) == sample.CpuControl(
        quota_us=None,
        period_us=100_000,
        vcpu_quota_us=40_000,
        vcpu_period_us=100_000,
        weight=200,
        periods=0,
        throttled_periods=0,
        throttled_us=0,
    )
    vcpu = found.vcpu('cpu', 1)
    assert vcpu is not None
    assert control.read_throttling(vcpu) == control.Throttling(
        1000, 1, 1_999_999
    )


def test_a_group_without_the_controller_has_throttling_unmeasured() -> None:
    text = 'usage_usec 9\nuser_usec 8\nsystem_usec 1\n'
    assert control.parse_cpu_stat(text) == control.Throttling(None, None, None)


def test_in_nobodys_group_there_is_no_control(plant: planting.Plant) -> None:
    root = plant('hybrid', 'kvm')
    pid = next(
        int(path.parent.name)
        for path in (root / 'proc').glob('[0-9]*/cgroup')
        if 'libvirt' not in path.read_text()
    )
    assert control.read(groups(root, pid)) is None


@pytest.mark.parametrize('text', ['', 'many 100000', '1000 soon'])
def test_a_damaged_quota_is_an_error(text: str) -> None:
    with pytest.raises(exception.CollectorError):
        control.parse_cpu_max(text)


@given(st.integers(2, 262_144))
def test_shares_become_a_weight_that_the_kernel_would_take(
    shares: int,
) -> None:
    weight = control.weight_of_shares(shares)
    assert 1 <= weight <= 10_000
    # What a load of the kernel's is worth, back again, to the nearest.
    close = abs(weight * 1024 - shares * 100) <= 512
    assert close or weight in (1, 10_000)


def test_a_vcpu_is_told_of_its_parents_quota_where_the_kernel_can(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    budget = descriptor.Budget()
    kept = throttle.Throttle(budget)
    found = groups(root, 4000)
    assert kept.read_us(found, 0) == 1_840_000
    assert kept.read_us(found, 1) == 340_000
    assert budget.used == 2
    kept.close()
    assert budget.used == 0
    old = throttle.Throttle(budget)
    v1 = groups(plant('v1_systemd'), 4200)
    cgroup.read_layout.cache_clear()
    assert old.read_us(v1, 7) == 0
    old.close()
