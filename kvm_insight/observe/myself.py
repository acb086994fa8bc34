# SPDX-License-Identifier: Apache-2.0
"""The agent's own place and cost: boot, uptime, CPU time, memory."""

import os
import pathlib
import time

from kvm_insight.observe import file


def read_boot_id(proc: pathlib.Path) -> str:
    """Return the id of this boot; empty where the kernel tells none."""
    return (file.read(proc / 'sys/kernel/random/boot_id') or '').strip()


def uptime_us() -> int:
    """Return how long the host runs, with the time that it slept."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def cpu_us() -> int:
    """Return what this process has used, all its threads."""
    return time.process_time_ns() // 1000


def read_rss_bytes(proc: pathlib.Path) -> int | None:
    """Return what this process has in memory."""
    text = file.read(proc / 'self/statm')
    if not text:
        return None
    return int(text.split()[1]) * os.sysconf('SC_PAGE_SIZE')
