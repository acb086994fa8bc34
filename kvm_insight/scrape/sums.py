# SPDX-License-Identifier: Apache-2.0
"""Sums: counters of many parts as one that never goes back.

A disk that is detached or a vCPU that goes takes its count with it; a sum of
what is there would fall, and Prometheus would take that for a restart and see
a burst that never was. So growth is added up, from zero when this began.
"""

from collections.abc import Collection, Mapping

#: Parts that are gone are remembered up to so many: they may come back.
_MOST_GONE = 64


class Sums:
    """Keeps one total for each owner and name."""

    def __init__(self) -> None:
        """Nothing has grown yet."""
        self._totals: dict[str, dict[str, int]] = {}
        self._parts: dict[str, dict[str, dict[str, int]]] = {}

    def total(
        self, owner: str, name: str, parts: Mapping[str, int | None]
    ) -> int | None:
        """Return by how much all parts have grown since the first call; None
        where no part ever was measured.

        A part that comes later, or went back, has begun at zero.
        """
        before = self._parts.setdefault(owner, {})
        totals = self._totals.setdefault(owner, {})
        now = {part: raw for part, raw in parts.items() if raw is not None}
        last = before.get(name)
        if last is None:
            if not now:
                return None
            before[name], totals[name] = now, 0
            return 0
        totals[name] += sum(
            _growth(raw, last.get(p)) for p, raw in now.items()
        )
        last.update(now)
        if now and len(last) > _MOST_GONE + 4 * len(now):
            before[name] = now
        return totals[name]

    def grow(self, owner: str, name: str, by: int) -> None:
        """Add so much."""
        totals = self._totals.setdefault(owner, {})
        totals[name] = totals.get(name, 0) + by

    def grown(self) -> dict[str, dict[str, int]]:
        """Return owner -> name -> total, as they are now."""
        return {owner: dict(one) for owner, one in self._totals.items()}

    def keep(self, owners: Collection[str]) -> None:
        """Forget all others."""
        for kept in (self._totals, self._parts):
            for gone in kept.keys() - set(owners):
                del kept[gone]


def _growth(now: int, before: int | None) -> int:
    return now - before if before is not None and now >= before else now
