# SPDX-License-Identifier: Apache-2.0
"""Trigger: tells Watcher once that there is something new for its audit.

In a thread of its own: who writes files for a scheduler does not wait for
Watcher.
"""

import logging
import threading
from collections.abc import Callable

from kvm_insight import exception

LOG = logging.getLogger(__name__)

_AGAIN_S = 30.0
_END_S = 2.0


class Trigger:
    """Asks until it was taken, or until nothing is new any more."""

    def __init__(
        self,
        post: Callable[[], object],
        close: Callable[[], object] | None = None,
        again_s: float = _AGAIN_S,
    ) -> None:
        """Post by this way, which raises CloudError, and which ``close``
        lets go of."""
        self._post = post
        self._close = close
        self._again_s = again_s
        self._changed = threading.Condition()
        self._closed = False
        self._now: frozenset[str] = frozenset()
        self._told: frozenset[str] = frozenset()
        self._trouble: str | None = None
        self._thread: threading.Thread | None = None

    def tell(self, ids: frozenset[str]) -> None:
        """Say what there is to be carried out now; never waits."""
        with self._changed:
            self._now = ids
            self._told &= ids
            if self._is_new() and self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='watcher-trigger', daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End; what was not taken yet is left."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_END_S)
        if self._close is not None:
            self._close()

    def _is_new(self) -> bool:
        return bool(self._now - self._told)

    def _run(self) -> None:
        while (ids := self._next()) is not None:
            try:
                self._post()
            except exception.CloudError as why:
                self._failed(str(why))
            except Exception as why:
                LOG.error('the audit: %s', exception.unworded(why))
                self._failed(type(why).__name__)
            else:
                LOG.info('the audit runs, for %s', ', '.join(sorted(ids)))
                with self._changed:
                    self._told |= ids & self._now
                    self._trouble = None

    def _next(self) -> frozenset[str] | None:
        with self._changed:
            while not self._closed and not self._is_new():
                self._changed.wait()
            return None if self._closed else self._now

    def _failed(self, why: str) -> None:
        """Say it once, and wait."""
        if why != self._trouble:
            LOG.warning('the audit was not triggered: %s; trying again', why)
        self._trouble = why
        with self._changed:
            self._changed.wait_for(lambda: self._closed, self._again_s)
