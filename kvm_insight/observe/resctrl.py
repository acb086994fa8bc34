# SPDX-License-Identifier: Apache-2.0
"""Cache and memory bandwidth of a domain: ``/sys/fs/resctrl``.

libvirt makes a monitoring group for a domain whose XML asks for it; whose it
is, the thread numbers in its ``tasks`` say.
"""

import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping

from kvm_insight import exception
from kvm_insight.observe import file

NOT_MOUNTED = 'resctrl is not mounted (no RDT, PQoS or MPAM, or not used)'


@dataclasses.dataclass(frozen=True, slots=True)
class Monitored:
    """Sums over a domain's monitoring groups and all cache domains."""

    cache_occupancy_bytes: int | None
    total_bytes: int | None
    local_bytes: int | None


def parse_count(text: str) -> int | None:
    """Return the counter; the hardware may say Unavailable or Error."""
    word = text.strip()
    return int(word) if word.isdecimal() else None


def read_groups(root: pathlib.Path) -> dict[pathlib.Path, frozenset[int]]:
    """Return monitoring group -> threads; NoData without resctrl."""
    if not file.names(root):
        raise exception.NoData(NOT_MOUNTED)
    return {
        folder: frozenset(
            int(word) for word in (file.read(folder / 'tasks') or '').split()
        )
        for folder in _monitors(root)
    }


def read(
    groups: Mapping[pathlib.Path, frozenset[int]], tids: Collection[int]
) -> Monitored | None:
    """Return what the groups with these threads used; None without any.

    A group with threads of somebody else tells of both: it is left out.
    """
    threads = frozenset(tids)
    own: list[pathlib.Path] = []
    for folder, members in groups.items():
        # A control group's figures contain those of its monitors.
        inside = folder.parent.parent in own
        if members and members <= threads and not inside:
            own.append(folder)
    if not own:
        return None
    return Monitored(
        _sum(own, 'llc_occupancy'),
        _sum(own, 'mbm_total_bytes'),
        _sum(own, 'mbm_local_bytes'),
    )


def _monitors(root: pathlib.Path) -> Iterator[pathlib.Path]:
    """Return the monitored groups, a control group before its monitors."""
    for name in sorted({*file.names(root)} - {'info', 'mon_groups'}):
        if (root / name / 'mon_data').is_dir():
            yield root / name
    for control in (root, *(root / name for name in file.names(root))):
        for name in sorted(file.names(control / 'mon_groups')):
            yield control / 'mon_groups' / name


def _sum(folders: list[pathlib.Path], name: str) -> int | None:
    total: int | None = None
    for folder in folders:
        for cache in file.names(folder / 'mon_data'):
            text = file.read(folder / 'mon_data' / cache / name)
            count = None if text is None else parse_count(text)
            if count is not None:
                total = (total or 0) + count
    return total
