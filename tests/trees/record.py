#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what the readers read of this host as one small tree.

    record.py PID... > tests/trees/NAME/tree.txt

Only files that the readers know are taken, and of processes only those
named; a file begins with ``-- path --``. Tests unpack such a tree into a
folder, which then is a host.
"""

import pathlib
import sys
from collections.abc import Iterator

PROC = pathlib.Path('/proc')
CGROUP = pathlib.Path('/sys/fs/cgroup')
HOST = (
    'proc/self/schedstat',
    'proc/stat',
    'proc/meminfo',
    'proc/vmstat',
    'proc/loadavg',
    'proc/diskstats',
    'proc/pressure/*',
    'sys/devices/system/cpu/online',
    'sys/devices/system/node/node*/meminfo',
    'sys/devices/system/node/node*/hugepages/*/*_hugepages',
    'sys/kernel/mm/ksm/pages_shar*',
    'sys/class/net/*/statistics/[rt]x_[bped]*',
    'sys/class/net/*/speed',
)
PROCESS = ('stat', 'status', 'cgroup', 'ksm_stat')
THREAD = ('stat', 'status', 'cgroup', 'schedstat')
GROUP = (
    'cpu.max',
    'cpu.weight',
    'cpu.shares',
    'cpu.cfs_*_us',
    'cpu.stat*',
    '*.pressure',
    'memory.current',
    'memory.swap.current',
    'memory.events',
    'memory.usage_in_bytes',
    'memory.memsw.usage_in_bytes',
    'memory.oom_control',
    'memory.numa_stat',
    'hugetlb.*.current',
    'hugetlb.*.usage_in_bytes',
)
KEPT_LINES = {
    'proc/stat': ('cpu', 'btime'),
    'proc/vmstat': ('pswp', 'pgmajfault', 'oom_kill'),
    'proc/meminfo': ('Mem', 'Swap'),
    'status': ('Name', 'VmRSS', 'VmSwap', 'Hugetlb', 'Threads', 'Cpus_'),
}


def paths(pids: list[int]) -> Iterator[pathlib.Path]:
    """Return what to take."""
    root = pathlib.Path('/')
    for pattern in HOST:
        yield from sorted(root.glob(pattern))
    yield from sorted(pathlib.Path('/sys/block').glob('*/device/uevent'))
    yield from sorted(pathlib.Path('/sys/class/net').glob('*/device/uevent'))
    yield CGROUP / 'cgroup.controllers'
    yield from sorted(CGROUP.glob('*/cgroup.controllers'))
    yield from sorted(CGROUP.glob('*/cgroup.procs'))
    for pid in pids:
        folder = PROC / str(pid)
        yield from (folder / name for name in PROCESS)
        for task in sorted(folder.glob('task/*')):
            yield from (task / name for name in THREAD)
        yield from groups(folder)


def groups(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Return the files of the process's own groups in all hierarchies."""
    for line in (folder / 'cgroup').read_text().splitlines():
        path = line.split(':', 2)[2].lstrip('/')
        top = path.removesuffix('/emulator').removesuffix('/libvirt')
        if not top:
            continue
        for mount in [CGROUP, *CGROUP.iterdir()]:
            for pattern in GROUP:
                yield from sorted((mount / top).glob(pattern))
                yield from sorted((mount / top).glob(f'*/{pattern}'))


def text_of(path: pathlib.Path) -> str | None:
    """Return what is kept of a file; None if it cannot be read."""
    if path.name == 'cgroup.procs':
        return ''
    try:
        text = path.read_text()
    except OSError:
        return None
    name = str(path).lstrip('/')
    kept = KEPT_LINES.get(name) or KEPT_LINES.get(path.name)
    if kept:
        lines = text.splitlines(keepends=True)
        return ''.join(line for line in lines if line.startswith(kept))
    return text


def main() -> None:
    """Write the tree to standard output."""
    seen: set[pathlib.Path] = set()
    for path in paths([int(word) for word in sys.argv[1:]]):
        if path in seen:
            continue
        seen.add(path)
        text = text_of(path)
        if text is not None:
            sys.stdout.write(f'-- {str(path).lstrip("/")} --\n{text}')
            if text and not text.endswith('\n'):
                sys.stdout.write('\n')


if __name__ == '__main__':
    main()
