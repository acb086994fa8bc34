# SPDX-License-Identifier: Apache-2.0
"""Inventory tail: what planners tell of cohorts and names, for those who
judge by it and tell of it."""

import logging
import time
from collections.abc import Callable

from kvm_insight import exception
from kvm_insight.bus import port, tail, topic
from kvm_insight.model import inventory

LOG = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0


class InventoryTail:
    """Reads the inventory now and then; without the right to do so there is
    nothing of it, and everything else goes on."""

    def __init__(
        self,
        bus: port.Bus,
        prefix: str,
        take: Callable[[port.Record], None],
        every_s: float = _LOOK_EVERY_S,
        wanted: Callable[[str | None], bool] = inventory.tells_of_cohorts,
    ) -> None:
        """``take`` gets each record whose key is wanted; what it cannot
        decode is logged."""
        self._every_s = every_s
        self._tail = tail.Tail(bus, [prefix + topic.INVENTORY])
        self._take = take
        self._wanted = wanted
        self._begun = False
        self._trouble: str | None = None
        self._next_look_s = 0.0

    def read(self) -> None:
        """Read what came since; the first time all that is there.

        Raises BusUnavailable when that first time fails.
        """
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return
        try:
            found = self._tail.read(0.0) if self._begun else self._begin()
        except exception.BusRefused as why:
            if self._trouble is None:
                LOG.warning('no cohorts to compare with: %s', why)
            self._trouble = str(why)
            found = []
        except exception.BusUnavailable:
            if not self._begun:
                raise
            found = []
        self._next_look_s = now_s + self._every_s
        for record in found:
            self._give(record)

    def _begin(self) -> list[port.Record]:
        found = self._tail.begin(0)
        self._begun = True
        self._trouble = None
        return found

    def _give(self, record: port.Record) -> None:
        if self._wanted(record.key):
            try:
                self._take(record)
            except exception.CodecError as why:
                LOG.warning('%s/%s: %s', *record.partition, why)

    def close(self) -> None:
        """Let go; never raises."""
        self._tail.close()
