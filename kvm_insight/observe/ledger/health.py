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

    def since(self, before: 'Counts') -> 'Counts':
        """Return what was counted since then."""
        pairs = zip(
            dataclasses.astuple(self), dataclasses.astuple(before), strict=True
        )
        return Counts(*(now - then for now, then in pairs))

    @property
    def missed_share(self) -> float:
        """Return which part of the switches was not reported."""
        return self.missed / (self.switches + self.missed or 1)


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
    """Compares the rows with the kernel's own count of waiting.

    A CPU at rest reports one switch of twenty not, and nobody waits there: so
    nothing is judged before enough was waited.
    """

    def __init__(self) -> None:
        self._last: collections.deque[tuple[int, int, Counts]] = (
            collections.deque(maxlen=_INTERVALS)
        )

    def judge(
        self, charged_us: int, delay_us: int, happened: Counts
    ) -> float | None:
        """Return rows over run delay of this interval; None if none waited.

        Raises LedgerError when the ledger cannot be believed any more.
        """
        self._last.append((charged_us, delay_us, happened))
        charged = sum(one for one, _, _ in self._last)
        delay = sum(one for _, one, _ in self._last)
        if max(charged, delay) >= _ENOUGH_US:
            self._judge(charged, delay)
        return round(charged_us / delay_us, 4) if delay_us else None

    def _judge(self, charged_us: int, delay_us: int) -> None:
        mismatch = abs(charged_us - delay_us) / max(charged_us, delay_us)
        if mismatch > _WORST_MISMATCH:
            raise exception.LedgerError(
                f'self-check: {charged_us / 1e6:.2f} s charged,'
                f' but {delay_us / 1e6:.2f} s of run delay'
            )
        all_ = Counts(
            switches=sum(one.switches for _, _, one in self._last),
            missed=sum(one.missed for _, _, one in self._last),
        )
        if all_.missed_share > _WORST_MISSED:
            raise exception.LedgerError(
                f'self-check: {all_.missed_share:.1%} of the switches'
                ' were not reported'
            )
