# SPDX-License-Identifier: Apache-2.0
"""On which NUMA nodes the memory of domains really lies."""

import pathlib
from collections.abc import Mapping

from kvm_insight import exception
from kvm_insight.observe import cgroup, file, numa, roster

#: Node -> bytes; or why nobody can tell.
Spread = Mapping[str, int] | str


def read(root: pathlib.Path) -> dict[str, Spread]:
    """Return UUID -> spread, of all QEMU processes that can be seen.

    From the groups alone, which anybody may read; huge pages are not in, so
    that of a domain that has them only ``numa_maps`` tells, to root.
    """
    try:
        entries = roster.Roster(root / 'proc', None).look(thoroughly=False)
    except exception.KvmInsightError:
        return {}
    return {one.uuid: _spread(root, one.pid) for one in entries}


def _spread(root: pathlib.Path, pid: int) -> Spread:
    try:
        groups = cgroup.read_groups(root / 'proc', root / 'sys/fs/cgroup', pid)
        if groups is None:
            return 'its process is gone'
        found = numa.read_numa(groups)
        if _has_hugetlb(root, pid):
            maps = numa.read_numa_maps(root / 'proc', pid)
            return 'its process is gone' if maps is None else _both(maps)
    except exception.NoData:
        return 'no permission'
    except exception.KvmInsightError as why:
        return f'not understood: {why}'[:1024]
    if found is None:
        return 'its memory has no group of its own'
    return found


def _has_hugetlb(root: pathlib.Path, pid: int) -> bool:
    text = file.read(root / f'proc/{pid}/status') or ''
    return file.pairs(text).get('HugetlbPages', 0) > 0


def _both(maps: numa.Maps) -> dict[str, int]:
    nodes = {*maps.ordinary, *maps.huge}
    return {
        node: maps.ordinary.get(node, 0) + maps.huge.get(node, 0)
        for node in sorted(nodes)
    }
