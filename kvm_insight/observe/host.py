# SPDX-License-Identifier: Apache-2.0
"""The host itself: everything in ``sample.System``, at one instant."""

import dataclasses
import pathlib
import re
from collections.abc import Collection

from kvm_insight import exception
from kvm_insight.model import cpulist, sample
from kvm_insight.observe import (
    collector,
    cputime,
    device,
    file,
    numa,
    pressure,
    service,
)

_MHZ = re.compile(r'^cpu MHz\s*:\s*([\d.]+)', re.MULTILINE)
_CPU = re.compile(r'cpu\d+')


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """Where the host is read; a temporary directory is a host, too."""

    proc: pathlib.Path
    sysfs: pathlib.Path
    board: collector.Board
    scanner: service.Scanner
    nics: device.Nics

    def read(
        self, own: Collection[int]
    ) -> tuple[sample.System, list[service.Busy]]:
        """Return the host, and its busiest services for the ledger.

        ``own``: pids of all domains' QEMU processes and vhost workers.
        """
        run = self.board.run
        busy = run('services', lambda: self.scanner.scan(own)) or []
        modes = run('cpu', lambda: cputime.read(self.proc))
        memory = run('memory', lambda: read_meminfo(self.proc)) or {}
        events = run('vmstat', lambda: read_vmstat(self.proc)) or {}
        ksm = run('ksm', lambda: read_ksm(self.sysfs)) or (None, None)
        pages = run('hugepages', lambda: read_hugepages(self.sysfs))
        pages = pages or (None, None)
        run('perf', lambda: read_counters(self.sysfs))
        system = sample.System(
            cpus=read_online(self.sysfs, modes[1] if modes else ()),
            **(dataclasses.asdict(modes[0]) if modes else {}),
            load1=run('load', lambda: read_load(self.proc)),
            frequency_khz=run(
                'frequency', lambda: read_frequency(self.proc, self.sysfs)
            ),
            pressure=run('pressure', lambda: pressure.read_host(self.proc)),
            memory_bytes=memory.get('MemTotal'),
            memory_available_bytes=memory.get('MemAvailable'),
            swap_bytes=memory.get('SwapTotal'),
            swap_free_bytes=memory.get('SwapFree'),
            swap_in_pages=events.get('pswpin'),
            swap_out_pages=events.get('pswpout'),
            major_faults=events.get('pgmajfault'),
            oom_kills=events.get('oom_kill'),
            numa_free_bytes=run('numa', lambda: numa.read_free(self.sysfs)),
            hugepages=pages[0],
            hugepages_free=pages[1],
            ksm_pages_shared=ksm[0],
            ksm_pages_sharing=ksm[1],
            disks=run(
                'disks', lambda: device.read_disks(self.proc, self.sysfs)
            ),
            nics=run('nics', self.nics.read),
            services=service.published(busy),
        )
        return system, busy


def open_host(
    proc: pathlib.Path,
    sysfs: pathlib.Path,
    cgroup_root: pathlib.Path,
    board: collector.Board,
) -> Host:
    """Return the host that these trees are."""
    return Host(
        proc,
        sysfs,
        board,
        service.Scanner(proc, cgroup_root),
        device.Nics(sysfs),
    )


def parse_meminfo(text: str) -> dict[str, int]:
    """Return name -> bytes of what ``/proc/meminfo`` counts in kB."""
    return {
        name: count * 1024
        for name, count in file.pairs(text).items()
        if not name.startswith('HugePages_')
    }


def read_meminfo(proc: pathlib.Path) -> dict[str, int]:
    """Return the host's memory in bytes."""
    return parse_meminfo(_need(proc / 'meminfo'))


def read_vmstat(proc: pathlib.Path) -> dict[str, int]:
    """Return the kernel's counters of memory events."""
    return file.pairs(_need(proc / 'vmstat'))


def parse_load(text: str) -> float:
    """Return the load of the last minute."""
    try:
        return float(text.split()[0])
    except (IndexError, ValueError) as why:
        raise exception.CollectorError(f'loadavg: {text[:40]!r}') from why


def read_load(proc: pathlib.Path) -> float:
    """Return the load of the last minute."""
    return parse_load(_need(proc / 'loadavg'))


def read_online(sysfs: pathlib.Path, counted: Collection[int]) -> str:
    """Return the online CPUs in list format."""
    text = file.read(sysfs / 'devices/system/cpu/online')
    return text.strip() if text else cpulist.render(counted)


def read_frequency(proc: pathlib.Path, sysfs: pathlib.Path) -> int:
    """Return the mean of all CPUs' clock, in kHz; NoData without one."""
    root = sysfs / 'devices/system/cpu'
    found = [
        file.read_number(root / name / 'cpufreq/scaling_cur_freq')
        for name in file.names(root)
        if _CPU.fullmatch(name)
    ]
    clocks = [float(khz) for khz in found if khz is not None]
    if not clocks:
        text = file.read(proc / 'cpuinfo') or ''
        clocks = [float(mhz) * 1000 for mhz in _MHZ.findall(text)]
    if not clocks:
        raise exception.NoData('no cpufreq, and no clock in /proc/cpuinfo')
    return round(sum(clocks) / len(clocks))


def read_counters(sysfs: pathlib.Path) -> list[str]:
    """Return the CPUs' own event counters; NoData where there are none."""
    found = [
        name
        for name in file.names(sysfs / 'bus/event_source/devices')
        if name.startswith(('cpu', 'armv8'))
    ]
    if not found:
        raise exception.NoData('the CPUs have no event counters here')
    return found


def read_ksm(sysfs: pathlib.Path) -> tuple[int | None, int | None]:
    """Return the pages that KSM shares, and how many share them."""
    root = sysfs / 'kernel/mm/ksm'
    shared = file.read_number(root / 'pages_shared')
    if shared is None:
        raise exception.NoData('the kernel is without KSM')
    return shared, file.read_number(root / 'pages_sharing')


def read_hugepages(
    sysfs: pathlib.Path,
) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    """Return all and free huge pages by node and size."""
    pages = numa.read_host_hugepages(sysfs, 'nr')
    if pages is None:
        raise exception.NoData('the kernel has no huge pages by node')
    return pages, numa.read_host_hugepages(sysfs, 'free')


def _need(path: pathlib.Path) -> str:
    text = file.read(path)
    if text is None:
        raise exception.CollectorError(f'{path} is not there')
    return text
