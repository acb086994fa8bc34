# SPDX-License-Identifier: Apache-2.0
"""The sampled ledger's formula: who probably ran while whom waited."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Thread:
    """One thread at one instant, by its own cumulative counters."""

    entity: str
    run_us: int
    run_delay_us: int
    last_cpu: int
    #: CPUs where it may run.
    affinity: frozenset[int]
    #: Throttled time of its own vCPU cgroup; 0 where there is no quota.
    throttled_us: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """All threads of all entities, and what the host's CPUs did, at once."""

    time_us: int
    #: tid -> thread; all domains' threads.
    threads: Mapping[int, Thread]
    #: CPU -> cumulative busy time of everything (``/proc/stat``).
    busy_us: Mapping[int, int]
    #: Service entity -> cumulative run time, where known; the rest of what
    #: is busy beyond the domains is ``host``.
    services_us: Mapping[str, int] = dataclasses.field(default_factory=dict)
