# SPDX-License-Identifier: Apache-2.0
"""NUMA cells, huge pages and PCI devices of one host, and who fits in.

As Nova's ``numa_fit_instance_to_host``: each guest cell lies on a host cell
of its own, pinned vCPUs take dedicated CPUs, floating ones share what their
cell has times the allocation ratio, and memory never comes from another cell.
Devices with an affinity come from the cells where the guest lies.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from kvm_insight.model import cluster
from kvm_insight.recommend import request

_SMALL_KIB = 4


@dataclasses.dataclass(slots=True)
class Cell:
    """What is left of one host cell."""

    dedicated: int
    shared: int
    shared_used: int
    memory_bytes: int
    #: Size in KiB -> free pages.
    pages: dict[int, int]

    def holds(
        self, guest: cluster.GuestCell, asks: request.Request, ratio: float
    ) -> bool:
        """Say whether one guest cell finds room here."""
        if asks.dedicated:
            if guest.vcpus > self.dedicated:
                return False
        elif (
            guest.vcpus > self.shared
            or self.shared_used + guest.vcpus > self.shared * ratio
        ):
            return False
        size = (asks.page_kib or _SMALL_KIB) * 1024
        if size == _SMALL_KIB * 1024:
            return guest.memory_bytes <= self.memory_bytes
        free = self.pages.get(size // 1024, 0)
        return (
            guest.memory_bytes % size == 0
            and guest.memory_bytes <= free * size
        )

    def take(
        self, guest: cluster.GuestCell, asks: request.Request, sign: int
    ) -> None:
        """Give a guest cell its part (sign 1), or take it back (-1)."""
        if asks.dedicated:
            self.dedicated -= sign * guest.vcpus
        else:
            self.shared_used += sign * guest.vcpus
        kib = asks.page_kib or _SMALL_KIB
        if kib == _SMALL_KIB:
            self.memory_bytes -= sign * guest.memory_bytes
        else:
            pages = guest.memory_bytes // (kib * 1024)
            self.pages[kib] = self.pages.get(kib, 0) - sign * pages


@dataclasses.dataclass(slots=True)
class Pool:
    """What is left of one pool of PCI devices."""

    aliases: frozenset[str]
    free: int
    numa_cell: int | None


@dataclasses.dataclass(slots=True)
class Innards:
    """All of it on one host."""

    cells: dict[int, Cell]
    pools: list[Pool]


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """Where an instance lies in a host: host cells, and pools used."""

    cells: tuple[int, ...]
    devices: tuple[tuple[int, int], ...] = ()


def innards(host: cluster.Host) -> Innards:
    """Return what a host has left, as the cluster tells it."""
    return Innards(
        {
            one.index: Cell(
                one.dedicated_free,
                one.shared,
                one.shared_used,
                one.memory_free_bytes,
                {page.size_kib: page.free for page in one.pages},
            )
            for one in host.numa
        },
        [
            Pool(frozenset(one.aliases), one.free, one.numa_cell)
            for one in host.pci
        ],
    )


def seat(
    there: Innards,
    one: cluster.Instance,
    asks: request.Request,
    ratio: float,
) -> Seat | None:
    """Return where an instance would lie; None if it does not fit."""
    if not asks.numa:
        devices = _devices(there.pools, one.pci, None)
        return None if devices is None else Seat((), devices)
    if not one.numa:
        return None
    for order in _orders(there, one.numa, asks, ratio):
        devices = _devices(there.pools, one.pci, frozenset(order))
        if devices is not None:
            return Seat(order, devices)
    return None


def occupy(
    there: Innards,
    one: cluster.Instance,
    asks: request.Request,
    where: Seat,
    sign: int,
) -> None:
    """Let an instance have its seat (sign 1), or give it back (-1)."""
    for guest, index in zip(one.numa, where.cells, strict=False):
        there.cells[index].take(guest, asks, sign)
    for pool, count in where.devices:
        there.pools[pool].free -= sign * count


def present(there: Innards, one: cluster.Instance) -> Seat:
    """Return the seat that an instance gives back when it leaves.

    Nobody tells from which pool its devices are, so those do not come back.
    """
    cells = tuple(guest.host_cell for guest in one.numa)
    return Seat(cells if there.cells.keys() >= set(cells) else ())


def _orders(
    there: Innards,
    guests: Sequence[cluster.GuestCell],
    asks: request.Request,
    ratio: float,
) -> Iterable[tuple[int, ...]]:
    fitting = [
        [
            index
            for index, cell in there.cells.items()
            if cell.holds(guest, asks, ratio)
        ]
        for guest in guests
    ]
    for order in itertools.product(*fitting):
        if len(set(order)) == len(order):
            yield order


def _devices(
    pools: Sequence[Pool],
    wanted: Mapping[str, int],
    cells: frozenset[int] | None,
) -> tuple[tuple[int, int], ...] | None:
    """Return from which pools the devices come; None if there are too few."""
    taken: dict[int, int] = {}
    for alias, count in sorted(wanted.items()):
        left = count
        for index, pool in enumerate(pools):
            near = (
                cells is None
                or pool.numa_cell is None
                or pool.numa_cell in cells
            )
            if alias in pool.aliases and near:
                part = min(left, pool.free - taken.get(index, 0))
                if part > 0:
                    taken[index] = taken.get(index, 0) + part
                    left -= part
        if left > 0:
            return None
    return tuple(sorted(taken.items()))
