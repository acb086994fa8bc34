# SPDX-License-Identifier: Apache-2.0
"""Suspects: who used CPU while the victim waited, and the case on them."""

import dataclasses
from collections.abc import Sequence

from kvm_insight.detect import settings
from kvm_insight.model import entity, finding


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
    #: Cores on which it ran while the victim waited, and on which it does
    #: usually, with the deviation and what is rarely exceeded; None without
    #: a history.
    ran: float = 0.0
    usually_ran: float | None = None
    spread: float = 0.0
    rarely_above: float = 0.0
    #: Cores on which it ran in what little is known of it.
    glimpsed: float = 0.0

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

    def beyond(self, rules: settings.Settings, tide: float = 1.0) -> float:
        """Return on how many of the victim's CPUs it ran beyond what is
        usual; as long as that is not known, beyond its entitlement and what
        it was seen to do. ``tide``: by what factor all together run more than
        usual.

        What it ran and not what it wanted: one that waits for others seems
        to want more than before, and does not take more.
        """
        if self.usually_ran is None:
            allowed = max(self.entitled, self.glimpsed * tide)
        else:
            allowed = self.usually_ran * tide
        least = rules.least_beyond(allowed, self.spread)
        rise = self.ran - allowed
        return rise * self.overlap if rise >= least else 0.0

    def is_news(self, rules: settings.Settings) -> bool:
        """Say whether it runs more than in the bursts that it has anyway."""
        if self.usually_ran is None:
            return True
        burst = self.rarely_above - self.usually_ran
        return self.ran - self.usually_ran >= rules.over_burst * burst

    def risen(self, rules: settings.Settings) -> float:
        """Return how far it went from its usual use to full speed."""
        if self.usual is None or not self.at_full_speed(rules):
            return 0.0
        rise = self.cores - self.usual
        return rise * self.overlap if rise >= rules.least_rise else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """All that a verdict is drawn from."""

    victim: Suspect
    others: Sequence[Suspect]
    cpus: int
    delay_us: int
    #: What its own quota made of the delay.
    quota_us: int
    #: The ledger's row without ``quota``, where there is a ledger.
    row: dict[str, int]
    source: str | None
    confidence: float | None
    coverage: float
    #: Whether the victim's baseline is its own history.
    history: bool
    #: The victim's suffering, and what is usual for it.
    suffering: float = 0.0
    usual: float = 0.0
    #: The host's busiest service while the victim waited.
    busiest: str | None = None
    #: Whether there was a time, not long ago, when it did not wait.
    rose: bool = False
    #: Who was named last; they stay so until they clearly stop.
    incumbents: frozenset[str] = frozenset()
    #: Whether the victim waited as long as it is known, and its cohort
    #: elsewhere does not.
    chronic: bool = False
    #: Whether its threads may go to another CPU when one is taken.
    roams: bool = False

    @property
    def is_known(self) -> bool:
        """Say whether it is known who runs more than usual: of the victim, or
        of most others. One that came lately finds a host that is known."""
        if self.victim.usually_ran is not None:
            return True
        guests = [one for one in self.others if not entity.is_host(one.entity)]
        known = sum(one.usually_ran is not None for one in guests)
        return known * 2 > len(guests)

    @property
    def grown(self) -> float:
        """Return the part of the wait that is more than usual."""
        return max(0.0, 1 - self.usual / max(self.suffering, 1e-9))

    @property
    def baseline(self) -> finding.BaselineSource:
        """Return what the victim's wait is held to."""
        if self.chronic:
            return 'cohort'
        return 'history' if self.history else 'entitlement'
