# SPDX-License-Identifier: Apache-2.0
"""Where a domain's groups are, in all the ways hosts are set up."""

import pytest

from kvm_insight.observe import cgroup

from . import planting

SCOPE = r'machine.slice/machine-qemu\x2d1\x2dinstance\x2d00000001.scope'


@pytest.mark.parametrize(
    ('path', 'outer', 'inner'),
    [
        (f'/{SCOPE}/libvirt/emulator', SCOPE, f'{SCOPE}/libvirt'),
        (f'/{SCOPE}/libvirt/vcpu12', SCOPE, f'{SCOPE}/libvirt'),
        (f'/{SCOPE}/emulator', SCOPE, SCOPE),
        (f'/{SCOPE}', SCOPE, SCOPE),
        (
            '/machine/qemu-1-web.libvirt-qemu/emulator',
            'machine/qemu-1-web.libvirt-qemu',
            'machine/qemu-1-web.libvirt-qemu',
        ),
        (
            '/a.partition/b.partition/qemu-9-x.libvirt-qemu/iothread3',
            'a.partition/b.partition/qemu-9-x.libvirt-qemu',
            'a.partition/b.partition/qemu-9-x.libvirt-qemu',
        ),
    ],
)
def test_the_domains_own_group_is_found(
    path: str, outer: str, inner: str
) -> None:
    assert cgroup.domain_paths(path) == (outer, inner)


@pytest.mark.parametrize(
    'path',
    [
        '/',
        '',
        '/user.slice/user-0.slice/session-3.scope',
        '/system.slice/libvirtd.service',
        '/machine.slice',
        '/machine.slice/machine-lxc\\x2d1\\x2dbox.scope/libvirt',
        '/docker/0123456789abcdef/emulator',
    ],
)
def test_somebody_elses_group_is_never_taken_for_the_domains(
    path: str,
) -> None:
    assert cgroup.domain_paths(path) is None


def test_groups_outside_of_our_namespace_are_left_out() -> None:
    text = '4:cpu:/../../machine.slice/x\n0::/here\n3:memory\n\nnonsense'
    assert cgroup.parse(text) == {'': 'here'}


@pytest.mark.parametrize(
    ('tree', 'version'),
    [
        ('v2_systemd', 'v2'),
        ('v2_manual', 'v2'),
        ('v1_systemd', 'v1'),
        ('hybrid', 'hybrid'),
        ('kvm_statistics', 'none'),
    ],
)
def test_the_layout_says_what_is_mounted(
    plant: planting.Plant, tree: str, version: str
) -> None:
    layout = cgroup.read_layout(plant(tree) / 'sys/fs/cgroup')
    assert layout.version == version


def test_a_joined_v1_hierarchy_serves_both_controllers(
    plant: planting.Plant,
) -> None:
    layout = cgroup.read_layout(plant('v1_systemd') / 'sys/fs/cgroup')
    assert layout.controllers['cpu'] == layout.controllers['cpuacct']
    assert layout.controllers['cpu'].name == 'cpu,cpuacct'


def test_beside_v1_the_controllers_count_there_and_pressure_in_v2(
    plant: planting.Plant,
) -> None:
    root = plant('hybrid')
    pid = int(next((root / 'proc').glob('[0-9]*')).name)
    groups = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', pid)
    assert groups is not None
    cpu = groups.find('cpu')
    unified = groups.unified()
    assert cpu is not None
    assert unified is not None
    assert not cpu.v2
    assert unified.v2
    assert cpu.path.parts[-4:-2] == ('cgroup', 'cpu')
    assert unified.path.parts[-4:-2] == ('cgroup', 'unified')


def test_a_process_that_is_gone_has_no_groups(plant: planting.Plant) -> None:
    root = plant('v2_manual')
    found = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', 1)
    assert found is None
