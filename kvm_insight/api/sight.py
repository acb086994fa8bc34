# SPDX-License-Identifier: Apache-2.0
"""Sight: how hosts, parties and findings look to the one who asks.

What a project sees is made of what is known to be its own; nothing is taken
away from what operators see. Whoever is not known to be its own is one of the
``other projects``.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from kvm_insight.api.resource import party
from kvm_insight.model import entity
from kvm_insight.store import instances, paging, scope

OTHERS = party.Party(kind='other projects')
_HOST = party.Party(kind='host')
#: Those of the ledger who are nobody's instance.
_NAMELESS: dict[str, party.Party] = {
    entity.HOST: _HOST,
    entity.QUOTA: party.Party(kind='quota'),
    entity.IDLE: party.Party(kind='idle'),
    entity.UNATTRIBUTED: party.Party(kind='unattributed'),
}


def host_id(host: str | None, project_id: str | None) -> str | None:
    """Return Nova's ``hostId``: what the project's API of Nova says, too."""
    if host is None or project_id is None:
        return None
    # Our key has the region before Nova's name.
    name = host.rpartition('/')[2]
    return hashlib.sha224((project_id + name).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """Parties by their entities, for one who asks."""

    is_operator: bool
    #: UUID -> instance, of those in scope.
    known: Mapping[str, paging.Row]

    def who(self, name: str) -> party.Party:
        """Return who an entity is, as far as the asker may know."""
        if self.is_operator:
            return self._whole(name)
        uuid = entity.uuid_of(name)
        if uuid is not None:
            row = self.known.get(uuid)
            return OTHERS if row is None else _instance(row)
        if entity.is_host(name):
            return _HOST
        # How much is in the rest tells how many others there are.
        return _NAMELESS.get(name, OTHERS)

    def _whole(self, name: str) -> party.Party:
        uuid = entity.uuid_of(name)
        if uuid is None:
            service = entity.service_of(name)
            if service is not None:
                return party.Party(kind='service', name=service, entity=name)
            plain = _NAMELESS.get(name, _REST)
            return party.Party(kind=plain.kind, entity=name)
        row = self.known.get(uuid)
        if row is None:
            return party.Party(kind='instance', uuid=uuid, entity=name)
        return _instance(row, entity=name, project_name=row['project_name'])

    def sums(
        self, charges: Mapping[str, int]
    ) -> list[tuple[party.Party, int]]:
        """Return what each party is charged, the most first."""
        found: dict[party.Party, int] = {}
        for name, us in charges.items():
            who = self.who(name)
            found[who] = found.get(who, 0) + us
        return sorted(
            found.items(),
            # By kind, too: which of others came first tells of them.
            key=lambda pair: (-pair[1], pair[0].uuid or '', pair[0].kind),
        )


_REST = party.Party(kind='rest')


def of(
    store: sa.Connection, whose: scope.Scope, names: Iterable[str]
) -> Sight:
    """Return how these entities look to those who see that scope."""
    uuids = [uuid for name in names if (uuid := entity.uuid_of(name))]
    return Sight(
        isinstance(whose, scope.Everything),
        instances.known(store, whose, uuids),
    )


def _instance(row: paging.Row, **more: Any) -> party.Party:
    return party.Party(
        kind='instance',
        uuid=row['uuid'],
        name=row['name'],
        project_id=row['project_id'],
        **more,
    )
