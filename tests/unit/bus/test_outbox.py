# SPDX-License-Identifier: Apache-2.0
"""The outbox sends again what got lost, and keeps the order of effects."""

import functools
from collections.abc import Mapping

import pytest

from kvm_insight import exception
from kvm_insight.bus import outbox, port


class Delivery:
    """A fate that a test decides."""

    def __init__(self, fate: Exception | None) -> None:
        self.fate = fate

    def done(self) -> bool:
        return True

    def result(self, timeout_s: float | None = None) -> int:
        if self.fate is not None:
            raise self.fate
        return 0


class Wire:
    """A producer on a wire that loses what it is told to lose."""

    def __init__(self, *fates: Exception | None) -> None:
        self.sent: list[str | None] = []
        self._fates = list(fates)

    def publish(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> port.Delivery:
        self.sent.append(key)
        return Delivery(self._fates.pop(0) if self._fates else None)

    def flush(self, timeout_s: float) -> None:
        """Nothing waits here."""

    def trouble(self) -> exception.BusError | None:
        return None

    def close(self, *, linger_s: float = 1.0) -> None:
        """Nothing is held here."""


def letters(box: outbox.Outbox, *keys: str) -> list[str]:
    arrived: list[str] = []
    for key in keys:
        then = functools.partial(arrived.append, key)
        box.put(outbox.Letter('t', key, b'', then=then))
    return arrived


def test_all_arrive_in_order() -> None:
    box = outbox.Outbox(Wire())
    arrived = letters(box, 'a', 'b', 'c')
    assert box.settled(0)
    assert arrived == ['a', 'b', 'c']
    assert box.settled(0)
    assert arrived == ['a', 'b', 'c']


def test_what_got_lost_is_sent_again() -> None:
    wire = Wire(None, exception.BusUnavailable('away'))
    box = outbox.Outbox(wire)
    arrived = letters(box, 'a', 'b', 'c')
    assert not box.settled(0)
    assert arrived == ['a']
    assert box.settled(0)
    assert arrived == ['a', 'b', 'c']
    assert wire.sent == ['a', 'b', 'c', 'b']


def test_what_will_never_be_taken_is_counted_and_left() -> None:
    box = outbox.Outbox(Wire(exception.RecordRefused('too large')))
    arrived = letters(box, 'a', 'b')
    assert box.settled(0)
    assert arrived == ['b']
    assert box.refused == 1


def test_a_bus_that_refuses_us_ends_it() -> None:
    box = outbox.Outbox(Wire(exception.BusRefused('password')))
    letters(box, 'a')
    with pytest.raises(exception.BusRefused):
        box.settled(0)
