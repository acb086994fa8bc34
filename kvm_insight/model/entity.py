# SPDX-License-Identifier: Apache-2.0
"""Names of those who run and wait in the contention ledger."""

import sys
from typing import Final, Literal, get_args

HOST: Final = 'host'
IDLE: Final = 'idle'
QUOTA: Final = 'quota'
UNATTRIBUTED: Final = 'unattributed'

_DOMAIN = 'domain:'
_SERVICE = 'service:'


def domain(uuid: str) -> str:
    """Return the entity of the domain with this UUID; one object, since what
    is known of a domain is kept under it in many places."""
    return sys.intern(_DOMAIN + uuid)


def service(name: str) -> str:
    """Return the entity of a host service or command."""
    return _SERVICE + name


def uuid_of(entity: str) -> str | None:
    """Return the UUID of a domain's entity; None for all others."""
    return entity[len(_DOMAIN) :] if entity.startswith(_DOMAIN) else None


def service_of(entity: str) -> str | None:
    """Return the name of a service's entity; None for all others."""
    return entity[len(_SERVICE) :] if entity.startswith(_SERVICE) else None


def is_host(entity: str) -> bool:
    """Say whether the entity is the host itself or one of its services."""
    return entity == HOST or entity.startswith(_SERVICE)


#: By whom somebody is kept waiting, in a word.
Kind = Literal[
    'neighbour', 'own', 'quota', 'host', 'service', 'idle', 'unattributed'
]
KINDS: tuple[Kind, ...] = get_args(Kind)


def kind(entity: str, victim: str) -> Kind:
    """Return what an entity is to the domain with this UUID."""
    uuid = uuid_of(entity)
    if uuid is not None:
        return 'own' if uuid == victim else 'neighbour'
    if service_of(entity) is not None:
        return 'service'
    for name in (HOST, IDLE, QUOTA):
        if entity == name:
            return name
    return UNATTRIBUTED
