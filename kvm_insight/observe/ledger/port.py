# SPDX-License-Identifier: Apache-2.0
"""What a ledger collector is; ``ebpf`` and ``sampled`` keep to this."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from kvm_insight.model import contention, sample


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One entity and the processes that are it.

    ``entity`` is as in ``model.entity``. For a domain, ``pids`` are the QEMU
    process and its vhost workers (tasks outside the process, by their own
    pid), and it is a victim. For a service or command, ``pids`` are its
    processes now and ``cgroup`` its cgroup v2 directory's inode, where there
    is one, which also catches processes that start later. ``throttles`` says
    whether a CPU quota applies.
    """

    entity: str
    pids: tuple[int, ...]
    cgroup: int | None = None
    throttles: bool = False


class Collector(Protocol):
    """Keeps the ledger of one host; used by one thread."""

    #: ``ebpf`` or ``sampled``.
    source: str
    #: Whether ``tick`` needs to be called about once a second.
    ticks: bool

    def watch(self, members: Sequence[Member]) -> None:
        """These are the entities now; all others fall to ``host``.

        Called at start and whenever a domain comes or goes, and at each
        sweep for services. What an entity that left has waited and run until
        now is still in the next ``collect``.
        """

    def tick(self, reading: contention.Reading) -> None:
        """Take one reading of all threads; a no-op for an exact ledger."""

    def collect(self, run_delay_us: dict[str, int]) -> sample.Ledger:
        """Return what happened since the last call.

        ``run_delay_us``: UUID -> growth of the run delay of all its threads
        in the same interval, by which an exact ledger checks itself.
        Raises LedgerError when the self-check fails: use another source.
        """

    def close(self) -> None:
        """Leave nothing behind in the kernel; never raises."""
