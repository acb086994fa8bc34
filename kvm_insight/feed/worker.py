# SPDX-License-Identifier: Apache-2.0
"""Worker: one feed in a thread of its own, which may be slow or broken.

What waits is bounded; whoever tells never waits.
"""

import collections
import logging
import threading

from kvm_insight import exception
from kvm_insight.feed import permit, port

LOG = logging.getLogger(__name__)

_MOST_WAITING = 100
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_REFUSED_WAIT_S = 300.0
_END_S = 2.0


class Worker:
    """Feeds one feed; tries again until it was taken."""

    def __init__(
        self, name: str, feed: port.Feed, allowed: permit.Permit
    ) -> None:
        """Work for this feed as long as the permit holds."""
        self._name = name
        self._feed = feed
        self._permit = allowed
        self._waiting: collections.deque[port.Told] = collections.deque()
        #: What is to be told again to a feed whose work lasts.
        self._last: port.Told | None = None
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._is_busy = False
        self._is_cleared = False
        self._dropped = 0
        self._trouble: str | None = None
        self._wait_s = _FIRST_WAIT_S
        self._thread = threading.Thread(
            target=self._run, name=f'feed-{name}', daemon=True
        )
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Say whether there is anything left to do."""
        return (
            self._is_busy or bool(self._waiting) or self._again_s() is not None
        )

    @property
    def state(self) -> str:
        """Return ``ok``, ``off``, or what is wrong."""
        if self._trouble is not None:
            return self._trouble
        return 'off' if self._is_cleared else 'ok'

    def tell(self, told: port.Told) -> None:
        """Hand it over; the oldest are dropped where too much waits."""
        with self._changed:
            if self._feed.newest_only or self._name in told.off:
                self._waiting.clear()
            elif len(self._waiting) >= _MOST_WAITING:
                self._waiting.popleft()
                self._dropped += 1
                if self._dropped == 1:
                    LOG.warning('%s: too much waits; dropping', self._name)
            self._waiting.append(told)
            self._changed.notify()

    def close(self) -> None:
        """End; what waits is lost. Never raises."""
        self._closed.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(_END_S)
        self._feed.close()

    def _run(self) -> None:
        while (told := self._next()) is not None:
            self._try(told)

    def _next(self) -> port.Told | None:
        """Return what is next, when there is something; None at the end."""
        with self._changed:
            self._is_busy = False
            # Closed or told, it ends at once.
            self._changed.wait_for(
                lambda: self._waiting or self._closed.is_set(), self._again_s()
            )
            if self._closed.is_set():
                return None
            self._is_busy = True
            if self._waiting:
                self._last = self._waiting.popleft()
            return self._last

    def _again_s(self) -> float | None:
        """Return how long to wait for news; None is for ever."""
        feed: object = self._feed
        if self._last is None or not isinstance(feed, port.Lasting):
            return None
        return feed.again_s

    def _try(self, told: port.Told) -> None:
        try:
            self._do(told)
        except exception.LeaseLost:
            self._lost(told)
        except exception.CloudRefused as why:
            # What is wrong there, tried too often, locks the user.
            self._failed(told, str(why), _REFUSED_WAIT_S)
        except exception.KvmInsightError as why:
            self._failed(told, str(why))
        except Exception as why:
            # Its words may hold anything; its kind does not.
            LOG.error('%s: %s', self._name, exception.unworded(why))
            self._failed(told, f'broke: {type(why).__name__}')
        else:
            if self._trouble is not None:
                LOG.warning('%s: works again', self._name)
            self._trouble, self._wait_s = None, _FIRST_WAIT_S

    def _do(self, told: port.Told) -> None:
        """Write, or take back what was written; raise if that fails."""

        def may() -> bool:
            return self._permit.holds(told.generation)

        if not may():
            raise exception.LeaseLost
        if self._name not in told.off:
            self._is_cleared = False
            self._feed.write(told, may)
        elif not self._is_cleared:
            for line in self._feed.clear(may):
                LOG.warning('%s: off: %s', self._name, line)
            self._is_cleared = True

    def _lost(self, told: port.Told) -> None:
        """Wait where the bus only has not said lately that it is ours; where
        it is not, the next one to hold it says all that stands again."""
        if self._permit.is_of(told.generation):
            self._closed.wait(_FIRST_WAIT_S)
            self._put_back(told)
            return
        LOG.info('%s: not ours to write any more', self._name)
        with self._changed:
            self._last = None
            while self._waiting and not self._permit.is_of(
                self._waiting[0].generation
            ):
                self._waiting.popleft()

    def _failed(
        self, told: port.Told, why: str, longest_s: float = _LONGEST_WAIT_S
    ) -> None:
        """Say so once, wait, and let it be tried again unless it is old."""
        if self._trouble != why:
            LOG.warning('%s: %s; trying again', self._name, why)
        self._trouble = why
        self._closed.wait(self._wait_s)
        self._wait_s = min(2 * self._wait_s, longest_s)
        self._put_back(told)

    def _put_back(self, told: port.Told) -> None:
        """Let it be tried again, unless what waits makes it void."""
        with self._changed:
            is_void = any(
                self._feed.newest_only or self._name in one.off
                for one in self._waiting
            )
            if not is_void:
                self._waiting.appendleft(told)
