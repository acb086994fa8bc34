# SPDX-License-Identifier: Apache-2.0
"""The domains that live here now, each followed from first to last sight."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping

from kvm_insight.model import entity
from kvm_insight.observe import domain, place, roster
from kvm_insight.observe.ledger import port


@dataclasses.dataclass(frozen=True, slots=True)
class Resident:
    """One domain: who it is and what follows it."""

    entry: roster.Entry
    follower: domain.Domain


class Population:
    """Opens who comes, closes who leaves; keeps run delay between sweeps."""

    def __init__(self, where: place.Place) -> None:
        self._place = where
        self._residents: dict[int, Resident] = {}
        #: What they are the residents of; nothing while one of these could
        #: not be opened, which is tried again.
        self._entries: list[roster.Entry] = []
        #: Epoch -> run delay of all threads at the last sweep.
        self._delays: dict[str, int] = {}

    def __iter__(self) -> Iterator[Resident]:
        """Return all residents in the order of their UUID."""
        return iter(
            sorted(self._residents.values(), key=lambda r: r.entry.uuid)
        )

    def update(self, entries: Collection[roster.Entry]) -> bool:
        """Follow these and no others; say whether anything changed."""
        if entries == self._entries and not any(
            one.follower.gone for one in self._residents.values()
        ):
            return False
        wanted = _unique(entries)
        changed = False
        for pid, resident in list(self._residents.items()):
            if wanted.get(pid) != resident.entry or resident.follower.gone:
                self._residents.pop(pid).follower.close()
                changed = True
        for pid, entry in wanted.items():
            if pid in self._residents:
                continue
            follower = domain.open_domain(self._place, pid)
            if follower is not None:
                self._residents[pid] = Resident(entry, follower)
                changed = True
        whole = len(self._residents) == len(wanted)
        self._entries = list(entries) if whole else []
        return changed

    def followers(self) -> dict[str, domain.Domain]:
        """Return entity -> what follows the domain, for a tick."""
        return {
            entity.domain(resident.entry.uuid): resident.follower
            for resident in self
        }

    def members(self) -> list[port.Member]:
        """Return the domains as the ledger wants to know them."""
        return [
            port.Member(
                entity=entity.domain(resident.entry.uuid),
                pids=resident.follower.pids,
                throttles=resident.follower.throttles,
            )
            for resident in self
        ]

    def pids(self) -> frozenset[int]:
        """Return the pids of all domains and their vhost workers."""
        return frozenset(
            pid for resident in self for pid in resident.follower.pids
        )

    def adopt(self, vhost: Mapping[int, tuple[int, ...]]) -> None:
        """Give each domain its vhost workers: QEMU's pid -> their pids."""
        for resident in self:
            resident.follower.adopt(vhost.get(resident.entry.pid, ()))

    def sweep(
        self, *, survey: bool = True
    ) -> list[tuple[roster.Entry, domain.Parts]]:
        """Return everything of everybody; who vanished is left out."""
        shared = self._place.shared()
        found = [
            (resident.entry, resident.follower.sweep(shared, survey=survey))
            for resident in self
        ]
        return [(entry, parts) for entry, parts in found if parts is not None]

    def growth(
        self, swept: Collection[tuple[roster.Entry, domain.Parts]]
    ) -> dict[str, int]:
        """Return UUID -> growth of run delay since the sweep before.

        Who was not in the sweep before, or is another process now, is not in
        it: nobody knows since when it grew.
        """
        grown: dict[str, int] = {}
        delays: dict[str, int] = {}
        for entry, parts in swept:
            if parts.run_delay_us is None:
                continue
            delays[parts.epoch] = parts.run_delay_us
            older = self._delays.get(parts.epoch)
            if older is not None and parts.run_delay_us >= older:
                grown[entry.uuid] = parts.run_delay_us - older
        self._delays = delays
        return grown

    def close(self) -> None:
        """Release all descriptors."""
        self.update(())


def _unique(entries: Collection[roster.Entry]) -> dict[int, roster.Entry]:
    """Return pid -> entry, of two processes with one UUID the older.

    That happens where all processes are looked through and a domain
    migrates between two libvirts of one host.
    """
    by_uuid: dict[str, roster.Entry] = {}
    for entry in sorted(entries, key=lambda e: (e.start, e.pid)):
        by_uuid.setdefault(entry.uuid, entry)
    return {entry.pid: entry for entry in by_uuid.values()}
