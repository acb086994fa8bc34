# SPDX-License-Identifier: Apache-2.0
"""Outbox: records that must be on the bus before anything else happens."""

import dataclasses
import logging
from collections.abc import Callable, Mapping

from kvm_insight import exception
from kvm_insight.bus import port

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class Letter:
    """One record to be published."""

    topic: str
    key: str | None
    value: bytes | None
    timestamp_ms: int | None = None
    headers: Mapping[str, bytes] | None = None
    #: Called once, when the record is on the bus.
    then: Callable[[], None] | None = None


class Outbox:
    """Publishes in order, and again what got lost, until all is there.

    A record that may have arrived is sent again all the same: readers drop
    what they know. ``refused`` counts what the bus will never take.
    """

    def __init__(self, producer: port.Producer) -> None:
        """Publish by this producer, which stays the caller's."""
        self.refused = 0
        self._producer = producer
        self._waiting: list[tuple[Letter, port.Delivery | None]] = []

    def put(self, letter: Letter) -> None:
        """Publish one more."""
        self._waiting.append((letter, self._send(letter)))

    def settled(self, timeout_s: float) -> bool:
        """Say whether all is on the bus; wait a little for it.

        Raises BusRefused when the bus takes nothing from us.
        """
        waiting, self._waiting = self._waiting, []
        for at, (letter, delivery) in enumerate(waiting):
            try:
                if delivery is None:
                    raise exception.BusUnavailable('not sent')
                delivery.result(timeout_s)
            except exception.RecordRefused as why:
                self.refused += 1
                LOG.error('%s %s: %s', letter.topic, letter.key, why)
            except exception.BusUnavailable as why:
                LOG.debug('%s %s: %s', letter.topic, letter.key, why)
                self._again(waiting[at:])
                return False
            else:
                if letter.then is not None:
                    letter.then()
        return True

    def _again(
        self, waiting: list[tuple[Letter, port.Delivery | None]]
    ) -> None:
        """Keep what is under way; send again what failed, in its place."""
        for letter, delivery in waiting:
            if delivery is not None and not delivery.done():
                self._waiting.append((letter, delivery))
            elif delivery is None or not _arrived(delivery):
                self._waiting.append((letter, self._send(letter)))
            else:
                self._waiting.append((letter, delivery))

    def _send(self, letter: Letter) -> port.Delivery | None:
        try:
            return self._producer.publish(
                letter.topic,
                letter.key,
                letter.value,
                timestamp_ms=letter.timestamp_ms,
                headers=letter.headers,
            )
        except exception.BusUnavailable as why:
            LOG.debug('%s %s: %s', letter.topic, letter.key, why)
            return None


def _arrived(delivery: port.Delivery) -> bool:
    try:
        delivery.result(0)
    except exception.BusUnavailable:
        return False
    except exception.BusError:
        return True
    return True
