# SPDX-License-Identifier: Apache-2.0
"""Where all domains of a host are read, and what is read once for all."""

import dataclasses
import pathlib
from collections.abc import Mapping

from kvm_insight import exception
from kvm_insight.observe import collector, descriptor, kvm, resctrl, task

NO_SCHEDSTAT = 'the kernel does not count run delay (CONFIG_SCHED_INFO)'


@dataclasses.dataclass(frozen=True, slots=True)
class Shared:
    """What one sweep reads for all domains at once."""

    #: resctrl group -> its threads.
    monitors: Mapping[pathlib.Path, frozenset[int]] = dataclasses.field(
        default_factory=dict
    )
    #: QEMU's pid -> where KVM counts its machine.
    machines: Mapping[int, pathlib.Path] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where all domains of a host are read."""

    proc: pathlib.Path
    sysfs: pathlib.Path
    cgroup_root: pathlib.Path
    board: collector.Board
    budget: descriptor.Budget = dataclasses.field(
        default_factory=descriptor.Budget
    )

    def counts(self) -> bool:
        """Say whether the kernel counts run delay; notes it if not."""
        if task.read_schedstat_works(self.proc):
            return True
        self.board.lack('schedstat', NO_SCHEDSTAT)
        return False

    def shared(self) -> Shared:
        """Return what is read once for all domains."""
        root = self.sysfs / 'fs/resctrl'
        run = self.board.run
        return Shared(
            run('resctrl', lambda: resctrl.read_groups(root)) or {},
            run('kvm_machines', self._machines) or {},
        )

    def _machines(self) -> dict[int, pathlib.Path]:
        try:
            return kvm.read_machines(self.sysfs)
        except exception.NoData as why:
            self.board.lack('kvm', str(why))
            return {}
