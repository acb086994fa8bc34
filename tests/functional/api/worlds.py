# SPDX-License-Identifier: Apache-2.0
"""Clouds that look alike to one project, whatever the others are.

A world is what the project ``own`` has and what is done to it. It is written
in two ways: others have other names, are more or fewer, and share what they
did among themselves otherwise; all of them together did the same.
"""

import dataclasses
import itertools
import random

import sqlalchemy as sa
from hypothesis import strategies as st

from kvm_insight.model import control, entity, inventory
from kvm_insight.store import table
from tests import filling

OWN = 'own-project'
HOSTS = 3
#: Blame comes in parts of this, so that sums are exact.
WHOLE = 64
#: What no member of a project may ever read, in whichever world.
SECRETS = (
    'host-',
    'zone-',
    'aggregate-',
    'service-',
    'dom-',
    'finding-',
    'user-1',
    'somebody',
    'other-',
    'recommendation-',
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A finding about an own instance, or by one of them."""

    own: int
    is_victim: bool
    #: µs and parts of blame of all others together; none at all.
    others: tuple[int, int] | None
    #: Whether the host, a service and the own neighbours are named, too.
    with_host: bool
    with_service: bool
    with_neighbour: bool
    is_open: bool
    opened: int


@dataclasses.dataclass(frozen=True)
class World:
    """What is the project's own."""

    #: On which host each own instance is.
    places: tuple[int, ...]
    findings: tuple[Finding, ...]
    #: µs that each waited for all others, and all others for it.
    suffered: tuple[int, ...]
    caused: tuple[int, ...]


def _finding(many: int) -> st.SearchStrategy[Finding]:
    return st.builds(
        Finding,
        own=st.integers(0, many - 1),
        is_victim=st.booleans(),
        others=st.none()
        | st.tuples(st.integers(3, 10**6), st.integers(3, WHOLE // 2)),
        with_host=st.booleans(),
        with_service=st.booleans(),
        with_neighbour=st.booleans(),
        is_open=st.booleans(),
        opened=st.integers(0, 3),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return a world."""
    many = draw(st.integers(1, 3))
    times = st.lists(st.integers(3, 10**9), min_size=many, max_size=many)
    return World(
        places=tuple(
            draw(
                st.lists(
                    st.integers(0, HOSTS - 1), min_size=many, max_size=many
                )
            )
        ),
        findings=tuple(draw(st.lists(_finding(many), max_size=4))),
        suffered=tuple(draw(times)),
        caused=tuple(draw(times)),
    )


class Writer:
    """Writes a world in one of the ways that look the same."""

    def __init__(self, store: sa.Connection, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self._seed = seed
        self._cloud = filling.Filling(store)
        self._store = store
        self.own: list[str] = []
        #: Host -> other instances there.
        self._others: list[list[str]] = [[] for _ in range(HOSTS)]

    @property
    def others(self) -> list[str]:
        """Return the UUIDs of what is not the project's."""
        return [uuid for some in self._others for uuid in some]

    def write(self) -> None:
        """Write all of it."""
        self._store.execute(
            sa.insert(table.SECRET).values(name='opaque_id', value=b'k' * 32)
        )
        self._cloud.project(OWN, 'own-name')
        for number in range(HOSTS):
            self._host(number)
        for number, place in enumerate(self._world.places):
            self.own.append(
                self._cloud.instance(
                    number + 1,
                    OWN,
                    name(place),
                    name=f'mine-{number}',
                    domain_name=f'dom-{number}',
                )
            )
        for number, one in enumerate(self._world.findings):
            self._finding(f'finding-{number}', one)
        self._hours()
        self._noise()

    def _host(self, number: int) -> None:
        self._cloud.host(
            name(number),
            availability_zone='zone-1',
            aggregates=['aggregate-1'],
        )
        for place in range(self._chance.randint(3, 6)):
            who = f'{self._seed}-{number}-{place}'
            self._others[number].append(
                self._cloud.instance(
                    # Others' UUIDs differ from world to world.
                    (self._seed + 1) * 1000 + number * 10 + place,
                    f'other-{self._chance.randint(0, 3)}-{self._seed}',
                    name(number),
                    name=f'other-vm-{who}',
                    domain_name=f'dom-{who}',
                    flavor=f'other-flavor-{who}',
                    server_group=f'other-group-{who}',
                )
            )

    def _shares(self, whole: int, parts: int) -> list[int]:
        """Return as many parts, each at least one, that add up to it."""
        cuts = self._chance.sample(range(1, whole), parts - 1)
        edges = [0, *sorted(cuts), whole]
        return [b - a for a, b in itertools.pairwise(edges)]

    def _finding(self, ident: str, one: Finding) -> None:
        """Write what happened to one of our own, or what it did: then so
        many others suffered, together as much."""
        if one.is_victim:
            self._about(ident, one, 0)
            return
        shares = self._shares(1000, self._chance.randint(1, 3))
        for number, us in enumerate(shares):
            self._about(f'{ident}-{number}', one, us)

    def _about(self, ident: str, one: Finding, caused_us: int) -> None:
        place = self._world.places[one.own]
        me = entity.domain(self.own[one.own])
        there = [entity.domain(uuid) for uuid in self._others[place]]
        named: list[tuple[str, int, float]] = []
        if not one.is_victim:
            named.append((me, caused_us, 0.25))
        if one.others is not None:
            named += self._accused(there, one.others)
        if one.with_service:
            named.append((entity.service('service-x'), 7, 1 / WHOLE))
        if one.with_host:
            named.append((entity.HOST, 5, 1 / WHOLE))
        if one.with_neighbour:
            # Of what another one waited each has its part, too.
            neighbour_us = 11 if one.is_victim else 0
            named += [
                (entity.domain(uuid), neighbour_us, 1 / WHOLE)
                for uuid in self.own
                if entity.domain(uuid) != me
            ]
        opened_us = filling.NOW_US - (one.opened + 1) * filling.HOUR_US
        self._cloud.finding(
            ident,
            name(place),
            me if one.is_victim else self._chance.choice(there),
            [who for who, _, _ in named],
            parts=[(us, blame) for _, us, blame in named],
            state='open' if one.is_open else 'closed',
            closed_us=None if one.is_open else filling.NOW_US,
            opened_us=opened_us,
            severity_cores=0.5
            if one.is_victim
            else float(self._chance.randint(1, 9)),
            lost_us=10**6 if one.is_victim else self._chance.randint(1, 10**6),
        )

    def _accused(
        self, there: list[str], others: tuple[int, int]
    ) -> list[tuple[str, int, float]]:
        waited_us, blame = others
        parts = self._chance.randint(1, 3)
        chosen = self._chance.sample(there, parts)
        return [
            (who, us, sixtyfourths / WHOLE)
            for who, us, sixtyfourths in zip(
                chosen,
                self._shares(waited_us, parts),
                self._shares(blame, parts),
                strict=True,
            )
        ]

    def _hours(self) -> None:
        for number in range(HOSTS):
            there = [entity.domain(uuid) for uuid in self._others[number]]
            ledger = [(a, b, 9) for a in there for b in there if a != b]
            parts: dict[str, int] = {}
            for own, place in enumerate(self._world.places):
                if place != number:
                    continue
                me = entity.domain(self.own[own])
                parts[self.own[own]] = self._world.suffered[own]
                ledger += self._split(me, there, self._world.suffered[own])
                ledger += [
                    (victim, runner, us)
                    for runner, victim, us in self._split(
                        me, there, self._world.caused[own]
                    )
                ]
                ledger.append((me, entity.service('service-x'), 50))
                ledger.append((me, entity.HOST, 40))
            for uuid in self._others[number]:
                parts[uuid] = self._chance.randint(1, 10**6)
            self._cloud.hour(name(number), filling.HOUR, ledger, parts)
            self._cloud.now(name(number), ledger)

    def _split(
        self, me: str, there: list[str], whole: int
    ) -> list[tuple[str, str, int]]:
        parts = self._chance.randint(1, 3)
        chosen = self._chance.sample(there, parts)
        shares = self._shares(whole, parts)
        return [(me, who, us) for who, us in zip(chosen, shares, strict=True)]

    def _noise(self) -> None:
        """Write what the project has no part in."""
        for number in range(self._chance.randint(0, 4)):
            place = self._chance.randrange(HOSTS)
            victim, runner = self._others[place][:2]
            self._cloud.finding(
                f'finding-other-{self._seed}-{number}',
                name(place),
                entity.domain(victim),
                [entity.domain(runner)],
                opened_us=filling.NOW_US - filling.HOUR_US,
            )
            self._cloud.recommendation(
                f'recommendation-{self._seed}-{number}',
                [(victim, name(place), name((place + 1) % HOSTS))],
            )
            self._cloud.configuration(
                f'finding-c-{self._seed}-{number}', name(place), victim
            )
        self._cloud.configuration('finding-c', name(0), self.own[0])
        if self._seed % 2:
            # Another guest is pinned to its CPU.
            self._cloud.configuration(
                'finding-d', name(0), self.own[0], check='pinning.conflict'
            )
        self._cloud.order(
            control.Order(
                kind='mute',
                about='project',
                subject=f'other-{self._seed}',
                made_us=filling.NOW_US,
            )
        )
        self._cloud.fact(
            inventory.PlannerStatus(
                generation=1,
                time_us=filling.NOW_US,
                state='waiting',
                reasons=[f'other-{self._seed}'],
            )
        )


def name(number: int) -> str:
    """Return a host's name."""
    return f'region/host-{number}'
