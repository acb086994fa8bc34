# SPDX-License-Identifier: Apache-2.0
"""Pressed: hosts that are too hot now, by most of their last minutes.

One bad minute says nothing; k of the last n do.
"""

from collections.abc import Callable, Mapping

from kvm_insight.model import host_report, inventory

#: So many of the last five minutes.
_MINUTES = 3
#: Part of the wanted CPU time that waits; parts of the time in which all
#: stand still for memory or disks.
_WAIT = 0.10
_MEMORY_FULL = 0.05
_IO_FULL = 0.20
#: Cores wanted without which a wait is no hotspot.
_LEAST_CORES = 0.1


def resources(
    report: host_report.HostReport,
) -> list[inventory.Resource]:
    """Return what a host has too little of."""
    return [
        name
        for name, is_bad in _TESTS.items()
        if sum(map(is_bad, report.minutes)) >= _MINUTES
    ]


def _waits(one: host_report.Minute) -> bool:
    if one.wanted_cores is None or one.waited_cores is None:
        return False
    share = one.waited_cores / max(one.wanted_cores, 1e-9)
    return one.wanted_cores >= _LEAST_CORES and share >= _WAIT


def _thrashes(one: host_report.Minute) -> bool:
    return one.memory_full is not None and one.memory_full >= _MEMORY_FULL


def _stalls(one: host_report.Minute) -> bool:
    return one.io_full is not None and one.io_full >= _IO_FULL


_TESTS: Mapping[inventory.Resource, Callable[[host_report.Minute], bool]] = {
    'cpu': _waits,
    'memory': _thrashes,
    'disk': _stalls,
}
