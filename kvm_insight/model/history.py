# SPDX-License-Identifier: Apache-2.0
"""History: what was measured of an instance, and of the hosts of a fleet.

What checks of size are asked with; whoever read it says for which time.
"""

import dataclasses

from kvm_insight.model import sizing, usage


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """One instance in a period."""

    uuid: str
    name: str | None = None
    flavor: str | None = None
    memory_bytes: int | None = None
    #: It is there no more.
    gone: bool = False
    #: How long it was known to exist in the period, since it has the vCPUs
    #: that it has now.
    known_us: int = 0
    #: Part of the whole time that it was known for that was measured.
    coverage: float | None = None
    sized: sizing.Sized | None = None
    #: Sums of the period; None where it was not measured.
    network: usage.Network | None = None
    memory: usage.Memory | None = None
    #: Whose days and hours ``sized.week`` has, as the IANA names it.
    timezone: str = 'UTC'


@dataclasses.dataclass(frozen=True, slots=True)
class Guest:
    """One instance as a load of the host that it is on."""

    uuid: str
    name: str | None
    memory_bytes: int | None
    #: Cores that were enough for 95 % of the time.
    p95_cores: float | None
    measured_us: int


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """One host and the guests that are on it now."""

    name: str
    cpus: int
    memory_bytes: int | None
    guests: tuple[Guest, ...] = ()
