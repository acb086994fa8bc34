# SPDX-License-Identifier: Apache-2.0
"""Post: what an analyzer makes, on its way to the bus."""

import logging
from collections.abc import Callable

from kvm_insight.bus import outbox, port, topic
from kvm_insight.model import (
    codec,
    configuration,
    dead_letter,
    finding,
    host_report,
    sample,
    state,
    usage,
)

LOG = logging.getLogger(__name__)
#: In the class below a method of that name hides the module.
_Configuration = configuration.Finding

_SETTLE_S = 1.0


class Post:
    """States leave only when all that they contain is there."""

    def __init__(self, producer: port.Producer, prefix: str) -> None:
        """Publish by this producer, which stays the caller's."""
        self._outbox = outbox.Outbox(producer)
        self._prefix = prefix
        self._states: list[outbox.Letter] = []

    def settled(self) -> bool:
        """Say whether all is on the bus; wait a little for it."""
        if not self._outbox.settled(_SETTLE_S):
            return False
        states, self._states = self._states, []
        for letter in states:
            self._outbox.put(letter)
        return self._outbox.settled(_SETTLE_S)

    def finding(self, one: finding.Finding, then: Callable[[], None]) -> None:
        """Publish a finding; ``then`` is called when it is on the bus."""
        letter = self._letter(topic.FINDINGS, one.id, one)
        letter.timestamp_ms = one.updated_us // 1000
        letter.then = then
        self._outbox.put(letter)

    def advice(self, kept: configuration.Advice) -> None:
        """Publish what is open of a host, before what follows from it."""
        self._outbox.put(self._letter(topic.ADVICE, kept.host, kept))

    def configuration(
        self, one: _Configuration, then: Callable[[], None]
    ) -> None:
        """Publish what is set up badly; ``then`` as with a finding.

        By the bus's clock: it refuses what is of tomorrow, and a host whose
        clock is wrong has advice, too.
        """
        letter = self._letter(topic.FINDINGS, one.id, one)
        letter.then = then
        self._outbox.put(letter)

    def usage(self, hour: usage.HostUsage) -> None:
        """Publish an hour that is over."""
        letter = self._letter(topic.USAGE, hour.host, hour)
        letter.timestamp_ms = (hour.start_us + usage.HOUR_US) // 1000
        self._outbox.put(letter)

    def report(self, made: host_report.HostReport) -> None:
        """Publish what hurts on a host now."""
        letter = self._letter(topic.HOSTS, made.host, made)
        letter.timestamp_ms = made.time_us // 1000
        self._outbox.put(letter)

    def state(self, kept: state.HostState) -> None:
        """Publish a state, after all else so far."""
        self._states.append(self._letter(topic.STATE, kept.host, kept))

    def dead_letter(self, record: port.Record, reason: str) -> None:
        """Put a record that is of no use where somebody may look at it."""
        value = record.value or b''
        letter = dead_letter.DeadLetter(
            topic=record.partition.topic,
            partition=record.partition.number,
            offset=record.offset,
            key=record.key[:1024] if record.key is not None else None,
            timestamp_ms=max(0, record.timestamp_ms),
            reason=reason[:1024],
            size=len(value),
            head=value[: dead_letter.HEAD],
        )
        place = f'{letter.topic}/{letter.partition}/{letter.offset}'
        LOG.warning('%s is a dead letter: %s', place, letter.reason[:200])
        self._outbox.put(self._letter(topic.DEAD_LETTER, place, letter))

    def _letter(
        self, name: str, key: str, record: sample.Wire
    ) -> outbox.Letter:
        schema = str(record.__struct_config__.tag)
        return outbox.Letter(
            self._prefix + name,
            key,
            codec.encode(record),
            headers={'schema': schema.encode()},
        )
