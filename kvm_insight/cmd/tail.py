# SPDX-License-Identifier: Apache-2.0
"""The bus's recent past and what comes after, for commands that look on."""

import time
from collections.abc import Iterable

from kvm_insight import exception
from kvm_insight.bus import port

_PATIENCE_S = 10.0


class Tail:
    """Reads topics without being a member of any group."""

    def __init__(self, bus: port.Bus, topics: Iterable[str]) -> None:
        self._topics = list(topics)
        self._consumer = bus.consumer(self._topics)

    def begin(self, since_ms: int) -> list[port.Record]:
        """Return what there is since then, all that is there by now."""
        early = self._wait_for_assignment()
        assigned = self._consumer.assignment()
        if since_ms > 0:
            early = []
            for partition in assigned:
                self._consumer.seek_to_time(partition, since_ms)
        ends = {p: self._consumer.end_offset(p) for p in assigned}
        until = time.monotonic() + _PATIENCE_S
        found = early
        while any(self._consumer.position(p) < ends[p] for p in assigned):
            if time.monotonic() > until:
                raise exception.BusUnavailable(
                    f'the bus did not give {", ".join(self._topics)} within'
                    f' {_PATIENCE_S:g} s'
                )
            found += self._consumer.poll(0.2, 5000)
        return found

    def read(self, timeout_s: float) -> list[port.Record]:
        """Return what came since, after at most so long."""
        return self._consumer.poll(timeout_s)

    def close(self) -> None:
        """Let go; never raises."""
        self._consumer.close()

    def _wait_for_assignment(self) -> list[port.Record]:
        """Return what came while waiting to learn which partitions exist."""
        until = time.monotonic() + _PATIENCE_S
        found: list[port.Record] = []
        while not self._consumer.assignment():
            found += self._consumer.poll(0.1)
            if time.monotonic() > until:
                raise exception.BusUnavailable(
                    f'no partitions of {", ".join(self._topics)} within'
                    f' {_PATIENCE_S:g} s; do the topics exist?'
                )
        return found
