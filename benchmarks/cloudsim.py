# SPDX-License-Identifier: Apache-2.0
"""CloudSim 4.0's power-aware data centre, replayed: PlanetLab consolidation.

Not an imitation of a data centre but of that program, its accidents among it,
since its figures are the yardstick: memory does not count after the start; a
VM that wants nothing is removed for good; where a VM migrates to, all of its
demand counts as wanted and a tenth as given. Sums are made in its order, so
that what rounds differently there does so here.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy
from numpy import typing as npt

from benchmarks import cloudsim_host

HOSTS = 800
STEP_S = 300.0
#: The first decision is a tenth of a second late, and so are all others.
LATE_S = 0.1
END_S = 86_400.0
#: By kind; a quarter of the VMs each, in the order of the trace.
VM_MIPS = (2500.0, 2000.0, 1000.0, 500.0)
VM_RAM = (870, 1740, 1740, 613)
#: MB a migration copies per second: half of 1 Gbit/s.
COPY_MB_S = 62.5
Array = npt.NDArray[numpy.float64]
Move = tuple[int, int]
Policy = Callable[['Centre'], list[Move]]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What CloudSim prints of a day."""

    energy_kwh: float
    migrations: int
    slatah_ratio: float
    pdm_ratio: float
    #: Hosts that were on, on average.
    hosts_on: float

    @property
    def slav(self) -> float:
        """Return the time hosts are short times what migrations cost."""
        return self.slatah_ratio * self.pdm_ratio


class Centre:
    """All hosts and VMs of one day, and the account of what they suffer."""

    def __init__(self, trace: npt.NDArray[numpy.int64]) -> None:
        count = len(trace)
        kinds = numpy.arange(count) // math.ceil(count / len(VM_MIPS))
        self.mips = numpy.array(VM_MIPS)[kinds]
        self.ram = numpy.array(VM_RAM)[kinds]
        # The last value stands for the end of the day, too.
        self._trace = numpy.column_stack([trace, trace[:, -1]]) / 100.0
        self.hosts = [cloudsim_host.Host(number) for number in range(HOSTS)]
        self.host_of = numpy.full(count, -1)
        self.migrating = numpy.zeros(count, bool)
        self.now_s = 0.0
        #: Part of its MIPS that each VM wants now.
        self.use = numpy.zeros(count)
        self.wanted = numpy.zeros(count)
        #: ``use`` at each decision so far.
        self.history: list[Array] = []
        self._vm_since = numpy.full(count, -1.0)
        self._vm_given = numpy.zeros(count)
        self._vm_wanted = numpy.zeros(count)
        self._vm_migrates = numpy.zeros(count, bool)
        self._energy_ws = 0.0
        self._on_s = self._short_s = 0.0
        self._asked = self._spared = 0.0
        #: All moves so far: when, who, from where, to where.
        self.moves: list[tuple[float, int, int, int]] = []
        self._processed_s = 0.0

    def place_first(self) -> None:
        """Place all VMs as if they wanted all of their MIPS, by power."""
        count = len(self.hosts)
        ram = numpy.zeros(count)
        used = numpy.zeros(count)
        pes = numpy.array([host.pe_mips for host in self.hosts])
        for vm, mips in enumerate(self.mips):
            fits = (
                (pes >= mips)
                & (cloudsim_host.PES * pes - used >= mips)
                & (ram + self.ram[vm] <= cloudsim_host.RAM_MB)
            )
            fits &= (used == 0) | (mips / (cloudsim_host.PES * pes) <= 0.7)
            costs = [
                host.power((used[host.number] + mips) / host.mips)
                - host.power_w[0]
                if fits[host.number]
                else math.inf
                for host in self.hosts
            ]
            chosen = int(numpy.argmin(costs))
            used[chosen] += mips
            ram[chosen] += self.ram[vm]
            self.hosts[chosen].vms.append(vm)
            self.host_of[vm] = chosen

    def run(self, policy: Policy) -> Outcome:
        """Live through the day."""
        self.place_first()
        arrivals: list[tuple[float, int, int]] = []
        on = []
        step_s = LATE_S + STEP_S
        while True:
            while arrivals and arrivals[0][0] < step_s:
                arrivals = self._arrive(arrivals)
            last = step_s > END_S
            self._advance(min(step_s, END_S))
            if not last:
                self.history.append(self.use.copy())
            on.append(sum(host.used > 0 for host in self.hosts))
            arrivals = self._start(policy(self))
            if last:
                break
            step_s += STEP_S
        return Outcome(
            self._energy_ws / 3.6e6,
            len(self.moves),
            self._short_s / self._on_s,
            self._spared / self._asked,
            float(numpy.mean(on)),
        )

    def _start(self, moves: list[Move]) -> list[tuple[float, int, int]]:
        """Begin migrations; return when they end, first ones first."""
        ends = []
        for vm, destination in moves:
            host = self.hosts[destination]
            self.migrating[vm] = True
            source = int(self.host_of[vm])
            self.moves.append((self.now_s, vm, source, destination))
            if vm not in host.arriving:
                host.arriving.append(vm)
                host.vms.append(vm)
                self._update(host)
                self._update(self.hosts[self.host_of[vm]])
            end_s = self.now_s + self.ram[vm] / COPY_MB_S
            ends.append((end_s, vm, destination))
        return sorted(ends, key=lambda one: one[0])

    def _arrive(
        self, arrivals: list[tuple[float, int, int]]
    ) -> list[tuple[float, int, int]]:
        """End all migrations that end next; return the others."""
        at_s = arrivals[0][0]
        self._advance(at_s)
        while arrivals and arrivals[0][0] == at_s:
            _, vm, destination = arrivals.pop(0)
            self._remove(vm)
            host = self.hosts[destination]
            host.arriving.remove(vm)
            host.vms.remove(vm)
            host.leaving.discard(vm)
            host.vms.append(vm)
            self.host_of[vm] = destination
            self.migrating[vm] = False
        self._advance(at_s)
        return arrivals

    def _remove(self, vm: int) -> None:
        if self.host_of[vm] >= 0:
            self.hosts[self.host_of[vm]].vms.remove(vm)
            self.host_of[vm] = -1

    def _advance(self, now_s: float) -> None:
        """Go on to an instant, and do the accounts up to it."""
        self.now_s = now_s
        at, rest = divmod(now_s, STEP_S)
        before = self._trace[:, int(at)]
        self.use = before
        if rest:
            rise = (self._trace[:, int(at) + 1] - before) / STEP_S
            self.use = before + rise * rest
        self.wanted = self.use * self.mips
        for host in self.hosts:
            self._update(host)
        self._consume(now_s - self._processed_s)
        self._processed_s = now_s
        for host in self.hosts:
            for vm in list(host.vms):
                if self.wanted[vm] == 0 and not self.migrating[vm]:
                    self._remove(vm)

    def _consume(self, seconds: float) -> None:
        if seconds <= 0:
            return
        for host in self.hosts:
            if host.used_before:
                before = host.power(host.used_before / host.mips)
                after = host.power(host.used / host.mips)
                self._energy_ws += (before + (after - before) / 2) * seconds

    def _update(self, host: cloudsim_host.Host) -> None:
        """Share a host's MIPS out anew."""
        host.used_before = host.used
        host.used = 0.0
        for vm in host.vms:
            if not self.migrating[vm]:
                host.leaving.discard(vm)
            elif vm not in host.arriving:
                host.leaving.add(vm)
        wants = [float(self.wanted[vm]) for vm in host.vms]
        total = 0.0
        for vm, mips, given in zip(
            host.vms, wants, host.shares(wants), strict=True
        ):
            if vm not in host.arriving:
                self._note_vm(vm, given, mips)
                if self.migrating[vm]:
                    given /= cloudsim_host.KEPT
            host.used += given
            total += mips
        self._note_host(host, total)

    def _note_vm(self, vm: int, given: float, wanted: float) -> None:
        since_s = self._vm_since[vm]
        if since_s >= 0 and since_s != self.now_s:
            seconds = self.now_s - since_s
            self._asked += self._vm_wanted[vm] * seconds
            short = self._vm_wanted[vm] - self._vm_given[vm]
            if short > 0 and self._vm_migrates[vm]:
                self._spared += short * seconds
        self._vm_since[vm] = self.now_s
        self._vm_given[vm] = given
        self._vm_wanted[vm] = wanted
        self._vm_migrates[vm] = self.migrating[vm]

    def _note_host(self, host: cloudsim_host.Host, wanted: float) -> None:
        if host.since_s >= 0 and host.since_s != self.now_s and host.given > 0:
            seconds = self.now_s - host.since_s
            self._on_s += seconds
            if host.given < host.wanted:
                self._short_s += seconds
        host.since_s = self.now_s
        host.given = host.used
        host.wanted = wanted
