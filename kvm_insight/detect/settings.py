# SPDX-License-Identifier: Apache-2.0
"""What the detectors go by; ``conf`` fills it, tests vary it."""

import dataclasses
from typing import NamedTuple


class Scale(NamedTuple):
    """One window: its length, the suffering from which it counts, and the
    cores that must be lost: of one who wants little it may hold little."""

    seconds: int
    floor: float
    least_loss: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """All thresholds, in one place."""

    #: Shortest first; the shorter, the higher the floor.
    scales: tuple[Scale, ...] = (
        Scale(30, 0.20, 0.03),
        Scale(120, 0.10),
        Scale(600, 0.05),
    )
    #: So many of the last so many evaluations of one window open; all of
    #: them where one would be named for less than ``least_named_unseen``.
    above: int = 3
    of: int = 5
    #: So many successive samples below half the floor close.
    calm: int = 6
    #: Part of its vCPUs that a domain must want, or its wait is noise.
    activity: float = 0.06
    #: Part of a window that must have been measured.
    coverage: float = 0.70
    #: A baseline is the median and so many deviations.
    deviations: float = 5.0
    baseline_minutes: int = 120
    #: From here on a domain's own history is its baseline.
    history_minutes: int = 20
    #: From here on it is known how much it usually runs.
    run_minutes: int = 10
    #: From here on a domain is known to be steady, or to have risen.
    glimpse_minutes: int = 3
    #: An incident keeps the baselines as they were, so long.
    freeze_s: int = 6 * 3600
    #: Who is named: part of the wait that would have been spared, and part
    #: of all that was used in excess.
    blame: float = 0.30
    share: float = 0.30
    #: Part of the wait below which one's excess is nothing to the victim.
    least_blame: float = 0.05
    #: The same where nobody rose: only the entitlement speaks.
    blame_by_entitlement: float = 0.40
    #: The same for one who has so much of all excess.
    blame_dominant: float = 0.20
    dominant: float = 0.60
    #: Part of all excess of one who is as good as the only one.
    alone: float = 0.90
    #: Excess that is none, in cores; and with which one is named at least:
    #: where an exact ledger tells who ran, where that made much of the wait
    #: (``blame``) or nobody else rose (``alone``), without one, as part of
    #: the victim's CPUs, and as long as the victim has no history.
    least_excess: float = 0.05
    least_named: float = 0.17
    least_named_plain: float = 0.14
    least_named_unseen: float = 0.25
    least_named_part: float = 0.01
    least_named_new: float = 0.30
    #: The same with a history: parts of what is usual, and deviations.
    least_part: float = 0.25
    spreads: float = 3.0
    #: The same in bursts of the height that one minute in twenty has.
    over_burst: float = 2.0
    #: Full speed: so many cores, without doubt so many, and so many times the
    #: entitlement.
    full_speed: float = 0.80
    surely_full: float = 0.90
    full_over: float = 1.25
    #: Cores by which one must rise to be named within its entitlement.
    least_rise: float = 0.25
    #: Samples without a wait that show what others did meanwhile.
    calm_before: int = 4
    #: Verdicts of which less than this part is right are told as unknown.
    likelier: float = 0.5
    #: What is asked of those who are named already, of all the above.
    incumbent: float = 0.60
    #: Part of the ledger's row below which one was not there.
    least_charge: float = 0.03
    #: So many must be known for one to speak of what all do.
    tide_of: int = 4
    #: Part of the charge that its use lets expect, below which one ran where
    #: the victim does not wait.
    least_met: float = 0.5
    #: The same for the host, which is somewhere at work always.
    host_charge: float = 0.20
    #: Of half of all excess, what is asked of the host when it was the host.
    host_stays: float = 0.80
    #: Part of the host's part from which one of its services is named.
    service: float = 0.25
    #: A sampled row below this confidence names nobody and clears nobody.
    trusted: float = 0.50
    #: What the host itself may use of its CPUs.
    host_reserve: float = 0.10
    update_s: int = 60
    #: Severity that grew or fell by this factor is told at once.
    material: float = 2.0
    #: A longer time between samples is a gap: counted, not looked into.
    longest_interval_s: int = 120
    #: After a longer gap, what was open is closed as silent.
    silent_s: int = 600
    #: Samples for which a domain may be missing before it is gone.
    absent: int = 2

    def least_beyond(self, usual: float, spread: float) -> float:
        """Return how much more than is usual, of cores, says anything."""
        return max(
            self.least_excess, self.least_part * usual, self.spreads * spread
        )
