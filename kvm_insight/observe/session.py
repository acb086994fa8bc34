# SPDX-License-Identifier: Apache-2.0
"""A thread that serves one connection to libvirt, however long it hangs."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from kvm_insight import exception
from kvm_insight.observe import knowledge

if TYPE_CHECKING:
    from kvm_insight.observe import connection

LOG = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
#: XML is read on events; this often it is read nevertheless, in case one of
#: them was lost.
_DESCRIBE_AGAIN_S = 600.0
#: Nobody measures dirty rates all the time, and asking costs a call to QEMU.
_DIRTY_RATE_EVERY = 6

T = TypeVar('T')
Lost = Callable[[], None]
Opener = Callable[['connection.Changed', Lost], 'connection.Connection']


class Session:
    """Connects, measures when asked, describes when told by an event.

    All results go to the ``Board``. A session that hangs is given up: it ends
    by itself when the call returns, and writes nothing more.
    """

    def __init__(self, opener: Opener, board: knowledge.Board) -> None:
        self._opener = opener
        self._board = board
        self._wake = threading.Condition()
        self._asked = False
        self._changed: set[str] = set()
        self._working: set[str] = set()
        self._lost = False
        self._over = False
        self._rounds = 0
        #: When the call began that is under way; None between calls.
        self._busy_since: float | None = None
        self._thread = threading.Thread(
            target=self._run, name='libvirt', daemon=True
        )

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def ask(self) -> None:
        """Measure all domains soon."""
        with self._wake:
            self._asked = True
            self._wake.notify()

    def hangs(self, limit_s: float) -> bool:
        """Say whether a call has taken longer than this."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > limit_s

    def ended(self) -> bool:
        """Say whether the thread has come to its end."""
        return not self._thread.is_alive()

    def give_up(self) -> None:
        """Write nothing more and end as soon as libvirt lets go."""
        with self._wake:
            self._over = True
            self._wake.notify()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, not longer than this."""
        self._thread.join(timeout_s)

    # -- in the thread ------------------------------------------------------

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._over:
            began = time.monotonic()
            try:
                self._serve()
            except exception.HypervisorError as why:
                self._trouble(str(why))
            except Exception as why:
                LOG.exception('libvirt session')
                self._trouble(repr(why))
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause_s = _FIRST_PAUSE_S
            with self._wake:
                self._wake.wait_for(
                    lambda: self._over,
                    pause_s * random.uniform(0.8, 1.2),  # noqa: S311
                )
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _serve(self) -> None:
        self._lost = False
        link = self._call(lambda: self._opener(self._on_change, self._on_loss))
        try:
            hostname = self._call(link.hostname)
            self._board_says(lambda: self._board.connected(hostname))
            self._loop(link)
        finally:
            self._call(link.close)

    def _loop(self, link: 'connection.Connection') -> None:
        described: dict[str, float] = {}
        self._asked = True
        # Whose a domain is must be known even where measuring hangs each
        # time, so the unknown are described before the first measuring.
        unknown = self._board.unknown(self._call(link.active))
        with self._wake:
            self._changed |= unknown
        while not self._over:
            asked, changed, working = self._take()
            if self._lost or not self._call(link.alive):
                raise exception.HypervisorError('the connection was lost')
            for uuid in changed:
                self._describe(link, uuid, described)
            if asked:
                for uuid in self._measure(link, described):
                    self._describe(link, uuid, described)
            for uuid in working | changed & self._board.working():
                self._look_at_job(link, uuid)
            if asked:
                self._board_says(self._board.round_over)
                self._look_at_machine(link)
            with self._wake:
                self._wake.wait_for(self._has_work)

    def _has_work(self) -> bool:
        news = self._changed or self._working
        return bool(self._over or self._asked or self._lost or news)

    def _take(self) -> tuple[bool, set[str], set[str]]:
        with self._wake:
            asked, self._asked = self._asked, False
            changed, self._changed = self._changed, set()
            working, self._working = self._working, set()
        if asked:
            working |= self._board.working()
        return asked, changed, working

    def _measure(
        self, link: 'connection.Connection', described: dict[str, float]
    ) -> set[str]:
        """Measure all; return those that have to be described (again)."""
        began = time.monotonic()
        dirty_rate = self._rounds % _DIRTY_RATE_EVERY == 0
        answers = self._call(lambda: link.measure(dirty_rate=dirty_rate))
        self._rounds += 1
        self._board_says(lambda: self._board.measured(answers, began))
        present = {answer.uuid for answer in answers}
        for uuid in described.keys() - present:
            del described[uuid]
        stale = began - _DESCRIBE_AGAIN_S
        due = [u for u in present if described.get(u, stale) <= stale]
        fresh = {u for u in due if u not in described}
        # Of those that only grew old, one a round.
        return fresh | set([u for u in due if u not in fresh][:1])

    def _look_at_machine(self, link: 'connection.Connection') -> None:
        if self._board.machine_is_due():
            told = self._call(link.machine)
            self._board_says(lambda: self._board.machine(told))

    def _look_at_job(self, link: 'connection.Connection', uuid: str) -> None:
        job = self._call(lambda: link.job(uuid))
        self._board_says(lambda: self._board.job(uuid, job))

    def _describe(
        self,
        link: 'connection.Connection',
        uuid: str,
        described: dict[str, float],
    ) -> None:
        described[uuid] = time.monotonic()
        details = self._call(lambda: link.describe(uuid))
        self._board_says(lambda: self._board.described(uuid, details))

    def _call(self, function: Callable[[], T]) -> T:
        """Call libvirt; the clock of ``hangs`` runs for this call alone."""
        self._busy_since = time.monotonic()
        try:
            return function()
        finally:
            self._busy_since = None

    def _board_says(self, function: Callable[[], None]) -> None:
        if not self._over:
            function()

    def _trouble(self, why: str) -> None:
        self._board_says(lambda: self._board.trouble(why))

    # -- in the event loop's thread -------------------------------------------

    def _on_change(self, uuid: str, change: 'connection.Change') -> None:
        if change == 'gone':
            self._board_says(lambda: self._board.described(uuid, None))
        with self._wake:
            into = self._working if change == 'job' else self._changed
            into.add(uuid)
            self._wake.notify()

    def _on_loss(self) -> None:
        with self._wake:
            self._lost = True
            self._wake.notify()
