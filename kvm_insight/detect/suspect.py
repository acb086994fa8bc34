# SPDX-License-Identifier: Apache-2.0
"""Suspect: one who used CPU while the victim waited, and its excess."""

import dataclasses

from kvm_insight.detect import settings


@dataclasses.dataclass(frozen=True, slots=True)
class Suspect:
    """One who used CPU while the victim waited; the victim is one too."""

    entity: str
    threads: int
    #: Cores wanted while the victim waited.
    cores: float
    #: Cores that are its by right.
    entitled: float
    #: Part of its load on the victim's CPUs.
    overlap: float
    #: What is usual for it; None while nothing is known.
    usual: float | None = None
    #: Whether that is a history, or a glimpse of some minutes.
    history: bool = False
    #: µs that it ran while the victim waited, by the ledger.
    charged_us: int = 0

    def at_full_speed(self, rules: settings.Settings) -> bool:
        """Say whether it is as busy as a thread can be."""
        return self.cores >= rules.full_speed

    def over(self, rules: settings.Settings, *, rose: bool) -> float:
        """Return its excess on the victim's CPUs.

        With ``rose``, one whose use is known must also use more than usual.
        One whose use is not known, or need not have risen, must be at full
        speed: that is what can be seen without a history.
        """
        if self.usual is not None and (rose or self.history):
            allowed = max(self.entitled, self.usual)
        else:
            allowed = self.entitled
            if not self.at_full_speed(rules) or (
                self.cores < rules.full_over * self.entitled
            ):
                return 0.0
        return max(0.0, self.cores - allowed) * self.overlap

    def risen(self, rules: settings.Settings) -> float:
        """Return how far it went from its usual use to full speed."""
        if self.usual is None or not self.at_full_speed(rules):
            return 0.0
        rise = self.cores - self.usual
        return rise * self.overlap if rise >= rules.least_rise else 0.0
