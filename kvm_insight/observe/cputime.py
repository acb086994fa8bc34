# SPDX-License-Identifier: Apache-2.0
"""Where the host's CPUs spent their time: ``/proc/stat``."""

import dataclasses
import pathlib

from kvm_insight import exception
from kvm_insight.observe import file, task


@dataclasses.dataclass(frozen=True, slots=True)
class Modes:
    """Cumulative time by mode; guest time is in ``guest_us`` alone."""

    user_us: int
    nice_us: int
    system_us: int
    idle_us: int
    iowait_us: int
    irq_us: int
    softirq_us: int
    steal_us: int
    guest_us: int

    @property
    def busy_us(self) -> int:
        """Return what ran, guests too; what was stolen did not run."""
        return (
            self.user_us
            + self.nice_us
            + self.system_us
            + self.irq_us
            + self.softirq_us
            + self.guest_us
        )


def parse(text: str) -> tuple[Modes, dict[int, Modes]]:
    """Return the modes of all CPUs together, and of each online CPU."""
    total: Modes | None = None
    cpus: dict[int, Modes] = {}
    for line in text.splitlines():
        if not line.startswith('cpu'):
            break
        words = line.split()
        if words[0] == 'cpu':
            total = _modes(words)
        else:
            cpus[int(words[0][3:])] = _modes(words)
    if total is None:
        raise exception.CollectorError(f'/proc/stat: {text[:60]!r}')
    return total, cpus


def read(proc: pathlib.Path) -> tuple[Modes, dict[int, Modes]]:
    """Return the host's CPU time, all together and for each CPU."""
    text = file.read(f'{proc}/stat')
    if text is None:
        raise exception.CollectorError(f'{proc}/stat is not there')
    return parse(text)


def _modes(words: list[str]) -> Modes:
    ticks = [int(word) for word in words[1:11]]
    # Kernels before 2.6.33 have fewer columns; nothing ran in those.
    ticks += [0] * (10 - len(ticks))
    (user, nice, system, idle, iowait, irq, softirq, steal, guest, gnice) = (
        tick * task.US_PER_CLOCK_TICK for tick in ticks
    )
    return Modes(
        # Linux counts a guest's time a second time as user or nice. The two
        # are not read at one instant, so the difference may dip below zero.
        user_us=max(0, user - guest),
        nice_us=max(0, nice - gnice),
        system_us=system,
        idle_us=idle,
        iowait_us=iowait,
        irq_us=irq,
        softirq_us=softirq,
        steal_us=steal,
        guest_us=guest + gnice,
    )
