# SPDX-License-Identifier: Apache-2.0
"""Actuator: carries recommendations out, by live migration.

It decides nothing: it takes what stands, looks once more whether each move
may begin, and sees it to its end. One move of a recommendation at a time, and
no host takes part in two.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from kvm_insight import exception
from kvm_insight.feed import course, mover, port
from kvm_insight.model import codec, execution, recommendation
from kvm_insight.recommend import (
    clearance,
    confirmation,
    limits,
    standing,
)

Recommendation = recommendation.Recommendation
Course = course.Course
#: Opens the way by which the cluster is read once more.
Opens = Callable[[], contextlib.AbstractContextManager[confirmation.Confirm]]

_TOPIC = 'inventory'
_LOOK_S = 2.0
#: What had to wait is not asked for sooner.
_TRY_AGAIN_S = 15.0
#: A planner that told nothing for so long may have lost sight of things.
_TOLD_S = 300
_US = 1_000_000
_READY = ('proposed', 'approved')


class Actuator:
    """The feed ``actuator``."""

    newest_only = True
    runs_in = 'planner'

    def __init__(
        self,
        settings: port.Settings,
        publish: port.Publish,
        by: mover.Mover | None = None,
    ) -> None:
        """Move by what the settings say, unless ``by`` is given."""
        self._settings = settings
        self._publish = publish
        self._mover = by or mover.of(settings)
        self._open = contextlib.ExitStack()
        self._confirm: confirmation.Confirm | None = None
        self._limits = cast(limits.Limits, settings['limits'])
        self._generation = -1
        self._courses: dict[str, Course] = {}
        #: Id -> when its next move may be tried again.
        self._again_at_s: dict[str, float] = {}
        self._again_s: float | None = None
        self._may: port.May = lambda: False

    @property
    def again_s(self) -> float | None:
        """Return how long to wait for the next look at what is under way."""
        return self._again_s

    def would(self, told: port.Told) -> Iterator[str]:
        """Yield what is under way, and what would be begun or not."""
        for name, now in sorted(told.executions.items()):
            if execution.is_under_way(now):
                yield f'{name}: {execution.words(now)}'
        ready = self._ready(told)
        for one in ready:
            made = self._course(one, told)
            why = self._reasons(made, told)
            if not why:
                found = course.unfit(made.move, self._mover.look(made.move))
                why = [found] if found is not None else []
            if why:
                yield f'{one.id}: would not begin: {"; ".join(why)}'
                continue
            for number, move in enumerate(one.moves):
                yield (
                    f'{one.id}: {"then " if number else ""}live-migrate'
                    f' {move.name or move.instance} from {move.source} to'
                    f' {move.destination}'
                )
        yield (
            f'{len(ready)} to be carried out, at most'
            f' {self._settings["actuator_at_once"]} at once'
        )

    def write(self, told: port.Told, may: port.May) -> None:
        """Take each recommendation one step further.

        What goes wrong with one is raised when all had their step.
        """
        if not may():
            raise exception.LeaseLost
        self._may = may
        self._know(told)
        troubles: list[exception.KvmInsightError] = []
        try:
            for one in list(self._courses.values()):
                with _kept(troubles):
                    self._step(one, told)
            for fresh in self._ready(told):
                with _kept(troubles):
                    self._take(fresh, told)
        finally:
            under_way = any(x.is_under_way for x in self._courses.values())
            self._again_s = _LOOK_S if under_way else None
        if troubles:
            raise troubles[0]

    def clear(self, may: port.May) -> list[str]:
        """Begin nothing more; a migration that is under way goes on, and the
        words say how it is stopped."""
        lines, self._may = [], may
        for name, one in list(self._courses.items()):
            if one.is_under_way:
                lines.append(one.leave())
            del self._courses[name]
        self._again_s = None
        return lines

    def close(self) -> None:
        """Let go; what is under way goes on."""
        self._open.close()
        self._mover.close()

    def _know(self, told: port.Told) -> None:
        """Take up what another one, or we before a restart, have begun."""
        if told.generation != self._generation:
            self._courses.clear()
            self._again_at_s.clear()
            self._generation = told.generation
        now_s = time.monotonic()
        self._again_at_s = {
            mark: at_s
            for mark, at_s in self._again_at_s.items()
            if at_s > now_s
        }
        known = {one.id: one for one in told.standing}
        for name, one in list(self._courses.items()):
            if name in known:
                one.one = known[name]
            elif not one.is_under_way:
                del self._courses[name]
        for name, now in told.executions.items():
            if (
                name in known
                and name not in self._courses
                and execution.is_under_way(now)
            ):
                self._courses[name] = self._course(known[name], told)

    def _course(self, one: Recommendation, told: port.Told) -> Course:
        now = told.executions.get(one.id) or execution.Execution(
            recommendation=one.id,
            state='waiting',
            moves=len(one.moves),
            updated_us=told.time_us,
        )

        def say(new: execution.Execution) -> None:
            new = msgspec.structs.replace(new, generation=told.generation)
            key = f'{execution.PREFIX}{one.id}'
            self._publish(_TOPIC, key, codec.encode(new))

        limit_s = cast(int, self._settings['actuator_limit_s'])
        return Course(one, now, self._mover, say, lambda: self._may(), limit_s)

    def _ready(self, told: port.Told) -> list[Recommendation]:
        """Return what may be begun, that which gains most first."""
        only_approved = self._settings['actuator_only_approved']
        now_us = time.time_ns() // 1000
        found = [
            one
            for one in told.standing
            if one.state in (('approved',) if only_approved else _READY)
            and one.moves
            and one.expires_us > now_us
            and one.validity.verdict != 'invalid'
            and not self._is_begun(one.id, told)
        ]
        return sorted(found, key=lambda one: one.cost_core_s - one.gain_core_s)

    def _is_begun(self, name: str, told: port.Told) -> bool:
        mine = self._courses.get(name)
        now = mine.now if mine is not None else told.executions.get(name)
        return now is not None and (
            execution.is_begun(now) or execution.is_over(now)
        )

    def _take(self, one: Recommendation, told: port.Told) -> None:
        """Begin with one, if there is a free slot and nothing against it."""
        active = [x for x in self._courses.values() if x.is_under_way]
        hosts = standing.touched(x.one for x in active)
        if len(active) >= cast(int, self._settings['actuator_at_once']):
            return
        if hosts & standing.touched([one]):
            return
        mine = self._courses.setdefault(one.id, self._course(one, told))
        self._go_on(mine, told)

    def _step(self, one: Course, told: port.Told) -> None:
        if one.now.state == 'moving':
            one.watch()
        if one.now.state == 'waiting' and one.is_under_way:
            if one.one.expires_us <= time.time_ns() // 1000:
                one.fail('it expired before this move could begin')
            elif all(x.id != one.one.id for x in told.standing):
                one.fail('it does not stand any more')
            else:
                self._go_on(one, told)

    def _go_on(self, one: Course, told: port.Told) -> None:
        """Begin the next move, unless it was tried just now."""
        mark = f'{one.one.id}/{one.now.move}'
        now_s = time.monotonic()
        if now_s < self._again_at_s.get(mark, 0.0):
            return
        self._again_at_s[mark] = now_s + _TRY_AGAIN_S
        try:
            why = self._reasons(one, told)
            if why:
                one.hold('; '.join(why))
            else:
                one.begin()
        except exception.KvmInsightError:
            if one.now.state != 'moving':
                # Or it would look well until it is tried again.
                del self._again_at_s[mark]
            raise

    def _reasons(self, one: Course, told: port.Told) -> list[str]:
        """Return why the next move may not begin; CloudError if unknown."""
        now_us = time.time_ns() // 1000
        age_s = (now_us - told.time_us) // _US
        if age_s > _TOLD_S:
            return [f'what the planner told is {age_s} s old']
        oldest_us = now_us - self._limits.rules.stale_s * _US
        fresh = [x for x, y in told.heats.items() if y.time_us >= oldest_us]
        why = clearance.unmeasured(one.move, fresh)
        if why:
            return why
        hosts = frozenset({one.move.source, one.move.destination})
        whole = self._ask()(hosts)
        return clearance.refusals(
            one.one, one.now.move, whole, told.orders, self._limits, now_us
        )

    def _ask(self) -> confirmation.Confirm:
        if self._confirm is None:
            opens = cast(Opens, self._settings['confirm'])
            self._confirm = self._open.enter_context(opens())
        return self._confirm


@contextlib.contextmanager
def _kept(troubles: list[exception.KvmInsightError]) -> Iterator[None]:
    """Keep what went wrong for later, but for a lease that is lost."""
    try:
        yield
    except exception.LeaseLost:
        raise
    except exception.KvmInsightError as why:
        troubles.append(why)
