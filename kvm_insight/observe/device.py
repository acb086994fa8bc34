# SPDX-License-Identifier: Apache-2.0
"""The host's own disks and network devices, without the guests' ends."""

import pathlib
import re

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import file

#: ``/proc/diskstats`` counts in these, whatever the device's own sector is.
SECTOR_BYTES = 512

_REPRESENTOR = re.compile(r'(c\d+)?pf\d+(vf|sf)\d+')


def parse_diskstats(text: str) -> dict[str, sample.HostDisk]:
    """Return name -> counters of all block devices and partitions."""
    found: dict[str, sample.HostDisk] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 14:
            continue
        n = [int(word) for word in words[3:14]]
        found[words[2]] = sample.HostDisk(
            name=words[2],
            read_requests=n[0],
            read_bytes=n[2] * SECTOR_BYTES,
            read_us=n[3] * 1000,
            write_requests=n[4],
            write_bytes=n[6] * SECTOR_BYTES,
            write_us=n[7] * 1000,
            in_flight=n[8],
            busy_us=n[9] * 1000,
        )
    return found


def read_disks(
    proc: pathlib.Path, sysfs: pathlib.Path
) -> list[sample.HostDisk]:
    """Return whole disks and software RAID; no partitions, no loops.

    What is stacked upon them (device mapper) would count each request twice.
    """
    text = file.read(f'{proc}/diskstats')
    if text is None:
        raise exception.NoData('the kernel has no disk statistics')
    disks = parse_diskstats(text)
    return [disks[name] for name in sorted(disks) if _is_disk(sysfs, name)]


class Nics:
    """Physical network devices and bonds, told from all others once.

    Taps, bridges, tunnels and the representors of virtual functions repeat
    what the guests' interfaces tell.
    """

    def __init__(self, sysfs: pathlib.Path) -> None:
        self._root = sysfs / 'class/net'
        #: Name -> whether it is one; a host has many times more taps.
        self._known: dict[str, bool] = {}

    def read(self) -> list[sample.Nic]:
        """Return those that are there now."""
        names = sorted(file.names(self._root))
        self._known = {
            name: self._is_nic(name) if known is None else known
            for name in names
            for known in [self._known.get(name)]
        }
        found = [
            _read_nic(self._root / name) for name in names if self._known[name]
        ]
        return [nic for nic in found if nic is not None]

    def _is_nic(self, name: str) -> bool:
        folder = self._root / name
        if (folder / 'bonding').exists():
            return True
        if not (folder / 'device').exists() or (folder / 'tun_flags').exists():
            return False
        try:
            port = file.read(folder / 'phys_port_name')
        except exception.KvmInsightError:
            # Most drivers do not know port names and refuse to read.
            port = None
        return not (port and _REPRESENTOR.fullmatch(port.strip()))


def _is_disk(sysfs: pathlib.Path, name: str) -> bool:
    folder = sysfs / 'block' / name.replace('/', '!')
    return (folder / 'device').exists() or (folder / 'md').exists()


def _read_nic(folder: pathlib.Path) -> sample.Nic | None:
    counters: dict[str, int] = {}
    for direction in ('rx', 'tx'):
        for field, source in (
            ('bytes', 'bytes'),
            ('packets', 'packets'),
            ('errors', 'errors'),
            ('drops', 'dropped'),
        ):
            path = f'{folder}/statistics/{direction}_{source}'
            value = file.read_number(path)
            if value is None:
                return None
            counters[f'{direction}_{field}'] = value
    return sample.Nic(
        name=folder.name, speed_bits_s=_read_speed(folder), **counters
    )


def _read_speed(folder: pathlib.Path) -> int | None:
    try:
        megabits = file.read_number(folder / 'speed')
    except exception.KvmInsightError:
        # EINVAL while the link is down, and from drivers without a speed.
        return None
    if megabits is None or megabits <= 0:
        return None
    return megabits * 1_000_000
