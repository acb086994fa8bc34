# SPDX-License-Identifier: Apache-2.0
"""Pressure, and the many reasons why there is none."""

import pathlib
import shutil

import pytest

from kvm_insight import exception
from kvm_insight.observe import cgroup, pressure

from . import planting


def groups(root: pathlib.Path, pid: int) -> cgroup.Groups:
    found = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', pid)
    assert found is not None
    return found


def test_totals_are_taken_and_averages_left() -> None:
    text = (
        'some avg10=9.00 avg60=8.00 avg300=7.00 total=61885915\n'
        'full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n'
    )
    assert pressure.parse(text) == {'some': 61885915, 'full': 0}


@pytest.mark.parametrize('text', ['', 'some avg10=1', 'total=5', 'x total=1'])
def test_a_damaged_pressure_file_is_an_error(text: str) -> None:
    with pytest.raises(exception.CollectorError):
        pressure.parse(text)


def test_a_domains_pressure_is_its_scopes(plant: planting.Plant) -> None:
    found = pressure.read_group(groups(plant('v2_systemd'), 4000))
    assert found is not None
    assert (found.cpu_some_us, found.cpu_full_us) == (8_100_000, 40_000)
    assert (found.io_full_us, found.irq_full_us) == (70_000, 777)


def test_recorded_beside_v1_a_domain_has_pressure(
    plant: planting.Plant,
) -> None:
    root = plant('hybrid')
    pid = int(next((root / 'proc').glob('[0-9]*')).name)
    found = pressure.read_group(groups(root, pid))
    assert found is not None
    assert found.cpu_some_us
    assert found.irq_full_us is None
    host = pressure.read_host(root / 'proc')
    assert host.cpu_some_us
    assert host.cpu_some_us >= found.cpu_some_us


@pytest.mark.parametrize(
    ('tree', 'pid', 'reason'),
    [
        ('v1_systemd', 4200, pressure.NO_FILES),
        ('kvm', 26030, pressure.NO_FILES),
    ],
)
def test_without_it_the_reason_is_told(
    plant: planting.Plant, tree: str, pid: int, reason: str
) -> None:
    with pytest.raises(exception.NoData, match=reason.split('(')[0]):
        pressure.read_group(groups(plant(tree), pid))


def test_psi_switched_off_is_told_with_the_remedy(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    for path in root.rglob('*.pressure'):
        path.unlink()
    with pytest.raises(exception.NoData, match='psi=1'):
        pressure.read_group(groups(root, 4000))
    with pytest.raises(exception.NoData, match='psi=1'):
        pressure.read_host(root / 'proc')


def test_a_group_that_vanished_is_no_missing_capability(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    found = groups(root, 4000)
    shutil.rmtree(root / 'sys/fs/cgroup/machine.slice')
    assert pressure.read_group(found) is None
