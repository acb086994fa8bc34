# SPDX-License-Identifier: Apache-2.0
"""One consumer's membership of a group, and whether it is stuck outside."""

import contextlib
import time
from collections.abc import Iterator

from kafka import errors
from kafka.coordinator.assignors import cooperative_sticky

from kvm_insight.bus import kafka_client

#: What the client says as long as it is not, or not yet, in its group.
_OUTSIDE = (
    errors.RebalanceInProgressError,
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
)
#: Sessions after which one that is outside all the time is stuck: no
#: rebalance takes longer.
_STUCK_SESSIONS = 3


class Membership:
    """Watches the commits of one client after another."""

    def __init__(
        self, chosen: kafka_client.Settings, group: str | None
    ) -> None:
        self._settings = chosen
        self._group = group
        self._outside_since_s: float | None = None

    def options(self) -> dict[str, object]:
        """Return what a client of the group is made with."""
        if self._group is None:
            return {}
        session_ms = self._settings.session_timeout_ms
        return {
            'group_id': self._group,
            'group_instance_id': self._settings.group_instance_id,
            'session_timeout_ms': session_ms,
            'heartbeat_interval_ms': session_ms // 3,
            'partition_assignment_strategy': [
                cooperative_sticky.CooperativeStickyAssignor
            ],
        }

    def began(self) -> None:
        """Begin to watch anew: this is another client."""
        self._outside_since_s = None

    @contextlib.contextmanager
    def commit(self) -> Iterator[None]:
        """Remember whether a commit fails for being outside."""
        try:
            yield
        except _OUTSIDE:
            if self._outside_since_s is None:
                self._outside_since_s = time.monotonic()
            raise
        self._outside_since_s = None

    def is_stuck(self) -> bool:
        """Say whether commits have failed for longer than a rebalance."""
        since_s = self._outside_since_s
        limit_s = _STUCK_SESSIONS * self._settings.session_timeout_ms / 1000
        return since_s is not None and time.monotonic() - since_s >= limit_s
