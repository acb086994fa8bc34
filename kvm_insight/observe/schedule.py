# SPDX-License-Identifier: Apache-2.0
"""When the agent does what: ticks that jitter, sweeps that never drift."""

import dataclasses
from collections.abc import Callable
from typing import Literal

Step = Literal['tick', 'ask', 'sweep']

#: No guest's own period may alias with ours.
JITTER = 0.05
#: So many times rarer are surveys while the guests are at rest.
REST_FACTOR = 2
#: So many times rarer are ticks that nothing is measured at.
LOOK_FACTOR = 2
#: libvirt is asked so long before the sweep that uses its answer.
LEAD_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The speeds."""

    interval_s: float = 10.0
    tick_s: float = 1.0
    #: What changes slowly, or what QEMU has to be asked for.
    survey_s: float = 30.0

    @property
    def survey_every(self) -> int:
        """Return which sweep is also a survey: each n-th."""
        return max(1, round(self.survey_s / self.interval_s))


class Schedule:
    """Tells the next step; times are those of a monotonic clock.

    Sweeps stand on a grid, so that they do not drift; one that was missed
    (the host slept, a reader hung) is left out, not made up for.
    """

    def __init__(
        self, settings: Settings, now_s: float, random: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._random = random
        self._sweep_s = now_s + settings.interval_s
        self._lead_s = min(LEAD_S, settings.interval_s / 4)
        self._asked = False
        #: Sweeps since the last survey, with the one that comes.
        self._since = 1
        self._at_rest = False
        self._pause_s = settings.tick_s
        self._tick_s = now_s
        self._plan_tick(now_s)

    @property
    def survey(self) -> bool:
        """Say whether the next sweep is to be a survey."""
        every = self._settings.survey_every
        if self._at_rest and every > 1:
            every *= REST_FACTOR
        return self._since >= every

    def rest(self, at_rest: bool) -> None:
        """The guests are at rest, or are not any more: until told anew."""
        self._at_rest = at_rest

    def look_only(self, alone: bool) -> None:
        """Ticks are there to notice newcomers alone, or for more again."""
        factor = LOOK_FACTOR if alone else 1
        self._pause_s = self._settings.tick_s * factor

    def next(self) -> tuple[float, Step]:
        """Return when the next step is due, and which it is."""
        steps: list[tuple[float, Step]] = [(self._sweep_s, 'sweep')]
        if self.survey and not self._asked:
            steps.append((self._sweep_s - self._lead_s, 'ask'))
        if self._tick_s < self._sweep_s:
            steps.append((self._tick_s, 'tick'))
        return min(steps)

    def done(self, step: Step, now_s: float) -> None:
        """Note that this step was made and is over now."""
        if step == 'ask':
            self._asked = True
        elif step == 'tick':
            self._plan_tick(now_s)
        else:
            behind = int((now_s - self._sweep_s) / self._settings.interval_s)
            self._sweep_s += (behind + 1) * self._settings.interval_s
            self._since = 1 if self.survey else self._since + 1
            self._asked = False
            self._plan_tick(now_s)

    def _plan_tick(self, now_s: float) -> None:
        jitter = 1 + JITTER * (2 * self._random() - 1)
        self._tick_s = max(self._tick_s, now_s - self._pause_s)
        self._tick_s += self._pause_s * jitter
