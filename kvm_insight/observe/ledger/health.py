# SPDX-License-Identifier: Apache-2.0
"""What an exact ledger thinks of itself: confidence and self-check."""

import collections
import dataclasses
from collections.abc import Mapping

from kvm_insight import exception
from kvm_insight.model import entity

#: Run delay is read a little before or after the ledger.
_SLACK_US = 20_000
#: A self-check looks at so many intervals, once enough was waited in them.
_INTERVALS = 3
_ENOUGH_US = 500_000
_WORST_MISMATCH = 0.1
_WORST_MISSED = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """The programs' own account, over all CPUs, since they run."""

    switches: int = 0
    missed: int = 0
    overruns: int = 0
    untracked: int = 0

    def missed_share(self, before: 'Counts') -> float:
        """Return which part of the switches since then was not reported."""
        switches = self.switches - before.switches
        missed = self.missed - before.missed
        return missed / (switches + missed) if missed else 0.0


def confidence(
    charges: Mapping[str, int], delay_us: int | None, missed_share: float
) -> float:
    """Return how far a row can be trusted, near 1 as a rule."""
    total = sum(charges.values())
    known = 1.0 - missed_share
    if total:
        known *= 1 - charges.get(entity.UNATTRIBUTED, 0) / total
    if delay_us is not None:
        larger = max(total, delay_us) + _SLACK_US
        known *= 1 - max(0, abs(total - delay_us) - _SLACK_US) / larger
    return round(max(0.0, known), 4)


class SelfCheck:
    """Compares the rows with the kernel's own count of waiting."""

    def __init__(self) -> None:
        self._sums: collections.deque[tuple[int, int]] = collections.deque(
            maxlen=_INTERVALS
        )

    def judge(
        self, charged_us: int, delay_us: int, missed_share: float
    ) -> float | None:
        """Return rows over run delay of this interval; None if none waited.

        Raises LedgerError when the ledger cannot be believed any more.
        """
        self._sums.append((charged_us, delay_us))
        charged = sum(pair[0] for pair in self._sums)
        delay = sum(pair[1] for pair in self._sums)
        if max(charged, delay) >= _ENOUGH_US:
            mismatch = abs(charged - delay) / max(charged, delay)
            if mismatch > _WORST_MISMATCH:
                raise exception.LedgerError(
                    f'self-check: {charged / 1e6:.2f} s charged,'
                    f' but {delay / 1e6:.2f} s of run delay'
                )
        if missed_share > _WORST_MISSED:
            raise exception.LedgerError(
                f'self-check: {missed_share:.1%} of the switches'
                ' were not reported'
            )
        return round(charged_us / delay_us, 4) if delay_us else None
