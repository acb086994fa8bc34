# SPDX-License-Identifier: Apache-2.0
"""Heat: how much a host's instances suffer, in six steps."""

import dataclasses
from collections.abc import Sequence

from kvm_insight.api.resource import host

#: A step begins at this part of the CPUs; below the first is step 0.
STEPS = (0.01, 0.05, 0.1, 0.2, 0.4)
_MEASURES = {'waited': 'waited_cores', 'lost': 'lost_cores'}


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One host on the map."""

    host: host.Host
    #: Cores' worth per CPU; None where it is not known how the host is now.
    ratio: float | None
    #: ``0`` to ``5``, or its state where that is not ``reporting``.
    level: str
    #: What stands in it.
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Hosts under one heading."""

    name: str | None
    cells: list[Cell]


def level(ratio: float) -> int:
    """Return the step."""
    return sum(ratio >= least for least in STEPS)


def cell(one: host.Host, measure: str) -> Cell:
    """Return a host as the map has it; what is old is not shown as now."""
    cores = getattr(one, _MEASURES[measure])
    if one.state != 'reporting':
        return Cell(one, None, one.state, '?')
    if cores is None or not one.cpus:
        return Cell(one, None, 'unmeasured', '–')  # noqa: RUF001
    ratio = cores / one.cpus
    return Cell(one, ratio, str(level(ratio)), f'{ratio * 100:.0f}')


def groups(
    found: Sequence[host.Host], measure: str, by_zone: bool, by_name: bool
) -> list[Group]:
    """Return the map: those that suffer most first, unless by name."""
    cells = [cell(one, measure) for one in found]
    if by_name:
        cells.sort(key=lambda one: one.host.name)
    else:
        cells.sort(
            key=lambda one: (
                one.ratio is None,
                -(one.ratio or 0.0),
                one.host.name,
            )
        )
    if not by_zone:
        return [Group(None, cells)] if cells else []
    zones: dict[str, list[Cell]] = {}
    for one in cells:
        zones.setdefault(one.host.availability_zone or '', []).append(one)
    return [Group(name, zones[name]) for name in sorted(zones)]
