# SPDX-License-Identifier: Apache-2.0
"""Lease: of all members of a group one is active, with a generation.

It is the owner of the one partition of a topic to which nobody ever writes.
"""

import logging
from collections.abc import Sequence

from kvm_insight import exception
from kvm_insight.bus import port

LOG = logging.getLogger(__name__)


class Lease:
    """One member's view; used by one thread."""

    def __init__(self, bus: port.Bus, topic: str, group: str) -> None:
        """Join the group; ``hold`` makes it so."""
        self._partition = port.Partition(topic, 0)
        self._generation: int | None = None
        self._consumer = bus.consumer([topic], group=group, listener=self)

    @property
    def generation(self) -> int | None:
        """Return the generation of our lease; None while it is not ours."""
        return self._generation

    def hold(self, timeout_s: float) -> None:
        """Stay a member; notice what was given or taken meanwhile."""
        self._consumer.poll(timeout_s, 1)

    def confirm(self) -> bool:
        """Ask the bus whether the lease is ours; no answer is no."""
        if self._generation is None:
            return False
        try:
            self._consumer.commit({self._partition: 0})
        except exception.BusUnavailable as why:
            LOG.info('lease: %s', why)
            return False
        return True

    def close(self) -> None:
        """Leave it to the others at once; never raises."""
        self._generation = None
        self._consumer.close()

    def assigned(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Be the active one from now on."""
        if self._partition in partitions:
            LOG.info('generation %d: active', generation)
            self._generation = generation

    def revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        """Be silent from now on."""
        if self._partition in partitions:
            LOG.info('generation %d: not active any more', generation)
            self._generation = None
