# SPDX-License-Identifier: Apache-2.0
"""Crew: all feeds that are on, and whether they may write."""

from collections.abc import Mapping

from kvm_insight.feed import permit, port, worker


class Crew:
    """Hands on to each feed; used by one thread, and never makes it wait."""

    def __init__(
        self,
        feeds: Mapping[str, port.Feed],
        allowed: permit.Permit | None = None,
    ) -> None:
        """Let each of these have a thread."""
        self.permit = allowed or permit.Permit()
        self._workers = {
            name: worker.Worker(name, feed, self.permit)
            for name, feed in feeds.items()
        }

    @property
    def is_busy(self) -> bool:
        """Say whether anybody has something left to do."""
        return any(one.is_busy for one in self._workers.values())

    @property
    def states(self) -> dict[str, str]:
        """Return feed -> ``ok``, ``off``, or what is wrong."""
        return {name: one.state[:1024] for name, one in self._workers.items()}

    def tell(self, told: port.Told) -> None:
        """Let all write it; the bus has just said that we may."""
        self.permit.grant(told.generation)
        for one in self._workers.values():
            one.tell(told)

    def close(self) -> None:
        """End them all; never raises."""
        self.permit.withdraw()
        for one in self._workers.values():
            one.close()
