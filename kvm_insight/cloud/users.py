# SPDX-License-Identifier: Apache-2.0
"""Users: the names of those who own instances, read a few at a time.

Nobody waits for them: they are read in a thread of their own after a poll,
and the next one has them. Keystone is asked for a user by its id; nobody
else is listed, and who owns nothing any more is forgotten.
"""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Collection

from kvm_insight import exception
from kvm_insight.cloud import client, keystone

LOG = logging.getLogger(__name__)

#: Requests after one poll.
AT_A_TIME = 50
#: A name is seldom another one.
_AGE_S = 24 * 3600.0
#: Somebody has to change a policy first; or Keystone is away.
_REFUSED_S = 3600.0
_AWAY_S = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    #: None for one that Keystone does not know.
    name: str | None
    read_s: float


class Users:
    """Holds names, as old as a day."""

    def __init__(
        self,
        ask: client.Client,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nobody yet."""
        self._ask = ask
        self._clock_s = clock_s
        self._known: dict[str, _Entry] = {}
        self._not_before_s = float('-inf')
        self._told = False
        self._stopped = False
        self._thread: threading.Thread | None = None

    def names(self, owners: Collection[str]) -> dict[str, str]:
        """Return id -> name of those whose name is known."""
        known = self._known
        found = ((one, known.get(one)) for one in owners)
        return {
            one: entry.name
            for one, entry in found
            if entry is not None and entry.name is not None
        }

    def begin(self, owners: Collection[str]) -> None:
        """Let names be read that are missing or old, if that is not going
        on already."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = threading.Thread(
            target=self.refresh, args=(owners,), name='users', daemon=True
        )
        self._thread.start()

    def stop(self, within_s: float) -> None:
        """Read no more."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join(within_s)

    def refresh(self, owners: Collection[str]) -> None:
        """Read names that are missing or old; never raises."""
        now_s = self._clock_s()
        known = self._known
        kept = {one: known[one] for one in owners if one in known}
        if now_s >= self._not_before_s:
            kept |= self._fresh(_due(owners, kept, now_s), now_s)
        self._known = kept

    def _fresh(self, due: list[str], now_s: float) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        try:
            for one in due:
                if self._stopped:
                    break
                found[one] = _Entry(self._name(one), now_s)
            else:
                self._told = False
        except exception.CloudRefused as why:
            if not self._told:
                LOG.info('users have no names here: %s', why)
            self._told = True
            self._not_before_s = now_s + _REFUSED_S
        except exception.CloudError as why:
            LOG.debug('names of users: %s', why)
            self._not_before_s = now_s + _AWAY_S
        except Exception as why:
            if not self._stopped:
                words = exception.unworded(why)
                LOG.error('reading the names of users: %s', words)
            self._not_before_s = now_s + _AWAY_S
        return found

    def _name(self, user: str) -> str | None:
        try:
            return keystone.read_user(self._ask, user)
        except exception.CloudGone:
            return None


def _due(
    owners: Collection[str], known: dict[str, _Entry], now_s: float
) -> list[str]:
    """Return whom to ask for: first who was never, then the oldest."""

    def age(one: str) -> float:
        entry = known.get(one)
        return now_s - entry.read_s if entry is not None else float('inf')

    old = [one for one in owners if age(one) > _AGE_S]
    return sorted(old, key=lambda one: (-age(one), one))[:AT_A_TIME]
