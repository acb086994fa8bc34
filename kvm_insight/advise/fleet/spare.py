# SPDX-License-Identifier: Apache-2.0
"""Which hosts could be emptied, because others have room for their guests.

An estimate by what guests wanted and their memory: neither processors nor
networks nor storage are compared. Peaks are added up as if all of them were at
the same time.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from kvm_insight.advise import check
from kvm_insight.advise.instance import idle
from kvm_insight.model import history

#: Of the CPUs, by the p95 of all guests together.
_CPU_PART = 0.7
#: Of the memory, without what is the host's own below.
_MEMORY_PART = 0.9
_OWN_BYTES = 2 << 30


@dataclasses.dataclass(slots=True)
class _Room:
    """A host with what is still free of its limits."""

    name: str
    guests: list[history.Guest]
    cores: float
    memory_bytes: float

    def fits(self, guest: history.Guest) -> bool:
        return (guest.p95_cores or 0.0) <= self.cores and (
            guest.memory_bytes or 0
        ) <= self.memory_bytes

    def take(self, guest: history.Guest) -> None:
        self.guests.append(guest)
        self.cores -= guest.p95_cores or 0.0
        self.memory_bytes -= guest.memory_bytes or 0


def _unknown(host: history.Host) -> str | None:
    """Return what is not known of a host, if so."""
    if not host.cpus or not host.memory_bytes:
        return f'{host.name}: its CPUs or memory'
    for guest in host.guests:
        if guest.p95_cores is None or guest.memory_bytes is None:
            return f'{host.name}: what {guest.name or guest.uuid} wanted'
        if guest.measured_us < idle.LEAST_S * 1e6:
            return (
                f'{host.name}: {guest.name or guest.uuid} is measured for'
                f' {guest.measured_us / 3.6e9:.0f} h of at least'
                f' {idle.LEAST_S / 3600:.0f} h'
            )
    return None


def _room(host: history.Host) -> _Room:
    memory = (host.memory_bytes or 0) * _MEMORY_PART - _OWN_BYTES
    room = _Room(host.name, [], host.cpus * _CPU_PART, memory)
    for guest in host.guests:
        room.take(guest)
    return room


def _plan(
    leaving: Sequence[history.Guest], rooms: Sequence[_Room]
) -> list[tuple[history.Guest, _Room]] | None:
    """Return where each would go, the largest first, each to where least
    memory is left; None if one finds no room."""
    left = [
        dataclasses.replace(room, guests=list(room.guests)) for room in rooms
    ]
    plan = []
    for guest in sorted(leaving, key=lambda one: -(one.memory_bytes or 0)):
        places = [at for at, room in enumerate(left) if room.fits(guest)]
        if not places:
            return None
        at = min(places, key=lambda place: left[place].memory_bytes)
        left[at].take(guest)
        plan.append((guest, rooms[at]))
    return plan


def _emptied(
    hosts: Iterable[history.Host],
) -> Iterator[tuple[_Room, list[tuple[history.Guest, _Room]]]]:
    """Return hosts that could be emptied one after the other, with where
    their guests would go; the least memory is moved first."""
    rooms = [_room(host) for host in hosts]
    order = sorted(
        rooms, key=lambda one: sum(g.memory_bytes or 0 for g in one.guests)
    )
    received: set[str] = set()
    for room in order:
        # Nothing is moved twice, and an empty host is nothing to empty.
        if room.name in received or not room.guests:
            continue
        others = [one for one in rooms if one is not room and one.guests]
        plan = _plan(room.guests, others)
        if plan is None:
            continue
        for guest, other in plan:
            other.take(guest)
            received.add(other.name)
        rooms = [one for one in rooms if one is not room]
        yield room, plan


def _is_needed(case: check.FleetCase) -> check.Outcome:
    unknown = {one.name: _unknown(one) for one in case.hosts}
    known = [one for one in case.hosts if unknown[one.name] is None]
    if len(case.hosts) < 2:
        return check.NotConcerned('there is only one host')
    if len(known) < 2:
        whys = '; '.join(why for why in unknown.values() if why)
        return check.CannotTell(f'not known: {whys}')
    found = list(_emptied(known))
    if not found:
        return check.Good(_loads(known))
    sizes = {one.name: one for one in known}
    names = ', '.join(room.name for room, _ in found)
    return check.Bad(
        tuple((room.name, _moves(plan)) for room, plan in found),
        f'{len(found)} of {len(case.hosts)} hosts could be emptied: {names}.'
        " An estimate; the planner's consolidation gives the exact moves",
        check.Saving(
            vcpus=sum(sizes[room.name].cpus for room, _ in found),
            memory_bytes=sum(
                sizes[room.name].memory_bytes or 0 for room, _ in found
            ),
        ),
    )


def _loads(hosts: Iterable[history.Host]) -> check.Evidence:
    return tuple(
        (
            one.name,
            f'{sum(g.p95_cores or 0 for g in one.guests):.1f} cores at p95'
            f' on {one.cpus} CPUs,'
            f' {sum(g.memory_bytes or 0 for g in one.guests) >> 20} MiB of'
            f' {(one.memory_bytes or 0) >> 20} MiB',
        )
        for one in hosts
    )


def _moves(plan: Iterable[tuple[history.Guest, _Room]]) -> str:
    return ', '.join(
        f'{guest.name or guest.uuid} to {room.name}'
        f' ({guest.p95_cores:.2f} cores, {(guest.memory_bytes or 0) >> 20}'
        ' MiB)'
        for guest, room in plan
    )


CHECKS = (
    check.Check(
        id='sizing.host-spare',
        subject='sizing',
        about='fleet',
        severity='low',
        title='A host could be emptied: others have room for its guests',
        reason='A host that is on takes much of its power with few guests on'
        ' it, and could be kept for repairs or for growth.',
        libvirt='Let the planner plan it: kvm-insight plan --cluster FILE'
        ' --mode consolidate; then virsh migrate --live as it says.',
        nova='openstack server migrate --live-migration, as the planner says'
        ' (mode consolidate); disable the service of the host first'
        ' (openstack compute service set --disable).',
        source='https://libvirt.org/migration.html',
        unless='it is kept free for a host that fails, or its guests cannot'
        ' be moved: devices, other processors, local disks.',
        look=_is_needed,
    ),
)
