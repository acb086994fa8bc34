# SPDX-License-Identifier: Apache-2.0
"""Course: one recommendation on its way, move after move.

Each step begins with a look at what is, and ends with a record of it; a
record is told before the act that it announces. So whoever takes over with
nothing but the record goes on with what is under way, and what was asked for
and never arrived is asked for again.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from kvm_insight import exception
from kvm_insight.feed import mover, port
from kvm_insight.model import execution, recommendation, sight

LOG = logging.getLogger(__name__)

MOBILE = ('active', 'paused')
_MOST_TRIES = 2
_ABORT_AGAIN_S = 30.0
#: What an abort may take to put everything back.
_ROLL_BACK_S = 60
_US = 1_000_000

#: Publishes a record; raises BusError.
Say = Callable[[execution.Execution], None]


class Course:
    """One recommendation, and how far it has come."""

    def __init__(
        self,
        one: recommendation.Recommendation,
        now: execution.Execution,
        by: mover.Mover,
        say: Say,
        may: port.May,
        limit_s: int,
    ) -> None:
        """Go on from ``now``; a move may take so long."""
        self.one = one
        self.now = now
        self._mover = by
        self._say = say
        self._may = may
        self._limit_s = limit_s
        self._abort_at_s = 0.0

    @property
    def move(self) -> recommendation.Move:
        """Return the move that is under way or comes next."""
        return self.one.moves[self.now.move]

    @property
    def is_under_way(self) -> bool:
        """Say whether it was begun and is not over."""
        return execution.is_under_way(self.now)

    def hold(self, reason: str) -> None:
        """Let the next move wait, and tell why."""
        self._tell(state='waiting', reason=reason[:4000])

    def fail(self, reason: str) -> None:
        """Stop here: no further move is begun."""
        who = self.move.name or self.move.instance
        self._tell(
            state='failed',
            reason=f'{who} to {self.move.destination}: {reason}'[:4000],
        )

    def begin(self) -> None:
        """Ask for the next move, if a last look says that it can be.

        Raises LeaseLost, or what the look or the request raised.
        """
        seen = self._mover.look(self.move)
        why = unfit(self.move, seen)
        if why is not None:
            self.hold(why)
            return
        self._tell(
            state='moving',
            began_us=time.time_ns() // 1000,
            tries=self.now.tries + 1,
            before=None if seen.migration is None else seen.migration.id,
            reason=None,
        )
        self._check()
        try:
            self._mover.begin(self.move)
        except exception.MoveDeclined as why_not:
            if not self._is_on_its_way():
                self.fail(str(why_not))
        except exception.CloudRefused as why_not:
            # Nothing was begun, and nothing is wrong with this move.
            self._tell(
                state='waiting', began_us=None, tries=0, reason=str(why_not)
            )
            raise

    def _is_on_its_way(self) -> bool:
        """Say whether a request was taken before this one was declined: one
        whose answer was lost may have been sent again."""
        seen = self._mover.look(self.move)
        moved = seen.migration
        is_new = moved is not None and moved.id != self.now.before
        return is_new or seen.task == 'migrating'

    def watch(self) -> None:
        """Look at the move that is under way, and do what there is to do."""
        seen, moved = self._mover.look(self.move), None
        if seen.migration and seen.migration.id != self.now.before:
            moved = seen.migration
        if seen.host is None:
            self.fail('it is not there any more')
        elif moved is not None and moved.state == 'running':
            self._under_way(moved)
        elif seen.task is not None:
            self._wait(f'it has a task under way ({seen.task})')
        elif moved is None:
            self._unseen(seen)
        elif moved.state == 'failed':
            self._failed(moved)
        elif self._has_arrived(seen):
            self._arrived()
        else:
            self._wait(f'it is {seen.state} on {seen.host}')

    def leave(self) -> str:
        """Let go of it, and return in words what goes on by itself."""
        who = self.move.name or self.move.instance
        if self.now.state != 'moving':
            self.fail('the actuator was told to be silent')
            return f'{self.one.id}: stopped before {who} was moved'
        line = (
            f'{self.one.id}: {who} to {self.move.destination} is under way'
            ' and is NOT aborted'
        )
        with contextlib.suppress(exception.KvmInsightError):
            seen = self._mover.look(self.move).migration
            if seen is not None and seen.state == 'running':
                stop = self._mover.stop_words(self.move, seen)
                line += f'; to stop it: {stop}'
        self._tell(
            state='left', reason='the actuator was told to be silent meanwhile'
        )
        return line

    def _under_way(self, moved: sight.Migration) -> None:
        if moved.destination not in (None, self.move.destination):
            self.fail(f'somebody else moves it to {moved.destination}')
            return
        copied = moved.copied_ratio
        if copied is not None:
            # Not each step is worth a record.
            copied = int(copied * 10) / 10
        self._tell(migration=moved.id, copied_ratio=copied)
        if self._is_late() and time.monotonic() >= self._abort_at_s:
            self._abort(moved)

    def _abort(self, moved: sight.Migration) -> None:
        reason = f'it takes longer than {self._limit_s} s'
        if not self.now.aborted:
            self._tell(aborted=True, reason=reason)
        self._check()
        self._abort_at_s = time.monotonic() + _ABORT_AGAIN_S
        try:
            self._mover.abort(self.move, moved)
        except exception.MoveDeclined as why:
            self._tell(reason=f'{reason}, and cannot be aborted: {why}'[:4000])

    def _unseen(self, seen: sight.Sight) -> None:
        """Deal with a request of which nothing is to be seen."""
        if self._has_arrived(seen):
            self._arrived()
        elif seen.host != self.move.source:
            self.fail(f'it is on {seen.host} now')
        elif self.now.tries >= _MOST_TRIES:
            self.fail(f'nothing came of it, asked for {self.now.tries} times')
        else:
            self.hold('what was asked for has not arrived')

    def _failed(self, moved: sight.Migration) -> None:
        why = f'the migration ended as {moved.words}'
        if self.now.aborted:
            why += f', aborted after {self._limit_s} s'
            mend = self._mover.mend_words(self.move)
            why += f'; {mend}' if mend else ''
        self.fail(why)

    def _has_arrived(self, seen: sight.Sight) -> bool:
        return seen.host == self.move.destination and seen.state in MOBILE

    def _arrived(self) -> None:
        last = self.now.move + 1 == self.now.moves
        LOG.info(
            '%s: %s is on %s',
            self.one.id,
            self.move.name or self.move.instance,
            self.move.destination,
        )
        if last:
            self._tell(state='done', copied_ratio=None, reason=None)
            return
        self._tell(
            state='waiting',
            move=self.now.move + 1,
            began_us=None,
            tries=0,
            before=None,
            migration=None,
            copied_ratio=None,
            aborted=False,
            reason=None,
        )

    def _wait(self, words: str) -> None:
        """Give it until the limit to come to its end, or to be back."""
        more_s = _ROLL_BACK_S if self.now.aborted else 0
        if self._is_late(more_s):
            limit_s = self._limit_s + more_s
            self.fail(f'{words}, {limit_s} s after it was begun')

    def _is_late(self, more_s: int = 0) -> bool:
        began_us = self.now.began_us or 0
        limit_us = (self._limit_s + more_s) * _US
        return time.time_ns() // 1000 - began_us > limit_us

    def _check(self) -> None:
        if not self._may():
            raise exception.LeaseLost

    def _tell(self, **changes: Any) -> None:
        """Publish what has changed; only then it counts."""
        new = msgspec.structs.replace(self.now, **changes)
        if new == self.now:
            return
        new = msgspec.structs.replace(new, updated_us=time.time_ns() // 1000)
        self._check()
        self._say(new)
        if (new.state, new.move, new.reason) != (
            self.now.state,
            self.now.move,
            self.now.reason,
        ):
            level = logging.WARNING if new.state == 'failed' else logging.INFO
            LOG.log(level, '%s: %s', self.one.id, execution.words(new))
        self.now = new


def unfit(move: recommendation.Move, seen: sight.Sight) -> str | None:
    """Return why what was seen just now does not let a move begin."""
    who = move.name or move.instance
    if seen.host is None:
        return f'{who} is not there any more'
    if seen.host != move.source:
        return f'{who} is on {seen.host}'
    if seen.migration is not None and seen.migration.state == 'running':
        return f'{who} is migrating'
    if seen.task is not None:
        return f'{who} has a task under way ({seen.task})'
    return None if seen.state in MOBILE else f'{who} is {seen.state}'
