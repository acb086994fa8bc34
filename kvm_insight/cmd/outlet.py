# SPDX-License-Identifier: Apache-2.0
"""Where simulated samples go: into a recording, or onto the bus."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import IO, Protocol

from kvm_insight import exception
from kvm_insight.bus import port, topic
from kvm_insight.model import codec, host_config, recording, sample

_FLUSH_S = 60.0
_MANY = 500


class Outlet(Protocol):
    """Takes samples in order."""

    #: Whether whoever reads it forgets what is old.
    is_live: bool

    def take(self, one: sample.Sample) -> None:
        """Hand one over."""

    def tell(self, one: host_config.HostConfig) -> None:
        """Hand over how a host is built."""


class Recording:
    """Writes samples as a recording has them."""

    is_live = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._offsets = itertools.count()

    def tell(self, one: host_config.HostConfig) -> None:
        """A recording is of what is measured; this is not in it."""

    def take(self, one: sample.Sample) -> None:
        """Write one."""
        place = 0, next(self._offsets)
        at_ms = one.time_us // 1000
        value = codec.encode(one)
        self._file.write(
            recording.line('sample', place, one.host, at_ms, value)
        )


class Publisher:
    """Publishes samples as an agent does."""

    is_live = True

    def __init__(self, producer: port.Producer, name: str) -> None:
        self._producer = producer
        self._name = name
        self._sent = 0

    def take(self, one: sample.Sample) -> None:
        """Publish one; wait for the bus now and then."""
        self._publish(self._name, one, sample.SCHEMA)

    def tell(self, one: host_config.HostConfig) -> None:
        """Publish how a host is built, beside the samples."""
        prefix = self._name.removesuffix(topic.SAMPLES)
        name = prefix + topic.HOST_CONFIG
        self._publish(name, one, host_config.SCHEMA)

    def _publish(
        self,
        name: str,
        one: sample.Sample | host_config.HostConfig,
        schema: str,
    ) -> None:
        self._producer.publish(
            name,
            one.host,
            codec.encode(one),
            timestamp_ms=one.time_us // 1000,
            headers={'schema': schema.encode()},
        )
        self._sent += 1
        if self._sent % _MANY == 0:
            self._producer.flush(_FLUSH_S)


@contextlib.contextmanager
def to_bus(bus: port.Bus, name: str) -> Iterator[Publisher]:
    """Publish to this topic; all is there at the end."""
    if name not in bus.topics():
        raise exception.BusRefused(
            f'topic {name} does not exist: run kvm-insight topics create'
        )
    producer = bus.producer()
    try:
        yield Publisher(producer, name)
        producer.flush(_FLUSH_S)
    finally:
        producer.close()
