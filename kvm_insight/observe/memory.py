# SPDX-License-Identifier: Apache-2.0
"""A domain's memory from the host's side: its group, its process, KSM."""

import dataclasses
import pathlib

from kvm_insight import exception
from kvm_insight.observe import cgroup, file

#: x86 and every arm64 kernel of the distributions that run KVM.
PAGE_BYTES = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Charged:
    """What the memory controller has charged to a domain."""

    current_bytes: int | None
    swap_bytes: int | None
    oom_kills: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Resident:
    """What ``/proc/<pid>/status`` says."""

    rss_bytes: int | None
    hugetlb_bytes: int | None
    swap_bytes: int | None


def parse_status(text: str) -> Resident:
    """Return the process's memory; kernel threads have none."""
    found = file.pairs(text)

    def size(name: str) -> int | None:
        return found[name] * 1024 if name in found else None

    return Resident(size('VmRSS'), size('HugetlbPages'), size('VmSwap'))


def parse_ksm_stat(text: str) -> int | None:
    """Return the bytes of the process that KSM has merged."""
    pages = file.pairs(text).get('ksm_merging_pages')
    return None if pages is None else pages * PAGE_BYTES


def read_resident(proc: pathlib.Path, pid: int) -> Resident | None:
    """Return what is resident, or None if the process is gone."""
    text = file.read(f'{proc}/{pid}/status')
    return None if text is None else parse_status(text)


def read_ksm(proc: pathlib.Path, pid: int) -> int | None:
    """Return what KSM merged of this process; NoData before Linux 6.1."""
    text = file.read(f'{proc}/{pid}/ksm_stat')
    if text is not None:
        found = parse_ksm_stat(text)
        if found is not None:
            return found
    pages = file.read_number(f'{proc}/{pid}/ksm_merging_pages')
    if pages is not None:
        return pages * PAGE_BYTES
    if file.read(f'{proc}/{pid}/stat') is None:
        return None
    raise exception.NoData('the kernel has no KSM figures of a process')


def read_charged(groups: cgroup.Groups) -> Charged | None:
    """Return what is charged to the domain; None without a memory group."""
    group = groups.find('memory')
    if group is None or not group.path.exists():
        return None
    return _charged_v2(group.path) if group.v2 else _charged_v1(group.path)


def _charged_v2(path: pathlib.Path) -> Charged | None:
    current = file.read_number(f'{path}/memory.current')
    if current is None:
        return None
    events = file.pairs(file.read(f'{path}/memory.events') or '')
    return Charged(
        current,
        file.read_number(f'{path}/memory.swap.current'),
        events.get('oom_kill'),
    )


def _charged_v1(path: pathlib.Path) -> Charged | None:
    current = file.read_number(f'{path}/memory.usage_in_bytes')
    if current is None:
        return None
    both = file.read_number(f'{path}/memory.memsw.usage_in_bytes')
    events = file.pairs(file.read(f'{path}/memory.oom_control') or '')
    # The two are read one after the other, so their difference may dip.
    swap = None if both is None else max(0, both - current)
    return Charged(current, swap, events.get('oom_kill'))
