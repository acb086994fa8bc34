# SPDX-License-Identifier: Apache-2.0
"""Patience: what is the matter is said once, and asked about more seldom."""

import logging
import time

LOG = logging.getLogger(__name__)

_SHORTEST_S = 1.0
_LONGEST_S = 30.0


class Patience:
    """Of one service that may be away."""

    def __init__(self, what: str, longest_s: float = _LONGEST_S) -> None:
        """Begin as if all were well."""
        self._what = what
        self._longest_s = longest_s
        self._trouble: str | None = None
        self._wait_s = _SHORTEST_S
        self._again_s = 0.0

    @property
    def is_over(self) -> bool:
        """Say whether it may be asked again."""
        return time.monotonic() >= self._again_s

    def failed(self, why: Exception) -> float:
        """Take notice; return for how long to leave it alone."""
        if self._trouble is None:
            LOG.warning('%s: %s; trying again', self._what, why)
        self._trouble = str(why)
        wait_s = self._wait_s
        self._again_s = time.monotonic() + wait_s
        self._wait_s = min(2 * wait_s, self._longest_s)
        return wait_s

    def worked(self) -> None:
        """Say so if it did not before."""
        if self._trouble is not None:
            LOG.warning('%s: back', self._what)
        self._trouble = None
        self._wait_s = _SHORTEST_S
