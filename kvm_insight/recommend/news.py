# SPDX-License-Identifier: Apache-2.0
"""News: what a planner has to tell of the cloud at the end of a cycle."""

from collections.abc import Mapping

from kvm_insight.model import cluster, inventory
from kvm_insight.recommend import facts, world

#: Records that are deleted in one cycle; each waits for the bus.
MOST_FORGOTTEN = 200


class News:
    """Remembers of which hour and reading names and cohorts were told."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._told: tuple[int, int] | None = None
        self._next: tuple[int, int] | None = None

    def of(
        self,
        whole: cluster.Cluster | None,
        seen: world.World,
        outlooks: Mapping[str, inventory.Outlook],
    ) -> tuple[list[inventory.Facts], list[str]]:
        """Return what to tell and which keys to delete: of hosts whose
        outlook has changed, and once an hour, or when they were read, names
        and cohorts."""
        before = seen.outlooks
        new: list[inventory.Facts] = [
            host for name, host in outlooks.items() if before.get(name) != host
        ]
        self._next = self._told
        if whole is None:
            return new, []
        state = self._next = (seen.history.newest, whole.time_us)
        if state == self._told:
            return new, []
        new_hour = self._told is None or self._told[0] != state[0]
        new += facts.new(whole, seen, new_hour)
        return new, facts.gone(whole, seen)[:MOST_FORGOTTEN]

    def told(self) -> None:
        """All of that is on the bus."""
        self._told = self._next
