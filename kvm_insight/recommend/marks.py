# SPDX-License-Identifier: Apache-2.0
"""Marks: which hot hosts are marked, and which ones must do without.

Two watermarks and two times keep a mark from flickering. A mark may become a
forbidden trait: of the hosts of an aggregate that can take instances at most
a fifth are marked (at least one, never the last one), beyond that an alarm is
given and no mark. The same holds for the hosts that two aggregates share,
such as those of a zone with fast disks. What was last told is all that is
remembered, so that the next planner goes on as this one would have.
"""

import collections
import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping

from kvm_insight.model import cluster, mark
from kvm_insight.recommend import heat, watermarks

_US = 1_000_000
#: The group of the hosts that are in no aggregate.
ALONE = ''
#: As long as the name of a group may be on the wire.
_MOST_NAME = 1024

Heats = Mapping[str, heat.Heat]


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a host is."""

    provider: str | None = None
    groups: tuple[str, ...] = (ALONE,)


def places(whole: cluster.Cluster) -> dict[str, Place]:
    """Return the hosts that can take instances; others need no mark, and
    would make an aggregate look larger than it is."""
    named = {one.id: one.name or one.id for one in whole.aggregates}
    return {
        one.name: Place(
            one.provider,
            tuple(sorted({named.get(x, x) for x in one.aggregates}))
            or (ALONE,),
        )
        for one in whole.hosts
        if one.enabled and one.up and not one.maintenance
    }


def allowed(hosts: int, radius: float) -> int:
    """Return how many of so many hosts may be marked."""
    # A float's 0.2 * 15 is a little more than 3, 0.1 * 3 * 10 a little less.
    part = math.floor(round(radius * hosts, 6))
    return max(0, min(max(1, part), hosts - 1))


def decided(
    where: Mapping[str, Place],
    heats: Heats,
    before: mark.Marks | None,
    now_us: int,
    rules: watermarks.Watermarks,
) -> mark.Marks:
    """Return the marks from now on.

    ``heats`` has the hosts whose report is fresh: nobody else is marked, and
    a mark of one that fell silent ends.
    """
    before = before or mark.Marks(time_us=now_us)
    marked = {one.host: one for one in before.hosts}
    known = {name: heats[name] for name in sorted(where) if name in heats}
    heating = {
        name: _since(before.heating, name, now_us)
        for name, one in known.items()
        if one.value >= rules.high and name not in marked
    }
    cooling = {
        name: _since(before.cooling, name, now_us)
        for name, one in known.items()
        if one.value < rules.low and name in marked
    }
    stay = [
        name
        for name in known
        if name in marked
        and not _is_over(cooling.get(name), now_us, rules.calm_s)
    ]
    due = [
        name
        for name, since_us in heating.items()
        if _is_over(since_us, now_us, rules.sustain_s)
    ]
    fitted = _Fitted(where, rules.radius)
    for group in (stay, due):
        fitted.add(sorted(group, key=lambda name: -known[name].value))
    return mark.Marks(
        time_us=now_us,
        hosts=[
            mark.Mark(
                host=name,
                provider=where[name].provider,
                heat=known[name].value,
                since_us=marked[name].since_us if name in marked else now_us,
                reasons=list(known[name].reasons[:8]),
            )
            for name in sorted(fitted.hosts)
        ],
        heating=_turning(heating, fitted.hosts, inside=False),
        cooling=_turning(cooling, fitted.hosts, inside=True),
        alarms=fitted.alarms(),
    )


#: The hosts that are in one group, or in both of two.
_Part = tuple[str, ...]


class _Fitted:
    """Hosts are taken in as long as there is room in each of their groups,
    and in what any two of these share."""

    def __init__(self, where: Mapping[str, Place], radius: float) -> None:
        self._where = where
        self._radius = radius
        self._members: dict[str, set[str]] = {}
        for name, place in where.items():
            for group in place.groups:
                self._members.setdefault(group, set()).add(name)
        # Counted when one of its hosts is hot: most pairs never are.
        self._sizes: dict[_Part, int] = {}
        self._taken: collections.Counter[_Part] = collections.Counter()
        self._held: dict[_Part, list[str]] = {}
        self.hosts: set[str] = set()

    def add(self, names: Iterable[str]) -> None:
        """Take these in, the first ones first."""
        for name in names:
            # Each pair has one name, whatever a host names first.
            groups = sorted(self._where[name].groups)
            single: list[_Part] = list(itertools.combinations(groups, 1))
            pairs: list[_Part] = list(itertools.combinations(groups, 2))
            # With a group that is full, or one pair, enough is said: a host
            # may be in very many pairs.
            full = self._full(single) or self._full(pairs)[:1]
            for part in full:
                self._held.setdefault(part, []).append(name)
            if not full:
                self.hosts.add(name)
                self._taken.update(single + pairs)

    def alarms(self) -> list[mark.Alarm]:
        """Return the groups, and the pairs of them, that had no room."""
        return [
            mark.Alarm(
                group=' & '.join(part)[:_MOST_NAME],
                hosts=self._size(part),
                allowed=allowed(self._size(part), self._radius),
                held=held,
            )
            for part, held in sorted(self._held.items())
        ]

    def _full(self, parts: Iterable[_Part]) -> list[_Part]:
        return [
            one
            for one in parts
            if self._taken[one] >= allowed(self._size(one), self._radius)
        ]

    def _size(self, part: _Part) -> int:
        if part not in self._sizes:
            members = (self._members[group] for group in part)
            self._sizes[part] = len(set.intersection(*members))
        return self._sizes[part]


def _since(known: Iterable[mark.Turning], name: str, now_us: int) -> int:
    found = [one.since_us for one in known if one.host == name]
    # A clock that was set back must not make it last for ever.
    return min([*found, now_us])


def _is_over(since_us: int | None, now_us: int, wait_s: int) -> bool:
    return since_us is not None and now_us - since_us >= wait_s * _US


def _turning(
    since: Mapping[str, int], hosts: set[str], *, inside: bool
) -> list[mark.Turning]:
    return [
        mark.Turning(host=name, since_us=since_us)
        for name, since_us in since.items()
        if (name in hosts) == inside
    ]
