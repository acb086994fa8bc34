# SPDX-License-Identifier: Apache-2.0
"""What is read of whole trees, and that secrets stay where they are."""

import os
import pathlib
import tempfile
import time
from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import strategies as st

from kvm_insight.advise import check, registry
from kvm_insight.model import codec, facts, host_config, part
from kvm_insight.observe.facts import assembly, spread
from tests.unit.observe import planting

from . import case


def read(tree: str) -> facts.HostFacts:
    return case.host(case.HostRow('', case.GOOD, tree))


@pytest.mark.parametrize('tree', case.NAMES)
def test_each_tree_says_where_it_comes_from(tree: str) -> None:
    page = (case.TREES / tree / 'README.md').read_text()
    assert ('CONSTRUCTED' in page) != ('RECORDED' in page)


@pytest.mark.parametrize('tree', case.NAMES)
def test_what_is_unknown_has_a_reason_and_no_value(tree: str) -> None:
    found = read(tree)
    for name, why in found.unknown.items():
        assert why
        if name not in case.DEVICES:
            assert getattr(found, name) is None, name
    silent = {
        name
        for name in found.__struct_fields__
        if getattr(found, name) is None and name not in found.unknown
    }
    assert silent == set()


def test_a_whole_machine_is_read() -> None:
    found = read('intel')
    assert (found.architecture, found.cpu_vendor) == ('x86_64', 'GenuineIntel')
    assert found.frequency_governors == {'performance': 8}
    assert found.kvm_parameters is not None
    assert found.kvm_parameters['kvm_intel.ept'] == 'Y'
    assert found.nodes is not None
    assert [(x.number, x.cpus) for x in found.nodes] == [
        (0, '0-3'),
        (1, '4-7'),
    ]
    assert found.nodes[1].distances == [20, 10]
    assert found.hugepages is not None
    assert found.hugepages[1] == part.HugePages(
        node=0, size_kib=2048, pages=1024, free=128, surplus=0
    )
    # 1200 ticks of 10 ms.
    assert found.ksm_cpu_us == 12_000_000
    assert found.disks is not None
    assert [(x.name, x.scheduler) for x in found.disks] == [
        ('nvme0n1', 'none'),
        ('sda', 'mq-deadline'),
    ]
    assert found.nics is not None
    (port,) = found.nics
    assert (port.driver, port.rx_queues, port.irq_cpus) == ('ice', 4, '0-3')
    assert found.qemu_groups == [106, 107]


def test_free_memory_in_large_blocks_is_part_of_what_is_free() -> None:
    found = read('intel')
    assert found.free_bytes is not None
    assert found.free_in_blocks_bytes is not None
    ratio = found.free_in_blocks_bytes / found.free_bytes
    assert ratio == pytest.approx(0.9, abs=0.01)


def test_the_recorded_machine_is_what_it_is() -> None:
    found = read('recorded')
    assert found.modules == ['kvm', 'kvm_pvm']
    assert found.cgroup_version == 'hybrid'
    assert found.domain_kinds == ['kvm', 'qemu']
    assert (found.host_model, found.qemu_uid) == ('kvm64', 0)
    assert found.unknown['tuned_profile'].startswith('no such file')


@pytest.mark.parametrize('tree', case.NAMES)
def test_no_password_leaves_a_file(tree: str) -> None:
    told = host_config.HostConfig(
        host='h', time_us=1, agent_id='a', cpus='0', facts=read(tree)
    )
    value = codec.encode(told)
    assert b'swordfish' not in value
    assert codec.decode(value, host_config.HostConfig) == told


def test_a_broken_nova_conf_is_told_of_without_its_words() -> None:
    files = {'etc/nova/nova.conf': 'swordfish\n[DEFAULT\nx'}
    found = case.host(case.HostRow('', case.GOOD, files=files))
    assert found.nova_options is None
    why = found.unknown['nova_options']
    assert why.startswith('not understood: nova.conf: ')
    assert 'swordfish' not in why


def test_the_last_word_of_nova_counts_and_only_known_ones() -> None:
    found = read('intel').nova_options
    assert found == {
        'DEFAULT.cpu_allocation_ratio': '4.0',
        'DEFAULT.ram_allocation_ratio': '1.0',
        'DEFAULT.reserved_host_memory_mb': '4096',
        'libvirt.cpu_mode': 'custom',
        'libvirt.cpu_models': 'Cascadelake-Server-noTSX',
        'libvirt.virt_type': 'kvm',
    }


GARBAGE = ('', '\0', '-1', 'x' * 5000, '99999999999999999999', '[', 'a b: c')


@pytest.mark.parametrize('garbage', GARBAGE)
def test_no_garbage_in_files_makes_reading_or_a_check_raise(
    garbage: str, tmp_path: pathlib.Path
) -> None:
    planting.unpack('configured/intel', tmp_path)
    for path in tmp_path.rglob('*'):
        if path.is_file():
            path.write_text(garbage)
    found = assembly.read(tmp_path, facts.HostFacts(qemu_uid=107))
    assert found.unknown
    registry.of_host(check.HostCase(found))


@hypothesis.given(st.sets(st.integers(0, 400)), st.integers(0, 60))
@hypothesis.settings(max_examples=30)
def test_no_file_cut_short_makes_reading_or_a_check_raise(
    which: set[int], left: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        planting.unpack('configured/intel', root)
        files = sorted(path for path in root.rglob('*') if path.is_file())
        for path in (files[number % len(files)] for number in which):
            path.write_text(path.read_text()[:left])
        found = assembly.read(root, facts.HostFacts(qemu_uid=107))
    registry.of_host(check.HostCase(found))


def _loops(path: pathlib.Path) -> None:
    path.symlink_to(path)


def _never_ends(path: pathlib.Path) -> None:
    path.symlink_to('/dev/zero')


def _is_large(path: pathlib.Path) -> None:
    path.write_text('word: 1\n' * 1_300_000)


@pytest.mark.parametrize(
    'put', [os.mkfifo, _loops, _never_ends, pathlib.Path.mkdir, _is_large]
)
@pytest.mark.parametrize(
    'name',
    [
        'proc/cpuinfo',
        'proc/cmdline',
        'etc/nova/nova.conf',
        'sys/devices/system/cpu/cpu3/cpufreq/scaling_governor',
        'sys/devices/system/node/node0/meminfo',
    ],
)
def test_nothing_in_place_of_a_file_holds_the_reader_or_makes_it_raise(
    put: Callable[[pathlib.Path], None], name: str, tmp_path: pathlib.Path
) -> None:
    planting.unpack('configured/intel', tmp_path)
    (tmp_path / name).unlink()
    put(tmp_path / name)
    begun = time.monotonic()
    found = assembly.read(tmp_path, facts.HostFacts(qemu_uid=107))
    assert time.monotonic() - begun < 5
    registry.of_host(check.HostCase(found))


def test_a_root_with_nothing_in_it_is_a_host_of_which_nothing_is_known(
    tmp_path: pathlib.Path,
) -> None:
    found = assembly.read(tmp_path, facts.HostFacts())
    known = {x for x in found.__struct_fields__ if getattr(found, x)}
    assert known == {'unknown'}
    outcomes = [x.outcome for x in registry.of_host(check.HostCase(found))]
    assert not [x for x in outcomes if isinstance(x, check.Good | check.Bad)]


def test_a_root_of_files_where_folders_should_be_raises_nothing(
    tmp_path: pathlib.Path,
) -> None:
    for name in ('proc', 'sys', 'etc', 'dev', 'boot'):
        (tmp_path / name).write_text('x')
    found = assembly.read(tmp_path, facts.HostFacts(qemu_uid=1))
    assert found.unknown
    assert spread.read(tmp_path) == {}
    registry.of_host(check.HostCase(found))
