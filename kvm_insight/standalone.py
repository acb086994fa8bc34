# SPDX-License-Identifier: Apache-2.0
"""All services of one machine side by side in one process."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from kvm_insight import exception

LOG = logging.getLogger(__name__)

_LOOK_S = 0.2
_END_S = 3.0


class Runs(Protocol):
    """A service: works until it is told to stop."""

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""


class Standalone:
    """Runs services in threads and ends them in the order they were given.

    The one who makes samples goes first, so that the others still see what
    it made last.
    """

    def __init__(self, settled: Callable[[], bool]) -> None:
        """``settled`` says whether everything made has reached the bus."""
        self._services: dict[str, Runs] = {}
        self._settled = settled
        self._broken: list[tuple[str, BaseException]] = []
        self._first: float | None = None

    def add(self, name: str, service: Runs) -> None:
        """Run this one, too."""
        self._services[name] = service

    def began(self) -> None:
        """Count the time from now, if nobody called this before."""
        if self._first is None:
            self._first = time.monotonic()

    def run(self, stop: threading.Event, limit_s: float | None) -> None:
        """Work until told to stop, until the time is over or one breaks.

        The time counts from ``began``. Raises what broke a service.
        """
        running = []
        for name, service in self._services.items():
            own = threading.Event()
            thread = threading.Thread(
                target=self._guard, args=(name, service, own), name=name
            )
            # A service that hangs in a call must not hold up the end.
            thread.daemon = True
            thread.start()
            running.append((thread, own))
        while not (stop.wait(_LOOK_S) or self._broken or self._over(limit_s)):
            pass
        for thread, own in running:
            own.set()
            thread.join(_END_S)
            self._settle()
        for name, why in self._broken:
            raise exception.KvmInsightError(f'{name}: {why}') from why

    def _over(self, limit_s: float | None) -> bool:
        if limit_s is None or self._first is None:
            return False
        return time.monotonic() - self._first >= limit_s

    def _settle(self) -> None:
        """Give what was just made a moment to arrive."""
        until = time.monotonic() + 1.0
        while not self._settled() and time.monotonic() < until:
            time.sleep(0.05)

    def _guard(self, name: str, service: Runs, stop: threading.Event) -> None:
        try:
            service.run(stop)
        except Exception as why:
            LOG.debug('%s broke', name, exc_info=True)
            self._broken.append((name, why))
