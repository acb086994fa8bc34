# SPDX-License-Identifier: Apache-2.0
"""One reading of all threads at once, for the sampled ledger."""

import pathlib
from collections.abc import Collection, Mapping

from kvm_insight.model import contention, entity
from kvm_insight.observe import cputime, domain, place, process, service

#: Threads of services that are read at each tick, the busiest first.
SERVICE_THREADS = 64


class Ticker:
    """Reads domains, busy services and CPUs within a few milliseconds."""

    def __init__(self, where: place.Place) -> None:
        self._proc: pathlib.Path = where.proc
        self._budget = where.budget
        self._services: dict[str, dict[int, process.Process]] = {}

    def watch(self, busy: Collection[service.Busy]) -> None:
        """These are the host's busiest services, as of the last sweep."""
        left = SERVICE_THREADS
        wanted: dict[str, tuple[int, ...]] = {}
        for found in busy:
            if found.threads <= left:
                wanted[entity.service(found.name)] = found.pids
                left -= found.threads
        for name in list(self._services):
            for pid in list(self._services[name]):
                if pid not in wanted.get(name, ()):
                    self._services[name].pop(pid).close()
            if name not in wanted:
                del self._services[name]
        for name, pids in wanted.items():
            kept = self._services.setdefault(name, {})
            for pid in pids:
                if pid not in kept:
                    self._open(kept, pid)

    def read(
        self, domains: Mapping[str, domain.Domain], time_us: int
    ) -> contention.Reading:
        """Return what all threads have used by now.

        ``domains``: entity -> domain; one that is gone is left out.
        ``time_us``: now, by a clock that does not jump.
        """
        threads: dict[int, contention.Thread] = {}
        for name, found in domains.items():
            if found.tick():
                threads.update(found.threads(name))
        for name, processes in self._services.items():
            self._read_service(name, processes, threads)
        _, cpus = cputime.read(self._proc)
        return contention.Reading(
            time_us=time_us,
            threads=threads,
            busy_us={cpu: modes.busy_us for cpu, modes in cpus.items()},
        )

    def close(self) -> None:
        """Release what is kept open for services."""
        self.watch(())

    def _open(self, kept: dict[int, process.Process], pid: int) -> None:
        found = process.open_process(self._proc, pid, budget=self._budget)
        if found is not None:
            kept[pid] = found

    def _read_service(
        self,
        name: str,
        processes: dict[int, process.Process],
        threads: dict[int, contention.Thread],
    ) -> None:
        for pid, found in list(processes.items()):
            if not found.read():
                processes.pop(pid).close()
                continue
            for thread in found.threads.values():
                if thread.usage is not None:
                    threads[thread.tid] = contention.Thread(
                        entity=name,
                        run_us=thread.usage.run_us,
                        run_delay_us=thread.usage.run_delay_us,
                        last_cpu=thread.last_cpu,
                        affinity=process.affinity_set(thread.affinity or ''),
                    )
