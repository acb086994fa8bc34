# SPDX-License-Identifier: Apache-2.0
"""Settings: what nobody tells of hosts without OpenStack."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What hosts may carry, what they share, and when they are silent."""

    cpu_ratio: float = 4.0
    memory_ratio: float = 1.0
    reserved_cpus: int = 0
    reserved_memory_mib: int = 512
    #: Beginnings of paths, or of ``KIND:NAME``, that all hosts reach.
    shared_storage: tuple[str, ...] = ()
    #: Whether a guest with KVM may only go where the CPU is the same.
    equal_cpus: bool = True
    #: Hosts that are to be emptied.
    maintenance: frozenset[str] = frozenset()
    #: Who told nothing for so long is not planned with, and later forgotten.
    silent_s: int = 180
    forget_s: int = 24 * 3600
