# SPDX-License-Identifier: Apache-2.0
"""Publisher: one record at a time, each waited for."""

import threading

from kvm_insight.bus import port

_DELIVERY_S = 10.0


class Publisher:
    """Connects when there is something to publish; for any thread."""

    def __init__(self, bus: port.Bus, prefix: str) -> None:
        """Publish on topics with this prefix."""
        self._bus = bus
        self._prefix = prefix
        self._lock = threading.Lock()
        self._producer: port.Producer | None = None

    def publish(
        self, name: str, key: str, value: bytes | None, schema: str = ''
    ) -> None:
        """Return when it is on the bus; ``None`` deletes what is there.

        Raises BusUnavailable or BusRefused.
        """
        with self._lock:
            if self._producer is None:
                self._producer = self._bus.producer()
            producer = self._producer
        headers = {'schema': schema.encode()} if schema else {}
        fate = producer.publish(
            self._prefix + name, key, value, headers=headers
        )
        fate.result(_DELIVERY_S)

    def close(self) -> None:
        """Let go; never raises."""
        with self._lock:
            if self._producer is not None:
                self._producer.close()
