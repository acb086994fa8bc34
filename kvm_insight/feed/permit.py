# SPDX-License-Identifier: Apache-2.0
"""Permit: whether this process may act, for threads that hold no lease.

Who holds the lease grants it again and again; it runs out by itself, also
where the whole process was suspended meanwhile.
"""

import time

_LASTS_S = 5.0
_RENEW_S = 1.0


class Permit:
    """Granted by one thread, asked by others."""

    def __init__(self, lasts_s: float = _LASTS_S) -> None:
        """Let each grant last so long."""
        self._lasts_s = lasts_s
        self._granted: tuple[int, float] | None = None

    def grant(self, generation: int) -> None:
        """Let this generation act: the bus has just said that it may."""
        self._granted = (generation, time.monotonic())

    def withdraw(self) -> None:
        """Let nobody act."""
        self._granted = None

    def is_of(self, generation: int) -> bool:
        """Say whether that generation acts, though perhaps not just now."""
        granted = self._granted
        return granted is not None and granted[0] == generation

    def holds(self, generation: int) -> bool:
        """Say whether that generation may act now."""
        return self._is_younger(generation, self._lasts_s)

    def is_fresh(self, generation: int) -> bool:
        """Say whether it need not be granted again yet."""
        return self._is_younger(generation, _RENEW_S)

    def _is_younger(self, generation: int, limit_s: float) -> bool:
        granted = self._granted
        if granted is None or granted[0] != generation:
            return False
        return time.monotonic() - granted[1] < limit_s
