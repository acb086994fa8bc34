# SPDX-License-Identifier: Apache-2.0
"""A domain's memory from the host's side: its group, its process, KSM."""

import dataclasses
import pathlib
import re

from kvm_insight import exception
from kvm_insight.observe import cgroup, file

_RESIDENT = re.compile(
    r'^(VmRSS|HugetlbPages|VmSwap):\s+(\d+) kB$', re.MULTILINE
)
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
    found = {name: int(kib) * 1024 for name, kib in _RESIDENT.findall(text)}
    return Resident(
        found.get('VmRSS'), found.get('HugetlbPages'), found.get('VmSwap')
    )


def parse_ksm_stat(text: str) -> int | None:
    """Return the bytes of the process that KSM has merged."""
    pages = file.pairs(text).get('ksm_merging_pages')
    return None if pages is None else pages * PAGE_BYTES


def read_resident(
    proc: pathlib.Path, pid: int, reader: file.Read = file.read
) -> Resident | None:
    """Return what is resident, or None if the process is gone."""
    text = reader(f'{proc}/{pid}/status')
    return None if text is None else parse_status(text)


def read_ksm(
    proc: pathlib.Path, pid: int, reader: file.Read = file.read
) -> int | None:
    """Return what KSM merged of this process; NoData before Linux 6.1."""
    text = reader(f'{proc}/{pid}/ksm_stat')
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


def read_charged(
    groups: cgroup.Groups, reader: file.Read = file.read
) -> Charged | None:
    """Return what is charged to the domain; None without a memory group."""
    group = groups.find('memory')
    if group is None:
        return None
    read = _charged_v2 if group.v2 else _charged_v1
    return read(group.path, reader)


def _charged_v2(path: pathlib.Path, reader: file.Read) -> Charged | None:
    current = file.read_number(f'{path}/memory.current', reader)
    if current is None:
        return None
    events = file.pairs(reader(f'{path}/memory.events') or '')
    return Charged(
        current,
        file.read_number(f'{path}/memory.swap.current', reader),
        events.get('oom_kill'),
    )


def _charged_v1(path: pathlib.Path, reader: file.Read) -> Charged | None:
    current = file.read_number(f'{path}/memory.usage_in_bytes', reader)
    if current is None:
        return None
    both = file.read_number(f'{path}/memory.memsw.usage_in_bytes', reader)
    events = file.pairs(reader(f'{path}/memory.oom_control') or '')
    # The two are read one after the other, so their difference may dip.
    swap = None if both is None else max(0, both - current)
    return Charged(current, swap, events.get('oom_kill'))
