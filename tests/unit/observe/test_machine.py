# SPDX-License-Identifier: Apache-2.0
"""What kernel and libvirt tell of the host as a place for domains."""

import pathlib

import pytest

from kvm_insight.observe import knowledge, machine

MOUNTINFO = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 21 0:50 / /srv/my\\040vms rw shared:20 - nfs4 nas:/vms rw,vers=4.2
41 21 0:51 / /data rw - ceph 10.0.0.1:6789:/ rw
garbage
42 21 0:52 / /x rw
"""


def test_mounts_are_read_with_their_kind_and_source() -> None:
    found = machine.parse_mounts(MOUNTINFO)
    assert [one.folder for one in found] == ['/', '/srv/my vms', '/data']
    assert [one.shared for one in found] == [False, True, True]
    assert found[1].source == 'nas:/vms'


@pytest.mark.parametrize('who', ['1', 'self'])
def test_mounts_of_the_host_go_before_our_own(
    tmp_path: pathlib.Path, who: str
) -> None:
    folder = tmp_path / who
    folder.mkdir()
    (folder / 'mountinfo').write_text(MOUNTINFO)
    assert len(machine.read_mounts(tmp_path)) == 3


def test_without_a_proc_there_are_no_mounts(tmp_path: pathlib.Path) -> None:
    assert machine.read_mounts(tmp_path) == []


def test_guests_own_ends_are_no_network_devices(
    tmp_path: pathlib.Path,
) -> None:
    for name in ('br0', 'eth0', 'lo', 'vnet3'):
        (tmp_path / 'class/net' / name).mkdir(parents=True)
    (tmp_path / 'class/net/vnet3/tun_flags').write_text('0x1002')
    assert machine.read_devices(tmp_path) == ['br0', 'eth0']


def test_firmware_is_found_by_its_place(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'OVMF').mkdir()
    (tmp_path / 'OVMF/OVMF_CODE.fd').touch()
    (tmp_path / 'OVMF/readme').touch()
    assert machine.read_firmware(tmp_path) == [
        str(tmp_path / 'OVMF/OVMF_CODE.fd')
    ]


def test_the_host_is_asked_for_rarely_and_only_where_it_is_wanted() -> None:
    now = [0.0]
    wanted = knowledge.Board(lambda: now[0], of_machine=True)
    assert wanted.machine_is_due()
    # Also where that call hung, and another session comes.
    assert not wanted.machine_is_due()
    now[0] = 31.0
    assert wanted.machine_is_due()
    wanted.machine(machine.Machine('', None, None))
    now[0] = 630.0
    assert not wanted.machine_is_due()
    now[0] = 632.0
    assert wanted.machine_is_due()
    assert not knowledge.Board(lambda: now[0]).machine_is_due()


def test_a_real_libvirt_tells_what_it_has() -> None:
    libvirt = pytest.importorskip('libvirt')
    link = libvirt.openReadOnly('test:///default')
    found = machine.ask(link)
    link.close()
    assert '<capabilities>' in found.capabilities
    assert found.networks == ('default',)
    assert (found.libvirt_version or 0) > 1_000_000
