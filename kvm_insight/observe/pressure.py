# SPDX-License-Identifier: Apache-2.0
"""Pressure stall information of the host and of one group."""

import pathlib
import re

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import cgroup, file

OFF = 'PSI is off or not in this kernel (boot with psi=1)'
NO_FILES = 'cgroup v1 has no pressure files'
GROUP_OFF = 'PSI is off for cgroups (boot with psi=1)'
NO_GROUP = 'QEMU is in no cgroup of its own'

_TOTAL = re.compile(r'^(some|full) .*total=(\d+)$', re.MULTILINE)
_RESOURCES = ('cpu', 'memory', 'io', 'irq')


def parse(text: str) -> dict[str, int]:
    """Return ``some`` and ``full`` -> total µs of one pressure file."""
    totals = {kind: int(total) for kind, total in _TOTAL.findall(text)}
    if not totals:
        raise exception.CollectorError(f'pressure: {text[:60]!r}')
    return totals


def read_host(proc: pathlib.Path) -> sample.Pressure:
    """Return the host's pressure; NoData where PSI is off."""
    found = _read(f'{proc}/pressure', '', file.read)
    if found is None:
        raise exception.NoData(OFF)
    return found


def read_group(
    groups: cgroup.Groups, reader: file.Read = file.read
) -> sample.Pressure | None:
    """Return the domain's pressure, or None if its group is gone.

    Raises NoData with the reason where this host cannot tell.
    """
    if groups.layout.unified is None:
        raise exception.NoData(NO_FILES)
    group = groups.unified()
    if group is None:
        raise exception.NoData(NO_GROUP)
    found = _read(str(group.path), '.pressure', reader)
    if found is None and group.path.exists():
        raise exception.NoData(GROUP_OFF)
    return found


def _read(
    folder: str, suffix: str, reader: file.Read
) -> sample.Pressure | None:
    totals: dict[str, int] = {}
    for resource in _RESOURCES:
        try:
            text = reader(f'{folder}/{resource}{suffix}')
        except exception.NoData:
            # With psi=0 older kernels keep the files and refuse to read.
            continue
        if text is not None:
            for kind, total in parse(text).items():
                totals[f'{resource}_{kind}_us'] = total
    if not totals:
        return None
    return sample.Pressure(
        cpu_some_us=totals.get('cpu_some_us'),
        cpu_full_us=totals.get('cpu_full_us'),
        memory_some_us=totals.get('memory_some_us'),
        memory_full_us=totals.get('memory_full_us'),
        io_some_us=totals.get('io_some_us'),
        io_full_us=totals.get('io_full_us'),
        irq_full_us=totals.get('irq_full_us'),
    )
