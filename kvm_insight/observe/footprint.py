# SPDX-License-Identifier: Apache-2.0
"""The host's side of a domain's memory, put together from its sources."""

import pathlib

from kvm_insight.model import sample
from kvm_insight.observe import (
    cgroup,
    collector,
    descriptor,
    memory,
    numa,
    task,
)


def read(
    proc: pathlib.Path,
    pid: int,
    groups: cgroup.Groups,
    board: collector.Board,
    files: descriptor.Files,
) -> sample.Memory | None:
    """Return what the domain takes of the host, or None if it is gone."""
    resident = memory.read_resident(proc, pid, files.read)
    stat = task.read_process(proc, pid, files.read)
    if resident is None or stat is None:
        return None
    charged = memory.read_charged(groups, files.read)
    # The page tables are only for those who may trace the process.
    nodes, pages = board.run(
        'domain_numa',
        lambda: _spread(
            proc, pid, groups, files, huge=bool(resident.hugetlb_bytes)
        ),
    ) or (None, None)
    swap_bytes = charged.swap_bytes if charged else None
    if swap_bytes is None:
        swap_bytes = resident.swap_bytes
    return sample.Memory(
        rss_bytes=resident.rss_bytes,
        cgroup_bytes=charged.current_bytes if charged else None,
        swap_bytes=swap_bytes,
        oom_kills=charged.oom_kills if charged else None,
        host_major_faults=stat.major_faults,
        host_minor_faults=stat.minor_faults,
        ksm_shared_bytes=board.run(
            'domain_ksm', lambda: memory.read_ksm(proc, pid, files.read)
        ),
        numa_bytes=nodes,
        hugepage_bytes=pages,
    )


def _spread(
    proc: pathlib.Path,
    pid: int,
    groups: cgroup.Groups,
    files: descriptor.Files,
    *,
    huge: bool,
) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    """Return node -> bytes, and page size -> bytes of huge pages.

    The group knows the first unless huge pages are used, which it does not
    count; only then the process's page tables are walked.
    """
    nodes = numa.read_numa(groups, files.read)
    pages = numa.read_hugetlb(groups, files)
    if nodes is not None and not huge:
        return nodes, pages
    maps = numa.read_numa_maps(proc, pid)
    if maps is None:
        return nodes, pages
    total = dict(nodes or maps.ordinary)
    for node, count in maps.huge.items():
        total[node] = total.get(node, 0) + count
    return total, pages or dict(maps.by_size) or None
