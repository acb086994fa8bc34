# SPDX-License-Identifier: Apache-2.0
"""Order tail: hands on what people and planners say, of one kind."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from kvm_insight import exception
from kvm_insight.bus import port, tail, topic
from kvm_insight.model import codec, control

LOG = logging.getLogger(__name__)

_POLL_S = 1.0
_BACK_OFF_S = 5.0


class OrderTail:
    """Follows the topic ``control`` in a thread of its own; a bus that is
    away costs orders, and nothing else."""

    def __init__(
        self,
        bus: port.Bus,
        prefix: str,
        kind: control.Kind,
        take: Callable[[control.Order], None],
    ) -> None:
        """``take`` gets those of this kind that hold as they come."""
        self._bus = bus
        self._topic = prefix + topic.CONTROL
        self._kind = kind
        self._take = take
        self._stop = threading.Event()
        self._trouble: str | None = None
        self._thread = threading.Thread(
            target=self._run, name='orders', daemon=True
        )

    def start(self) -> None:
        """Begin with what is there."""
        self._thread.start()

    def stop(self) -> None:
        """End it; not waited for long."""
        self._stop.set()
        self._thread.join(2 * _POLL_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except exception.BusError as why:
                if str(why) != self._trouble:
                    LOG.warning('no orders from the bus: %s', why)
                self._trouble = str(why)
                self._stop.wait(_BACK_OFF_S)
            except Exception:
                LOG.exception('orders')
                self._stop.wait(_BACK_OFF_S)

    def _follow(self) -> None:
        reader = tail.Tail(self._bus, [self._topic])
        try:
            reader.start(0)
            while not self._stop.is_set():
                for record in reader.read(_POLL_S):
                    self._give(record)
                self._trouble = None
        finally:
            reader.close()

    def _give(self, record: port.Record) -> None:
        if record.value is None:
            return
        try:
            one = codec.decode(record.value, control.Order)
        except exception.CodecError:
            # Who plans by it says so.
            return
        if one.kind == self._kind and control.holds(one, _now_us()):
            self._take(one)


@contextlib.contextmanager
def followed(
    bus: port.Bus,
    prefix: str,
    kind: control.Kind,
    take: Callable[[control.Order], None],
) -> Iterator[None]:
    """Hand on orders as long as the context lasts."""
    found = OrderTail(bus, prefix, kind, take)
    found.start()
    try:
        yield
    finally:
        found.stop()


def _now_us() -> int:
    return time.time_ns() // 1000
