# SPDX-License-Identifier: Apache-2.0
"""How a domain is built, by its XML: what it needs, and what ties it down."""

import pathlib

import pytest

from kvm_insight.identify import build, machine
from kvm_insight.model import host_config

XML = pathlib.Path(__file__).with_name('xml') / 'plain.xml'
PLAIN = XML.read_text()
DISK = "<driver name='qemu' type='raw' cache='none'/>"


def changed(before: str, after: str) -> build.Build:
    assert before in PLAIN
    return build.parse(PLAIN.replace(before, after, 1))


def added(device: str) -> build.Build:
    return changed('<devices>', f'<devices>{device}')


def test_a_real_domain_has_no_obstacle() -> None:
    found = build.parse(PLAIN)
    assert found.obstacles == ()
    assert (found.vcpus, found.memory_bytes) == (1, 128 << 20)
    assert found.cpus == '0-1'
    assert found.needs == (
        machine.emulator('/usr/bin/qemu-system-x86_64'),
        machine.machine('pc-i440fx-7.2'),
        machine.kind('qemu', 'x86_64'),
    )


def test_all_files_that_qemu_opens_are_told() -> None:
    names = {one.name for one in build.parse(PLAIN).storage}
    assert names == {'vda', 'kernel', 'initrd', 'serial', 'console'}


def test_the_cpu_counts_with_kvm_alone() -> None:
    assert build.parse(PLAIN).cpu_mode is None
    assert changed("type='qemu'", "type='kvm'").cpu_mode == 'custom'


@pytest.mark.parametrize(
    ('device', 'words'),
    [
        ("<hostdev mode='subsystem' type='pci'/>", 'device of the host'),
        ("<filesystem type='mount'/>", 'folder of the host'),
        ("<tpm model='tpm-crb'/>", 'TPM'),
        ("<shmem name='x'/>", 'shares memory'),
        ('<novel/>', 'nobody knows: novel'),
        ("<interface type='hostdev'/>", 'interface of type hostdev'),
        ("<interface type='vhostuser'/>", 'interface of type vhostuser'),
        ("<interface type='ethernet'/>", 'interface of type ethernet'),
        (
            "<graphics type='vnc'><listen type='address' address='10.0.0.7'/>"
            '</graphics>',
            'listens at an address',
        ),
        ("<serial type='dev'/>", 'serial of type dev'),
        ("<input type='evdev'/>", 'input device of the host'),
        ("<disk type='nvme'/>", 'disk of type nvme'),
        ("<disk type='file'><mirror/></disk>", 'a job runs'),
    ],
)
def test_what_cannot_go_along_is_an_obstacle(device: str, words: str) -> None:
    found = added(device)
    assert any(words in one for one in found.obstacles), found.obstacles


@pytest.mark.parametrize(
    ('before', 'after', 'words'),
    [
        ('<cputune>', "<cputune><vcpupin vcpu='0' cpuset='1'/>", 'pinned'),
        ("placement='static'", "placement='auto'", 'numad'),
        ("cpuset='0-1'>1", "cpuset='0-7,^3'>1", 'may not use'),
        ('<cputune>', '<numatune/><cputune>', 'NUMA'),
        (
            '<cputune>',
            '<memoryBacking><hugepages/></memoryBacking><cputune>',
            'huge pages',
        ),
        ('<cputune>', "<launchSecurity type='sev'/><cputune>", 'encrypted'),
        ("<cpu mode='custom'", "<cpu migratable='off'", 'not migratable'),
        ("name='lahf_lm'", "name='invtsc'", 'invariant clock'),
        ('<domain', '<domain', ''),
    ],
)
def test_what_ties_it_to_the_host_is_an_obstacle(
    before: str, after: str, words: str
) -> None:
    found = changed(before, after)
    if not words:
        assert found.obstacles == ()
        return
    assert any(words in one for one in found.obstacles), found.obstacles


def test_a_pin_to_where_all_of_it_may_run_is_none() -> None:
    found = changed('<cputune>', "<cputune><vcpupin vcpu='0' cpuset='0-1'/>")
    assert found.obstacles == ()


@pytest.mark.parametrize(
    ('interface', 'need'),
    [
        (
            "<interface type='bridge'><source bridge='br0'/></interface>",
            machine.device('br0'),
        ),
        (
            "<interface type='network'><source network='lan' bridge='virbr0'/>"
            '</interface>',
            machine.network('lan'),
        ),
        (
            "<interface type='network'><source network='lan'/></interface>",
            machine.network('lan'),
        ),
        (
            "<interface type='direct'><source dev='eth1'/></interface>",
            machine.device('eth1'),
        ),
    ],
)
def test_a_network_is_needed_by_its_name(interface: str, need: str) -> None:
    found = added(interface)
    assert need in found.needs
    assert found.obstacles == ()


@pytest.mark.parametrize(
    ('disk', 'source'),
    [
        (
            "<disk type='network'><source protocol='rbd' name='vms/x'/>"
            "<target dev='vdb'/></disk>",
            'rbd:vms/x',
        ),
        (
            "<disk type='volume'><source pool='images' volume='x'/>"
            "<target dev='vdb'/></disk>",
            'volume:images/x',
        ),
        (
            "<disk type='block'><source dev='/dev/vg/x'/>"
            "<target dev='vdb'/></disk>",
            '/dev/vg/x',
        ),
        (
            "<disk type='file'><source file='/vms/top'/><backingStore "
            "type='file'><source file='/golden/base'/></backingStore>"
            "<target dev='vdb'/></disk>",
            '/golden/base',
        ),
    ],
)
def test_each_disk_says_where_it_is(disk: str, source: str) -> None:
    found = [x.source for x in added(disk).storage if x.name == 'vdb']
    assert source in found


@pytest.mark.parametrize('address', ['0.0.0.0', '127.0.0.1', '::'])
def test_a_console_that_can_listen_anywhere_is_no_obstacle(
    address: str,
) -> None:
    listen = f"<listen type='address' address='{address}'/>"
    found = added(f"<graphics type='vnc'>{listen}</graphics>")
    assert found.obstacles == ()


@pytest.mark.parametrize(
    'source', ['', "<source startupPolicy='optional'/>", "<source file=''/>"]
)
def test_an_empty_drive_needs_nothing(source: str) -> None:
    words = f"{source}<target dev='sda'/>"
    drive = f"<disk type='file' device='cdrom'>{words}</disk>"
    assert added(drive).storage == build.parse(PLAIN).storage


@pytest.mark.parametrize('xml', ['', '<domain', '<!DOCTYPE x><domain/>'])
def test_what_cannot_be_read_is_an_obstacle(xml: str) -> None:
    assert build.parse(xml).obstacles == ('its XML cannot be read',)


def test_a_file_is_on_the_file_system_that_is_nearest() -> None:
    mounts = {'/': None, '/srv': 'nfs4 nas:/srv on /srv', '/srv/own': None}

    def words(source: str) -> str | None:
        one = host_config.Storage(name='vda', source=source)
        return build.shared(one, mounts).shared

    assert words('/srv/x.img') == 'nfs4 nas:/srv on /srv'
    assert words('/srv/own/x.img') is None
    assert words('/srvx/x.img') is None
    assert words('rbd:srv/x') is None
