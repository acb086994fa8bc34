# SPDX-License-Identifier: Apache-2.0
"""Memory: nodes, pages of all sizes, KSM, swap."""

import os
import re

from kvm_insight import exception
from kvm_insight.model import part
from kvm_insight.observe import file, host
from kvm_insight.observe.facts import reader

_NODES = 'sys/devices/system/node'
_NODE = re.compile(r'node(\d+)')
_SIZE = re.compile(r'hugepages-(\d+)kB')
_FIELD = re.compile(r'^Node \d+ ([\w()]+):\s+(\d+) kB', re.MULTILINE)
_HUGE = 2 << 20
_PAGES = (4096, 16384, 65536)


def read(tree: reader.Reader) -> None:
    """Take all that there is of memory; ``service`` has KSM's thread."""
    _read_sizes(tree)
    tree.take('nodes', lambda: [_node(tree, n) for n in _numbers(tree)])
    thp = 'sys/kernel/mm/transparent_hugepage'
    for name in ('enabled', 'defrag'):
        _take_chosen(tree, f'thp_{name}', f'{thp}/{name}')
    tree.take('hugepages', lambda: _hugepages(tree))
    tree.take('hugepages_reserved', lambda: _reserved(tree))
    tree.take(
        'free_in_blocks_bytes',
        lambda: parse_blocks(
            tree.text('proc/buddyinfo'), _sizes(tree)['MemFree']
        ),
    )
    ksm = 'sys/kernel/mm/ksm'
    for name in ('run', 'pages_shared', 'pages_sharing'):
        _take_number(tree, f'ksm_{name}', f'{ksm}/{name}')
    tree.take(
        'ksm_merge_across_nodes',
        lambda: tree.flag(f'{ksm}/merge_across_nodes'),
    )
    for name in ('swappiness', 'overcommit_memory'):
        _take_number(tree, name, f'proc/sys/vm/{name}')


def parse_blocks(text: str, free_bytes: int) -> int:
    """Return how much of the free memory lies in blocks of 2 MiB or more.

    ``buddyinfo`` counts blocks of 2^n pages; how large a page is follows
    from all of them together being what is free.
    """
    counts = [
        (order, int(count))
        for line in text.strip().splitlines()
        for order, count in enumerate(line.split('zone', 1)[1].split()[1:])
    ]
    pages = sum(count << order for order, count in counts)
    if not pages:
        return 0
    page = min(_PAGES, key=lambda size: abs(size * pages - free_bytes))
    blocks = ((page << order, count) for order, count in counts)
    return sum(size * count for size, count in blocks if size >= _HUGE)


def parse_ticks(text: str) -> int:
    """Return the CPU time of a process's ``stat``, in microseconds."""
    fields = text.rpartition(')')[2].split()
    per_s = os.sysconf('SC_CLK_TCK')
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // per_s


def _sizes(tree: reader.Reader) -> dict[str, int]:
    return host.parse_meminfo(tree.text('proc/meminfo'))


def _read_sizes(tree: reader.Reader) -> None:
    for field, name in (
        ('memory_bytes', 'MemTotal'),
        ('memory_available_bytes', 'MemAvailable'),
        ('free_bytes', 'MemFree'),
        ('swap_bytes', 'SwapTotal'),
        ('swap_free_bytes', 'SwapFree'),
    ):
        _take_of(tree, field, name, 'proc/meminfo')
    for field, name in (
        ('swap_in_pages', 'pswpin'),
        ('swap_out_pages', 'pswpout'),
    ):
        _take_of(tree, field, name, 'proc/vmstat')


def _take_of(tree: reader.Reader, field: str, name: str, path: str) -> None:
    def one() -> int:
        text = tree.text(path)
        is_kib = path.endswith('meminfo')
        found = host.parse_meminfo(text) if is_kib else file.pairs(text)
        if name not in found:
            raise exception.NoData(f'/{path} has no {name}')
        return found[name]

    tree.take(field, one)


def _take_chosen(tree: reader.Reader, field: str, path: str) -> None:
    tree.take(field, lambda: reader.chosen(tree.text(path)))


def _take_number(tree: reader.Reader, field: str, path: str) -> None:
    tree.take(field, lambda: tree.number(path))


def _numbers(tree: reader.Reader) -> list[int]:
    found = map(_NODE.fullmatch, tree.names(_NODES))
    return sorted(int(one[1]) for one in found if one)


def _node(tree: reader.Reader, number: int) -> part.Node:
    folder = f'{_NODES}/node{number}'
    sizes = dict(_FIELD.findall(tree.maybe(f'{folder}/meminfo') or ''))
    distances = (tree.maybe(f'{folder}/distance') or '').split()

    def size(name: str) -> int | None:
        return int(sizes[name]) * 1024 if name in sizes else None

    return part.Node(
        number=number,
        cpus=tree.maybe(f'{folder}/cpulist') or '',
        memory_bytes=size('MemTotal'),
        free_bytes=size('MemFree'),
        cached_bytes=_sum(size('Active(file)'), size('Inactive(file)')),
        distances=[int(word) for word in distances],
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _hugepages(tree: reader.Reader) -> list[part.HugePages]:
    found = []
    for number in _numbers(tree):
        folder = f'{_NODES}/node{number}/hugepages'
        names = tree.names(folder) if tree.has(folder) else []
        for size in filter(None, map(_SIZE.fullmatch, names)):
            one = f'{folder}/{size[0]}'
            found.append(
                part.HugePages(
                    node=number,
                    size_kib=int(size[1]),
                    pages=tree.number(f'{one}/nr_hugepages'),
                    free=tree.number(f'{one}/free_hugepages'),
                    surplus=tree.maybe_number(f'{one}/surplus_hugepages'),
                )
            )
    return found


def _reserved(tree: reader.Reader) -> dict[str, int]:
    folder = 'sys/kernel/mm/hugepages'
    sizes = filter(None, map(_SIZE.fullmatch, tree.names(folder)))
    return {
        size[1]: tree.number(f'{folder}/{size[0]}/resv_hugepages')
        for size in sizes
    }
