# SPDX-License-Identifier: Apache-2.0
"""The cluster as its hosts tell it themselves, where there is no OpenStack."""

import contextlib
import threading
import time
from collections.abc import Collection, Iterator

from kvm_insight import exception
from kvm_insight.bus import dispatch, port, tail, topic
from kvm_insight.model import cluster
from kvm_insight.plain import assembly, known, settings

#: A bus that is busy is read in parts; what is left comes with the next look.
_LONGEST_S = 5.0


class HostSource:
    """Follows what hosts tell; reads when asked, in the caller's thread, of
    which there are several: the planner's, and that of who moves domains."""

    def __init__(
        self, bus: port.Bus, prefix: str, rules: settings.Settings
    ) -> None:
        """Read nothing yet."""
        self._bus = bus
        self._rules = rules
        self._known = known.Known()
        self._dispatch = dispatch.Dispatch(
            prefix,
            {
                topic.HOSTS: self._known.take_report,
                topic.HOST_CONFIG: self._known.take_config,
            },
        )
        self._tail: tail.Tail | None = None
        self._lock = threading.Lock()

    def read(self) -> cluster.Cluster:
        """Return what hosts have told until now; ClusterError where that is
        nothing, BusUnavailable where the bus does not give all of it."""
        with self._lock:
            for record in self._fresh():
                self._dispatch.take(record)
            now_us = time.time_ns() // 1000
            return assembly.assembled(self._known, now_us, self._rules)

    def confirm(self, hosts: Collection[str]) -> cluster.Cluster:
        """Return what all hosts, these among them, have told until now."""
        return self.read()

    def close(self) -> None:
        """Let go; never raises."""
        if self._tail is not None:
            self._tail.close()

    def _fresh(self) -> Iterator[port.Record]:
        """Yield what came since; the first time all that is there."""
        if self._tail is None:
            made = tail.Tail(self._bus, self._dispatch.topics)
            try:
                yield from made.begin(0)
            except exception.KvmInsightError:
                made.close()
                raise
            self._tail = made
        else:
            yield from self._tail.rest(_LONGEST_S)


@contextlib.contextmanager
def opened(
    bus: port.Bus, prefix: str, rules: settings.Settings
) -> Iterator[HostSource]:
    """Follow the hosts as long as the context lasts."""
    found = HostSource(bus, prefix, rules)
    try:
        yield found
    finally:
        found.close()
