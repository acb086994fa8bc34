# SPDX-License-Identifier: Apache-2.0
"""Orders: what operators and projects have said about moving."""

import dataclasses

#: A flavor's extra spec: whatever has it with ``false`` is never moved.
MOVABLE = 'kvm_insight:movable'


@dataclasses.dataclass(frozen=True, slots=True)
class Blackout:
    """A time in which nothing is moved; ``hosts`` None is everywhere."""

    begin_us: int
    end_us: int
    hosts: frozenset[str] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Orders:
    """All of it, at one instant."""

    #: Instances (UUID) and projects (id) that are never moved.
    opted_out: frozenset[str] = frozenset()
    #: Hosts and instances about which nothing is to be recommended.
    muted: frozenset[str] = frozenset()
    blackouts: tuple[Blackout, ...] = ()
    #: Hosts that open recommendations touch already.
    engaged: frozenset[str] = frozenset()
    #: Hosts to be emptied, in mode ``evacuate``.
    evacuate: tuple[str, ...] = ()
