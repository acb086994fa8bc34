# SPDX-License-Identifier: Apache-2.0
"""Whether a host's guests are at rest: then libvirt is asked less often.

Every request of a guest's disk or interface is served by one of QEMU's or
vhost's own threads, and one who lacks memory stalls: where neither happens,
what only libvirt could tell has hardly changed.
"""

import dataclasses
from collections.abc import Iterable

from kvm_insight.model import sample
from kvm_insight.observe import domain

#: Part of a core that one domain's QEMU may use for its guest at rest.
WORK = 0.02
#: Part of the time that anybody on the host may lack memory at rest.
STALL = 0.01


class Rest:
    """Compares each sweep with the one before."""

    def __init__(self) -> None:
        self._before: _Sums | None = None

    def look(
        self,
        uptime_us: int,
        system: sample.System,
        swept: Iterable[domain.Parts],
    ) -> bool:
        """Say whether all were at rest since the sweep before.

        Nobody is at the first sweep, with a newcomer, or where the kernel
        counts no run time or no pressure.
        """
        before, now = self._before, _sums(uptime_us, system, swept)
        self._before = now
        if before is None or now is None:
            return False
        interval_us = now.at_us - before.at_us
        if now.stalled_us - before.stalled_us > STALL * interval_us:
            return False
        return all(
            epoch in before.work_us
            and work_us - before.work_us[epoch] <= WORK * interval_us
            for epoch, work_us in now.work_us.items()
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Sums:
    at_us: int
    stalled_us: int
    #: Epoch -> what QEMU's own threads had used.
    work_us: dict[str, int]


def _sums(
    uptime_us: int, system: sample.System, swept: Iterable[domain.Parts]
) -> _Sums | None:
    """Return what is compared; None where a part of it is not counted."""
    if system.pressure is None or system.pressure.memory_some_us is None:
        return None
    work_us: dict[str, int] = {}
    for parts in swept:
        if parts.run_delay_us is None:
            return None
        work_us[parts.epoch] = sum(one.run_us or 0 for one in parts.threads)
    return _Sums(uptime_us, system.pressure.memory_some_us, work_us)
