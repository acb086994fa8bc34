# SPDX-License-Identifier: Apache-2.0
"""LR-MMT-1.2 as CloudSim 4.0 has it: the yardstick of consolidation.

A host is overloaded if 1.2 times its use, carried on in a line through the
last ten values, reaches all of it; from it go the VMs that are copied fastest,
to where they cost the least power; hosts are emptied, the least used first,
if all of their VMs find a place.
"""

import numpy
from numpy import typing as npt

from benchmarks import cloudsim

SAFETY = 1.2
POINTS = 10
Mask = npt.NDArray[numpy.bool_]

#: Without so many values, a host is overloaded above this.
FALLBACK = 0.7


def _weights() -> cloudsim.Array:
    """Return by what to weigh the last values, the oldest first, to have the
    next one of a straight line through them."""
    x = numpy.arange(1.0, POINTS + 1)
    centred = x - x.mean()
    # One interval ahead: no migration takes longer than that.
    ahead = POINTS + 1 - x.mean()
    weights: cloudsim.Array = 1 / POINTS + centred * ahead / (centred**2).sum()
    return weights


class Policy:
    """Decides once every five minutes."""

    def __init__(self) -> None:
        self._weights = _weights()

    def __call__(self, centre: cloudsim.Centre) -> list[cloudsim.Move]:
        """Return what is to migrate where."""
        return _Round(centre, self._weights).decide()


class _Round:
    """One decision: the hosts as they would be with the moves so far."""

    def __init__(
        self, centre: cloudsim.Centre, weights: cloudsim.Array
    ) -> None:
        self.centre = centre
        hosts = centre.hosts
        self.vms = [list(host.vms) for host in hosts]
        self.mips = numpy.array([host.mips for host in hosts])
        self.pe_mips = numpy.array([host.pe_mips for host in hosts])
        self.powers = numpy.array([host.power_w for host in hosts])
        #: Before any move; the yardstick never looks at it again.
        self.ratio = numpy.array([host.used for host in hosts]) / self.mips
        self.ratio[(self.ratio > 1) & (self.ratio < 1.01)] = 1.0
        self.power_now = self._power(self.ratio)
        known = centre.history[-POINTS:]
        if len(known) < POINTS:
            self.load = centre.wanted
            self.limit = FALLBACK
        else:
            self.load = weights @ numpy.array(known) * centre.mips * SAFETY
            self.limit = 1.0
        self.fallback = len(known) < POINTS
        self.loads = numpy.array([self._sum(vms) for vms in self.vms])
        self.used = numpy.zeros(len(hosts))
        self.free = numpy.zeros(len(hosts))
        for number in range(len(hosts)):
            self._share(number)

    def decide(self) -> list[cloudsim.Move]:
        over = numpy.array([self._is_over(n) for n in range(len(self.vms))])
        homeless = [
            vm
            for number in numpy.flatnonzero(over).tolist()
            for vm in self._off(number)
        ]
        moves = []
        for vm in self._largest_first(homeless):
            found = self._find(vm, ~over)
            if found >= 0:
                self._put(vm, found)
                moves.append((vm, found))
        return moves + self._empty(over)

    def _empty(self, over: Mask) -> list[cloudsim.Move]:
        """Empty the least used hosts as long as one can be."""
        off = self.ratio == 0
        kept = over | off
        closed = over | off
        moves: list[cloudsim.Move] = []
        there = numpy.array([bool(vms) for vms in self.vms])
        there &= self.ratio < 1
        while (there & ~kept).any():
            ratio = numpy.where(there & ~kept, self.ratio, 1.0)
            number = int(numpy.argmin(ratio))
            kept[number] = closed[number] = True
            found = self._all(number, ~closed)
            kept[[host for _, host in found]] = True
            moves += found
        return moves

    def _all(self, number: int, allowed: Mask) -> list[cloudsim.Move]:
        """Return a place for each VM of a host, or nothing."""
        moves: list[cloudsim.Move] = []
        for vm in self._largest_first(self.vms[number]):
            found = self._find(vm, allowed)
            if found < 0:
                for moved, host in moves:
                    self.vms[host].remove(moved)
                    self._again(host)
                return []
            self._put(vm, found)
            moves.append((vm, found))
        return moves

    def _off(self, number: int) -> list[int]:
        """Take VMs off a host until it is not overloaded."""
        gone = []
        while self.vms[number]:
            vm = min(self.vms[number], key=lambda one: self.centre.ram[one])
            self.vms[number].remove(vm)
            gone.append(vm)
            self._again(number)
            if not self._is_over(number):
                break
        return gone

    def _find(self, vm: int, allowed: Mask) -> int:
        """Return the host where a VM costs the least power, or -1."""
        mips = self.centre.wanted[vm]
        fits = allowed & (self.pe_mips >= mips) & (self.free >= mips)
        tried = fits & (self.used != 0)
        for host in self.centre.hosts:
            # A trial makes the scheduler forget who has left.
            if tried[host.number]:
                host.leaving.discard(vm)
        load = (self.loads + self.load[vm]) / self.mips
        over = load > self.limit if self.fallback else load >= self.limit
        fits &= ~(tried & over)
        if not fits.any():
            return -1
        ratio = numpy.minimum((self.used + mips) / self.mips, 1.0)
        cost = numpy.where(fits, self._power(ratio) - self.power_now, 1e9)
        return int(numpy.argmin(cost))

    def _put(self, vm: int, number: int) -> None:
        self.centre.hosts[number].leaving.discard(vm)
        self.vms[number].append(vm)
        self._again(number)

    def _again(self, number: int) -> None:
        self.loads[number] = self._sum(self.vms[number])
        self._share(number)

    def _share(self, number: int) -> None:
        """Do again what a host's VMs get."""
        pe_mips = float(self.pe_mips[number])
        wants = [
            min(float(self.centre.wanted[v]), pe_mips)
            for v in self.vms[number]
        ]
        total = sum(wants)
        left = float(self.mips[number]) - total
        if left < 0:
            scale = float(self.mips[number]) / total
            self.used[number] = sum(int(one * scale) for one in wants)
            self.free[number] = 0.0
        else:
            self.used[number] = total
            self.free[number] = left

    def _is_over(self, number: int) -> bool:
        load = self.loads[number] / self.mips[number]
        if self.fallback:
            return bool(load > self.limit)
        return bool(self.vms[number]) and bool(load >= self.limit)

    def _sum(self, vms: list[int]) -> float:
        return float(sum(self.load[vm] for vm in vms))

    def _largest_first(self, vms: list[int]) -> list[int]:
        return sorted(vms, key=lambda vm: -self.centre.wanted[vm])

    def _power(self, ratio: cloudsim.Array) -> cloudsim.Array:
        # In CloudSim's order: hosts that cost the same are told apart by what
        # the last digits round to.
        ratio = numpy.clip(ratio, 0.0, 1.0)
        low = numpy.floor(ratio * 10).astype(int)
        high = numpy.ceil(ratio * 10).astype(int)
        rows = numpy.arange(len(ratio))
        power = self.powers[rows, low]
        step = (self.powers[rows, high] - power) / 10
        exact = numpy.fmod(ratio, 0.1) == 0
        between = power + step * (ratio - low / 10) * 100
        at = self.powers[rows, (ratio * 10).astype(int)]
        watts: cloudsim.Array = numpy.where(exact, at, between)
        return watts
