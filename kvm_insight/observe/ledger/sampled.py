# SPDX-License-Identifier: Apache-2.0
"""The ledger where no program may be put into the kernel: by readings."""

from collections.abc import Sequence

from kvm_insight.model import contention, entity, sample
from kvm_insight.observe.ledger import port


class Sampled:
    """Charges each second's waits by the formula of ``model.contention``."""

    source = 'sampled'
    ticks = True

    def __init__(self) -> None:
        self._last: contention.Reading | None = None
        self._accounts: dict[str, contention.Account] = {}
        self._since_us = 0

    def watch(self, members: Sequence[port.Member]) -> None:
        """Nothing to prepare: a reading says whose each thread is."""

    def tick(self, reading: contention.Reading) -> None:
        """Charge what happened since the last reading."""
        last, self._last = self._last, reading
        if last is None:
            self._since_us = reading.time_us
            return
        for name, account in contention.charge(last, reading).items():
            kept = self._accounts.setdefault(name, contention.Account())
            kept.add(account)

    def collect(self, run_delay_us: dict[str, int]) -> sample.Ledger:
        """Return the rows of all ticks since the last call."""
        accounts, self._accounts = self._accounts, {}
        now_us = self._last.time_us if self._last else self._since_us
        since_us, self._since_us = self._since_us, now_us
        rows = [
            sample.Row(
                victim=uuid,
                charges=dict(sorted(account.charges.items())),
                confidence=round(contention.confidence(account), 4),
            )
            for name, account in sorted(accounts.items())
            if (uuid := entity.uuid_of(name)) is not None
        ]
        return sample.Ledger(
            source='sampled',
            interval_us=max(0, now_us - since_us),
            rows=rows,
            completeness=_completeness(accounts, run_delay_us),
        )

    def close(self) -> None:
        """Forget; there is nothing in the kernel to undo."""
        self._last = None
        self._accounts = {}


def _completeness(
    accounts: dict[str, contention.Account], run_delay_us: dict[str, int]
) -> float | None:
    """Return what the rows hold of what the same domains waited."""
    grown_us = sum(run_delay_us.values())
    if grown_us <= 0:
        return None
    held_us = sum(
        account.waited_us
        for name, account in accounts.items()
        if entity.uuid_of(name) in run_delay_us
    )
    return round(held_us / grown_us, 4)
