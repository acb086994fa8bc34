# SPDX-License-Identifier: Apache-2.0
"""The bus's recent past and what comes after, for those who look on."""

import time
from collections.abc import Iterable, Iterator

from kvm_insight import exception
from kvm_insight.bus import port

_PATIENCE_S = 10.0
_POLL_S = 0.1


class Tail:
    """Reads topics without being a member of any group."""

    def __init__(self, bus: port.Bus, topics: Iterable[str]) -> None:
        self._topics = list(topics)
        self._consumer = bus.consumer(self._topics)

    def begin(self, since_ms: int) -> list[port.Record]:
        """Return what there is since then, all that is there by now."""
        self.start(since_ms)
        return list(self.rest())

    def start(self, since_ms: int) -> None:
        """Go to the first record since then; 0 is the first that is kept."""
        self._wait_for_assignment()
        for partition in self._consumer.assignment():
            if since_ms > 0:
                self._consumer.seek_to_time(partition, since_ms)
            else:
                self._consumer.seek(partition, 0)

    def read(self, timeout_s: float) -> list[port.Record]:
        """Return what came since, after at most so long."""
        return self._consumer.poll(timeout_s)

    def rest(self, patience_s: float = _PATIENCE_S) -> Iterator[port.Record]:
        """Yield what is there by now and was not read yet; BusUnavailable
        where that takes longer."""
        ends = self._ends()
        until = time.monotonic() + patience_s
        while self._is_before(ends):
            if time.monotonic() > until:
                raise exception.BusUnavailable(
                    f'the bus did not give {", ".join(self._topics)} within'
                    f' {patience_s:g} s'
                )
            yield from self._consumer.poll(0.2, 5000)

    def is_behind(self) -> bool:
        """Say whether there is more to read by now."""
        return self._is_before(self._ends())

    def close(self) -> None:
        """Let go; never raises."""
        self._consumer.close()

    def _ends(self) -> dict[port.Partition, int]:
        assigned = self._consumer.assignment()
        return {one: self._consumer.end_offset(one) for one in assigned}

    def _is_before(self, ends: dict[port.Partition, int]) -> bool:
        return any(
            self._consumer.position(one) < end for one, end in ends.items()
        )

    def _wait_for_assignment(self) -> None:
        """Learn which partitions exist."""
        until = time.monotonic() + _PATIENCE_S
        while not self._consumer.assignment():
            self._consumer.poll(_POLL_S, 1)
            if time.monotonic() > until:
                raise exception.BusUnavailable(
                    f'no partitions of {", ".join(self._topics)} within'
                    f' {_PATIENCE_S:g} s; do the topics exist?'
                )
