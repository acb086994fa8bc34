# SPDX-License-Identifier: Apache-2.0
"""One domain from the host's side: all that ``/proc``, cgroups and KVM know.

libvirt is not asked; what only QEMU knows (the balloon, disks, interfaces)
is put beside it by the agent.
"""

import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from kvm_insight import exception
from kvm_insight.model import contention, sample
from kvm_insight.observe import (
    cgroup,
    collector,
    control,
    descriptor,
    footprint,
    kvm,
    pressure,
    process,
    resctrl,
    task,
    throttle,
    vhost,
)

NO_SCHEDSTAT = 'the kernel does not count run delay (CONFIG_SCHED_INFO)'
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


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
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

    def monitors(self) -> dict[pathlib.Path, frozenset[int]]:
        """Return the resctrl groups of now, read once for all domains."""
        root = self.sysfs / 'fs/resctrl'
        return (
            self.board.run('resctrl', lambda: resctrl.read_groups(root)) or {}
        )

    def open(self, pid: int) -> 'Domain | None':
        """Return the domain of this QEMU process; None if it is gone."""
        opened = process.open_process(
            self.proc, pid, counts=self.counts(), budget=self.budget
        )
        return None if opened is None else Domain(self, opened)


class Domain:
    """One QEMU process with its vhost workers, followed until it ends."""

    def __init__(self, source: Source, qemu: process.Process) -> None:
        self._source = source
        self._qemu = qemu
        self._workers = vhost.Workers(
            source.proc, source.budget, counts=qemu.counts
        )
        self._throttle = throttle.Throttle(source.budget)
        self._control = control.Reader()
        self._surveyed = False
        self._groups = cgroup.read_groups(
            source.proc, source.cgroup_root, qemu.pid
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
        self,
        monitors: Mapping[pathlib.Path, frozenset[int]] | None = None,
        *,
        survey: bool = True,
    ) -> Parts | None:
        """Return everything, or None when QEMU is gone.

        ``monitors``: from ``Source.monitors``. Without ``survey`` memory is
        left out, and affinity and weight are as they were.
        """
        run = self._source.board.run
        survey = survey or not self._surveyed
        self._surveyed = True
        self._control.begin(anew=survey)
        if not run('threads', self._refresh if survey else self._follow):
            return None
        parts = Parts(
            epoch=self.epoch,
            vcpus=self._vcpus(),
            threads=self._kinds(),
            affinity=self._qemu.affinity(),
            cpu=run('cpu_control', self._cpu),
            kvm=run('kvm', lambda: kvm.read(self._source.sysfs, self.pid)),
            pressure=run('domain_pressure', self._pressure),
            memory=run(
                'domain_memory', self._memory if survey else sample.Memory
            )
            or sample.Memory(),
            monitored=resctrl.read(dict(monitors or {}), self.tids),
            run_delay_us=self._run_delay_us(),
        )
        return None if self.gone else parts

    def close(self) -> None:
        """Release what is kept open."""
        self._qemu.close()
        self._workers.close()
        self._throttle.close()

    def _all(self) -> Iterator[process.Thread]:
        yield from self._qemu.threads.values()
        yield from self._workers.threads()

    def _follow(self) -> bool:
        self._workers.refresh()
        return self._qemu.rename()

    def _refresh(self) -> bool:
        self._workers.refresh()
        if not self._qemu.refresh():
            return False
        groups = cgroup.read_groups(
            self._source.proc, self._source.cgroup_root, self.pid
        )
        self._groups = groups or self._groups
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

    def _kinds(self) -> list[sample.Threads]:
        found = []
        for kind in _KINDS:
            threads = len(list(self._qemu.of_kind(kind)))
            total = self._qemu.total(kind)
            if kind == 'vhost':
                threads += len(self._workers.pids)
                total = process.add(total, self._workers.total())
            if not threads and not total.slices:
                continue
            used = total._asdict() if self._qemu.counts else {}
            found.append(sample.Threads(kind=kind, threads=threads, **used))
        return found

    def _run_delay_us(self) -> int | None:
        if not self._qemu.counts:
            return None
        kinds: tuple[task.Kind, ...] = ('vcpu', *_KINDS)
        total = sum(self._qemu.total(kind).run_delay_us for kind in kinds)
        return total + self._workers.total().run_delay_us

    def _cpu(self) -> sample.CpuControl | None:
        found = self._control.read(self._groups) if self._groups else None
        if found is None and not self.gone:
            raise exception.NoData(NO_GROUP)
        return found

    def _pressure(self) -> sample.Pressure | None:
        return pressure.read_group(self._groups) if self._groups else None

    def _memory(self) -> sample.Memory | None:
        proc, board = self._source.proc, self._source.board
        if self._groups is None:
            return None
        return footprint.read(proc, self.pid, self._groups, board)

    def _throttled_us(self, thread: process.Thread) -> int:
        index = thread.role.index
        if index is None or self._groups is None:
            return 0
        return self._throttle.read_us(self._groups, index)
