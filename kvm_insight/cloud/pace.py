# SPDX-License-Identifier: Apache-2.0
"""Pace: so many requests in a second and no more, whoever asks.

keystoneauth's own limit counts from the start: after a quiet minute it lets
a minute's worth of requests go at once.
"""

import threading
import time
import types


class Pace:
    """A context manager; entering it waits for one's turn."""

    def __init__(self, per_s: float) -> None:
        """Let the first go at once."""
        self._apart_s = 1.0 / per_s
        self._lock = threading.Lock()
        self._next_s = time.monotonic()

    def __enter__(self) -> None:
        """Wait for the turn."""
        with self._lock:
            now_s = time.monotonic()
            turn_s = max(now_s, self._next_s)
            self._next_s = turn_s + self._apart_s
        if turn_s > now_s:
            time.sleep(turn_s - now_s)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        """Do nothing: only the beginnings are apart."""
