# SPDX-License-Identifier: Apache-2.0
"""KVM's own counters of a domain: ``/sys/kernel/debug/kvm``.

The kernel sums the vCPUs' counters there for each virtual machine, in a
folder ``<pid>-<fd>``. Halt polling matters most: a vCPU that polls for its
next interrupt counts as running, so an idle guest can look busy.
"""

import pathlib

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import file

NOT_MOUNTED = 'debugfs is not mounted on /sys/kernel/debug'
LOCKED = 'debugfs is locked down (Secure Boot), or not readable'
NOT_THERE = 'KVM has no statistics here (the guests run under TCG)'


def read_machines(sysfs: pathlib.Path) -> dict[int, pathlib.Path]:
    """Return QEMU's pid -> its machine; NoData where none can have any."""
    root = sysfs / 'kernel/debug'
    if not file.names(root):
        raise exception.NoData(NOT_MOUNTED)
    names = file.names(root / 'kvm')
    machines = {
        int(pid): root / 'kvm' / name
        for name in names
        for pid, dash, _ in [name.partition('-')]
        if dash and pid.isdecimal()
    }
    if not names:
        raise exception.NoData(NOT_THERE)
    return machines


def read(machine: pathlib.Path | None) -> sample.Kvm | None:
    """Return a machine's counters; None if KVM has none of the process (it
    runs under TCG, or is gone)."""
    if machine is None:
        return None
    try:
        return _read_machine(machine)
    except exception.NoData as why:
        raise exception.NoData(LOCKED) from why


def _read_machine(folder: pathlib.Path) -> sample.Kvm | None:
    def count(name: str) -> int | None:
        return file.read_number(folder / name)

    def time_us(name: str) -> int | None:
        nanoseconds = count(name)
        return None if nanoseconds is None else nanoseconds // 1000

    exits = count('exits')
    success_us = time_us('halt_poll_success_ns')
    fail_us = time_us('halt_poll_fail_ns')
    if exits is None and success_us is None:
        return None
    return sample.Kvm(
        exits=exits,
        halt_exits=count('halt_exits'),
        halt_poll_success_us=success_us,
        halt_poll_fail_us=fail_us,
        halt_wait_us=time_us('halt_wait_ns'),
    )
