# SPDX-License-Identifier: Apache-2.0
"""A domain's memory on the host: groups, nodes, huge pages, KSM."""

import pathlib
import shutil

import pytest

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import (
    cgroup,
    collector,
    descriptor,
    footprint,
    memory,
    numa,
)

from . import planting


def files() -> descriptor.Files:
    return descriptor.Files(descriptor.Budget())


def read(root: pathlib.Path, pid: int) -> sample.Memory | None:
    groups = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', pid)
    assert groups is not None
    return footprint.read(
        root / 'proc', pid, groups, collector.Board(), files()
    )


def test_v2_bytes_are_taken_as_they_are(plant: planting.Plant) -> None:
    assert read(plant('v2_systemd'), 4000) == sample.Memory(
        rss_bytes=2_100_000 * 1024,
        cgroup_bytes=2_151_677_952,
        swap_bytes=4096,
        oom_kills=1,
        host_major_faults=3,
        host_minor_faults=1200,
        ksm_shared_bytes=25 * 4096,
        numa_bytes={'0': 2_000_040_960, '1': 100_000_000},
    )


def test_v1_pages_become_bytes_and_swap_is_the_difference(
    plant: planting.Plant,
) -> None:
    found = read(plant('v1_systemd'), 4200)
    assert found is not None
    assert found.cgroup_bytes == 3_000_000_000
    assert found.swap_bytes == 500_000
    assert found.oom_kills == 2
    assert found.numa_bytes == {'0': 500 * 4096, '1': 200 * 4096}


def test_without_a_swap_controller_the_process_tells(
    plant: planting.Plant,
) -> None:
    found = read(plant('v2_manual'), 4100)
    assert found is not None
    assert found.swap_bytes == 0
    assert found.oom_kills == 0
    assert found.ksm_shared_bytes is None
    assert found.numa_bytes is None


def test_huge_pages_are_counted_beside_what_the_group_counts(
    plant: planting.Plant,
) -> None:
    found = read(plant('v2_systemd', 'numa_hugepages'), 4000)
    assert found is not None
    assert found.numa_bytes == {
        '0': 2_000_040_960 + 700 * 2**21,
        '1': 100_000_000 + 300 * 2**21 + 2**30,
    }
    assert found.hugepage_bytes == {
        '2048': 1000 * 2**21,
        '1048576': 2**30,
    }


def test_small_pages_of_a_process_without_a_group_are_found_too(
    plant: planting.Plant,
) -> None:
    root = plant('numa_hugepages')
    maps = numa.read_numa_maps(root / 'proc', 4000)
    assert maps is not None
    assert maps.ordinary == {'0': 4000 * 4096, '1': 1300 * 4096}


def test_a_hugetlb_group_tells_by_size(plant: planting.Plant) -> None:
    root = plant('v2_systemd')
    scope = next((root / 'sys/fs/cgroup/machine.slice').glob('*.scope'))
    (scope / 'hugetlb.2MB.current').write_text('4194304\n')
    (scope / 'hugetlb.1GB.current').write_text('0\n')
    (scope / 'hugetlb.2MB.rsvd.current').write_text('9\n')
    groups = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', 4000)
    assert groups is not None
    assert numa.read_hugetlb(groups, files()) == {
        '2048': 4_194_304,
        '1048576': 0,
    }


def test_a_process_that_ended_meanwhile_is_none(plant: planting.Plant) -> None:
    root = plant('v2_systemd')
    groups = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', 4000)
    assert groups is not None
    shutil.rmtree(root / 'proc/4000')
    board = collector.Board()
    assert footprint.read(root / 'proc', 4000, groups, board, files()) is None
    assert memory.read_ksm(root / 'proc', 4000) is None
    shutil.rmtree(root / 'sys/fs/cgroup/machine.slice')
    assert memory.read_charged(groups) is None


def test_an_old_kernel_has_no_ksm_of_a_process(plant: planting.Plant) -> None:
    root = plant('v2_manual')
    with pytest.raises(exception.NoData):
        memory.read_ksm(root / 'proc', 4100)
    (root / 'proc/4100/ksm_merging_pages').write_text('2\n')
    assert memory.read_ksm(root / 'proc', 4100) == 8192


def test_the_hosts_nodes_and_huge_pages(plant: planting.Plant) -> None:
    sysfs = plant('numa_hugepages') / 'sys'
    assert numa.read_free(sysfs) == {'0': 51_200_000, '1': 92_160_000}
    assert numa.read_host_hugepages(sysfs, 'nr') == {
        '0/2048': 1024,
        '0/1048576': 4,
        '1/2048': 512,
        '1/1048576': 4,
    }
    free = numa.read_host_hugepages(sysfs, 'free')
    assert free is not None
    assert free['0/2048'] == 24


def test_a_kernel_without_numa_has_no_nodes(tmp_path: pathlib.Path) -> None:
    assert numa.read_free(tmp_path) is None
    assert numa.read_host_hugepages(tmp_path, 'nr') is None
