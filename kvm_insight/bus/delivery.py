# SPDX-License-Identifier: Apache-2.0
"""The fate of a published record, for whichever driver decides it."""

import concurrent.futures
import threading

from kvm_insight import exception


class Delivery:
    """Pending until the driver calls ``succeed`` or ``fail``, once."""

    __slots__ = ('_future',)

    def __init__(self) -> None:
        self._future: concurrent.futures.Future[int] = (
            concurrent.futures.Future()
        )

    def done(self) -> bool:
        """Say whether ``result`` would answer at once."""
        return self._future.done()

    def result(self, timeout_s: float | None = None) -> int:
        """Return the offset; raise BusRefused or BusUnavailable."""
        try:
            return self._future.result(timeout_s)
        except TimeoutError as why:
            raise exception.BusUnavailable(
                f'not acknowledged within {timeout_s} s'
            ) from why

    def succeed(self, offset: int) -> None:
        """The record lies on the bus."""
        self._future.set_result(offset)

    def fail(self, why: exception.BusError) -> None:
        """The record does not lie there, or nobody can tell."""
        self._future.set_exception(why)


class Wakeup:
    """Wakes a thread that has nothing to do; never misses a call."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the waiting thread, or the next that waits."""
        self._event.set()

    def wait(self, timeout_s: float) -> None:
        """Return when woken or when time is over."""
        self._event.wait(timeout_s)
        self._event.clear()
