# SPDX-License-Identifier: Apache-2.0
"""One domain from the host's side: all that ``/proc``, cgroups and KVM know.

libvirt is not asked; what only QEMU knows (the balloon, disks, interfaces)
is put beside it by the agent.
"""

import dataclasses
from collections.abc import Collection, Iterator
from typing import Literal

from kvm_insight import exception
from kvm_insight.model import contention, sample
from kvm_insight.observe import (
    cgroup,
    control,
    descriptor,
    footprint,
    kvm,
    place,
    pressure,
    process,
    resctrl,
    task,
    throttle,
    vhost,
)

NO_GROUP = 'QEMU is in no cgroup of its own'
_KINDS: tuple[Literal['emulator', 'iothread', 'vhost'], ...] = (
    'emulator',
    'iothread',
    'vhost',
)


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """What a sweep finds; the fields are those of ``sample.Domain``."""

    epoch: str
    vcpus: list[sample.Vcpu]
    threads: list[sample.Threads]
    affinity: str | None
    cpu: sample.CpuControl | None
    kvm: sample.Kvm | None
    pressure: sample.Pressure | None
    #: Only the host's side of it.
    memory: sample.Memory
    monitored: resctrl.Monitored | None
    #: Growth of this is what the ledger's row must add up to.
    run_delay_us: int | None


def open_domain(where: place.Place, pid: int) -> 'Domain | None':
    """Return the domain of this QEMU process; None if it is gone."""
    opened = process.open_process(
        where.proc, pid, counts=where.counts(), budget=where.budget
    )
    return None if opened is None else Domain(where, opened)


class Domain:
    """One QEMU process with its vhost workers, followed until it ends."""

    def __init__(self, where: place.Place, qemu: process.Process) -> None:
        self._place = where
        self._qemu = qemu
        self._workers = vhost.Workers(
            where.proc, where.budget, counts=qemu.counts
        )
        self._throttle = throttle.Throttle(where.budget)
        self._files = descriptor.Files(where.budget)
        self._control = control.Reader(self._files.read)
        self._surveyed = False
        self._affinity: str | None = None
        self._groups = cgroup.read_groups(
            where.proc, where.cgroup_root, qemu.pid
        )

    @property
    def pid(self) -> int:
        """Return QEMU's pid."""
        return self._qemu.pid

    @property
    def epoch(self) -> str:
        """Return what no other QEMU process has."""
        return self._qemu.epoch

    @property
    def gone(self) -> bool:
        """Say whether the process was seen to have ended."""
        return self._qemu.gone

    @property
    def throttles(self) -> bool:
        """Say whether a CPU quota applied to it at the last sweep."""
        return self._control.limited

    @property
    def pids(self) -> tuple[int, ...]:
        """Return QEMU's pid and those of its vhost workers of their own."""
        return (self._qemu.pid, *self._workers.pids)

    @property
    def tids(self) -> frozenset[int]:
        """Return all its threads."""
        return frozenset(thread.tid for thread in self._all())

    def adopt(self, workers: Collection[int]) -> None:
        """These kernel threads are its vhost workers now (before Linux 6.4).

        Later kernels run them as threads of QEMU, which are seen anyway.
        """
        self._workers.adopt(workers)

    def tick(self) -> bool:
        """Read all threads; False when QEMU is gone."""
        self._workers.read()
        return self._qemu.read()

    def threads(self, entity: str) -> Iterator[tuple[int, contention.Thread]]:
        """Return tid and thread as of the last tick, for the ledger."""
        for thread in self._all():
            if thread.usage is None:
                continue
            yield (
                thread.tid,
                contention.Thread(
                    entity=entity,
                    run_us=thread.usage.run_us,
                    run_delay_us=thread.usage.run_delay_us,
                    last_cpu=thread.last_cpu,
                    affinity=process.affinity_set(thread.affinity or ''),
                    throttled_us=self._throttled_us(thread),
                ),
            )

    def sweep(
        self, shared: place.Shared | None = None, *, survey: bool = True
    ) -> Parts | None:
        """Return everything, or None when QEMU is gone.

        ``shared``: from ``place.Place.shared``. Without ``survey`` memory is
        left out, and affinity and weight are as they were.
        """
        run = self._place.board.run
        shared = shared or place.Shared()
        survey = survey or not self._surveyed
        self._surveyed = True
        self._control.begin(anew=survey)
        if not run('threads', self._refresh if survey else self._follow):
            return None
        totals = self._totals()
        parts = Parts(
            epoch=self.epoch,
            vcpus=self._vcpus(),
            threads=self._kinds(totals),
            affinity=self._affinity,
            cpu=run('cpu_control', self._cpu),
            kvm=run('kvm', lambda: kvm.read(shared.machines.get(self.pid))),
            pressure=run('domain_pressure', self._pressure),
            memory=run(
                'domain_memory', self._memory if survey else sample.Memory
            )
            or sample.Memory(),
            monitored=resctrl.read(shared.monitors, self.tids),
            run_delay_us=self._run_delay_us(totals),
        )
        return None if self.gone else parts

    def close(self) -> None:
        """Release what is kept open."""
        self._qemu.close()
        self._workers.close()
        self._throttle.close()
        self._files.close()

    def _all(self) -> Iterator[process.Thread]:
        yield from self._qemu.threads.values()
        yield from self._workers.threads()

    def _follow(self) -> bool:
        self._workers.refresh()
        return self._qemu.follow()

    def _refresh(self) -> bool:
        self._workers.refresh()
        if not self._qemu.refresh():
            return False
        groups = cgroup.read_groups(
            self._place.proc,
            self._place.cgroup_root,
            self.pid,
            self._files.read,
        )
        self._groups = groups or self._groups
        self._affinity = self._qemu.affinity()
        return True

    def _vcpus(self) -> list[sample.Vcpu]:
        threads = {
            thread.role.index: thread for thread in self._qemu.of_kind('vcpu')
        }
        return [
            self._vcpu(index, thread)
            for index, thread in sorted(
                threads.items(), key=lambda i: i[0] or 0
            )
            if index is not None
        ]

    def _vcpu(self, index: int, thread: process.Thread) -> sample.Vcpu:
        usage = thread.usage
        return sample.Vcpu(
            index=index,
            tid=thread.tid,
            run_us=usage.run_us if usage else thread.read_cpu_us(),
            run_delay_us=usage.run_delay_us if usage else None,
            slices=usage.slices if usage else None,
            state=thread.state,
            affinity=thread.affinity,
            last_cpu=thread.last_cpu,
            throttled_us=(
                self._control.read_vcpu_us(self._groups, index)
                if self._groups
                else None
            ),
        )

    def _totals(self) -> process.Totals:
        """Return what all threads of each kind used, workers among them."""
        totals = self._qemu.totals()
        if self._workers.pids or self._workers.total().slices:
            threads, used = totals.get('vhost', (0, task.NOTHING))
            totals['vhost'] = (
                threads + len(self._workers.pids),
                used.plus(self._workers.total()),
            )
        return totals

    def _kinds(self, totals: process.Totals) -> list[sample.Threads]:
        found = []
        for kind in _KINDS:
            threads, total = totals.get(kind, (0, task.NOTHING))
            if not threads and not total.slices:
                continue
            used = total._asdict() if self._qemu.counts else {}
            found.append(sample.Threads(kind=kind, threads=threads, **used))
        return found

    def _run_delay_us(self, totals: process.Totals) -> int | None:
        if not self._qemu.counts:
            return None
        return sum(used.run_delay_us for _, used in totals.values())

    def _cpu(self) -> sample.CpuControl | None:
        found = self._control.read(self._groups) if self._groups else None
        if found is None and not self.gone:
            raise exception.NoData(NO_GROUP)
        return found

    def _pressure(self) -> sample.Pressure | None:
        if self._groups is None:
            return None
        return pressure.read_group(self._groups, self._files.read)

    def _memory(self) -> sample.Memory | None:
        proc, board = self._place.proc, self._place.board
        if self._groups is None:
            return None
        return footprint.read(proc, self.pid, self._groups, board, self._files)

    def _throttled_us(self, thread: process.Thread) -> int:
        index = thread.role.index
        if index is None or self._groups is None:
            return 0
        return self._throttle.read_us(self._groups, index)
