# SPDX-License-Identifier: Apache-2.0
"""Values: what a report is made from, added up by whoever read it."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from kvm_insight.model import finding, history, sizing, tenant_report, usage


@dataclasses.dataclass(frozen=True, slots=True)
class Waited:
    """A delay in µs by whom it was waited for; adds up to the delay.

    ``neighbours`` are other instances where it is not known whose.
    """

    other_projects: float = 0.0
    own_project: float = 0.0
    neighbours: float = 0.0
    own_threads: float = 0.0
    quota: float = 0.0
    host: float = 0.0
    unattributed: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """CPU time of some instances and hours."""

    measured_us: int = 0
    run_us: int = 0
    #: What ran without polling, and the delay.
    wanted_us: int = 0
    delay_us: int = 0
    throttled_us: int = 0
    caused_us: int = 0
    waited: Waited = Waited()
    lost_us: Mapping[finding.Verdict, int] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """One instance, and all that it did in the period."""

    uuid: str
    name: str | None
    flavor: str | None
    vcpus: int | None
    memory_bytes: int | None
    first_seen_us: int
    last_seen_us: int
    #: It is there no more; else it is known to be there still.
    gone: bool
    sums: Sums = Sums()
    sized: sizing.Sized | None = None
    disk: usage.Disk | None = None
    network: usage.Network | None = None
    memory: usage.Memory | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """An hour or a day: of one instance, or of all of them."""

    start_us: int
    length_us: int
    sums: Sums
    uuid: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A finding about one of the instances."""

    record: finding.Finding
    #: What it is called for those who may see only this project.
    opaque_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Blamed:
    """A finding that names one of the instances as an aggressor."""

    uuid: str
    name: str | None
    resource: str
    opened_us: int
    closed_us: int | None
    waited_us: int
    #: Who waited is of the same project.
    own: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """All that is known of one project and period."""

    project_id: str
    project_name: str | None
    #: What hours and days there were to read from: whole ones, so that the
    #: edges may be a little later than those that were asked for.
    since_us: int
    until_us: int
    resolution: tenant_report.Resolution
    uses: Iterable[Use]
    stretches: Iterable[Stretch]
    #: The longest waits of one instance each.
    worst: Iterable[Stretch] = ()
    found: Iterable[Found] = ()
    #: Those that are not among them.
    more_found: int = 0
    blamed: Iterable[Blamed] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Advised:
    """What checks say of a project's instances."""

    #: The worst first.
    advice: Sequence[tenant_report.Advice]
    #: How many checks there were.
    checks: int
    #: A check -> of how many instances it cannot tell.
    unknown: Mapping[str, int]
    saving: tenant_report.Saving


#: Who says it: checks are in a room of their own.
Adviser = Callable[
    [Sequence[history.Instance], tenant_report.SizingRule], Advised
]


def added(parts: Sequence[Sums]) -> Sums:
    """Return all of them as one."""
    if len(parts) == 1:
        return parts[0]
    lost: dict[finding.Verdict, int] = {}
    for one in parts:
        for verdict, us in one.lost_us.items():
            lost[verdict] = lost.get(verdict, 0) + us
    return Sums(
        **{name: sum(getattr(one, name) for one in parts) for name in _SUMS},
        waited=Waited(
            **{
                name: math.fsum(getattr(one.waited, name) for one in parts)
                for name in _WAITED
            }
        ),
        lost_us=lost,
    )


_WAITED = tuple(one.name for one in dataclasses.fields(Waited))
_SUMS = tuple(
    one.name
    for one in dataclasses.fields(Sums)
    if one.name not in {'waited', 'lost_us'}
)
