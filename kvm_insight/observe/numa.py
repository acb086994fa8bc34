# SPDX-License-Identifier: Apache-2.0
"""On which NUMA nodes, and on pages of what size, a domain's memory lies."""

import dataclasses
import pathlib
import re
from collections.abc import Mapping

from kvm_insight.observe import cgroup, descriptor, file, memory

_NODE = re.compile(r'N(\d+)=(\d+)')
_HUGE = re.compile(r'hugepages-(\d+)kB')
_PAGE_SIZE = re.compile(r'kernelpagesize_kB=(\d+)')
_UNITS = {'KB': 1, 'MB': 1024, 'GB': 1024 * 1024}


@dataclasses.dataclass(frozen=True, slots=True)
class Maps:
    """What ``numa_maps`` says: huge pages apart from the rest."""

    #: Node -> bytes.
    ordinary: Mapping[str, int]
    huge: Mapping[str, int]
    #: Page size in KiB -> bytes.
    by_size: Mapping[str, int]


def parse_numa_stat(text: str, *, v2: bool) -> dict[str, int]:
    """Return node -> bytes of a group's ``memory.numa_stat``.

    v2 counts anonymous and file memory apart, in bytes; v1 a total, in
    pages, of the group itself and once more with its children.
    """
    # Not anon_thp and file_mapped, which are parts of these.
    wanted = ('anon ', 'file ') if v2 else _v1_total(text)
    nodes: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith(wanted):
            for node, count in _NODE.findall(line):
                size = int(count) * (1 if v2 else memory.PAGE_BYTES)
                nodes[node] = nodes.get(node, 0) + size
    return nodes


def parse_numa_maps(text: str) -> Maps:
    """Return where the mappings of a process lie.

    A page counts once for each mapping, so shared pages of libraries are
    in; a guest's memory is mapped once.
    """
    ordinary: dict[str, int] = {}
    huge: dict[str, int] = {}
    by_size: dict[str, int] = {}
    for line in text.splitlines():
        size = _PAGE_SIZE.search(line)
        page_kib = int(size[1]) if size else memory.PAGE_BYTES // 1024
        is_huge = ' huge' in line
        nodes = huge if is_huge else ordinary
        for node, pages in _NODE.findall(line):
            count = int(pages) * page_kib * 1024
            nodes[node] = nodes.get(node, 0) + count
            if is_huge:
                key = str(page_kib)
                by_size[key] = by_size.get(key, 0) + count
    return Maps(ordinary, huge, by_size)


def parse_page_size(name: str) -> int | None:
    """Return the KiB in the ``2MB`` or ``1GB`` of a hugetlb file's name."""
    size, unit = name[:-2], name[-2:]
    if unit not in _UNITS or not size.isdecimal():
        return None
    return int(size) * _UNITS[unit]


def read_numa(
    groups: cgroup.Groups, reader: file.Read = file.read
) -> dict[str, int] | None:
    """Return node -> bytes charged to the group; huge pages are not in."""
    group = groups.find('memory')
    if group is None:
        return None
    text = reader(f'{group.path}/memory.numa_stat')
    return None if text is None else parse_numa_stat(text, v2=group.v2)


def read_numa_maps(proc: pathlib.Path, pid: int) -> Maps | None:
    """Return where the process's memory lies, or None if it is gone.

    Walks the page tables of the whole guest (1 ms for each 200 MiB of small
    pages): only for what the group does not tell.
    """
    text = file.read(f'{proc}/{pid}/numa_maps')
    return None if text is None else parse_numa_maps(text)


def read_nodes(sysfs: pathlib.Path) -> list[str]:
    """Return the numbers of the host's NUMA nodes."""
    found = file.names(sysfs / 'devices/system/node')
    numbers = (name[4:] for name in found if name.startswith('node'))
    return sorted((n for n in numbers if n.isdecimal()), key=int)


def read_free(sysfs: pathlib.Path) -> dict[str, int] | None:
    """Return node -> free bytes; None on a kernel without NUMA."""
    free: dict[str, int] = {}
    for node in read_nodes(sysfs):
        text = file.read(sysfs / f'devices/system/node/node{node}/meminfo')
        found = re.search(r'MemFree:\s+(\d+) kB', text or '')
        if found:
            free[node] = int(found[1]) * 1024
    return free or None


def read_host_hugepages(
    sysfs: pathlib.Path, name: str
) -> dict[str, int] | None:
    """Return ``node/KiB`` -> pages, for ``nr`` or ``free`` hugepages."""
    pages: dict[str, int] = {}
    for node in read_nodes(sysfs):
        folder = sysfs / f'devices/system/node/node{node}/hugepages'
        for entry in file.names(folder):
            size = _HUGE.fullmatch(entry)
            count = file.read_number(folder / entry / f'{name}_hugepages')
            if size and count is not None:
                pages[f'{node}/{size[1]}'] = count
    return pages or None


def read_hugetlb(
    groups: cgroup.Groups, files: descriptor.Files
) -> dict[str, int] | None:
    """Return page size in KiB -> bytes of the group's huge pages."""
    group = groups.find('hugetlb')
    if group is None:
        return None
    suffix = '.current' if group.v2 else '.usage_in_bytes'
    found: dict[str, int] = {}
    for name in files.names(group.path):
        words = name.removesuffix(suffix).split('.')
        if not name.endswith(suffix) or len(words) != 2:
            continue
        size = parse_page_size(words[1])
        count = file.read_number(f'{group.path}/{name}', files.read)
        if size is not None and count is not None:
            found[str(size)] = count
    return found or None


def _v1_total(text: str) -> tuple[str, ...]:
    hierarchical = 'hierarchical_total='
    return (hierarchical,) if hierarchical in text else ('total=',)
