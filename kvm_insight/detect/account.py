# SPDX-License-Identifier: Apache-2.0
"""Account: a host's use hour by hour, told when an hour is over.

Each sample's interval is in the hour in which it ended, by the host's own
clock. A function of the samples alone: whoever goes on from the record of an
hour that is not over tells the same.
"""

from collections.abc import Iterable, Mapping

from kvm_insight.detect import entitlement, hour, hour_record
from kvm_insight.model import (
    finding,
    rates,
    reading,
    sample,
    state,
    usage,
    window,
)

#: A clock that is set back by less than this stays within its hour.
_STEP_US = 300_000_000
_MINUTE_US = 60_000_000


class Account:
    """Follows one host."""

    def __init__(self) -> None:
        self._open: hour.Hour | None = None
        self._over: list[usage.HostUsage] = []

    def drain(self) -> list[usage.HostUsage]:
        """Return the hours that ended since this was asked last."""
        over, self._over = self._over, []
        return over

    def end(self, before_us: int) -> None:
        """End an hour that was over by then, though no sample came since."""
        one = self._open
        if one is not None and one.start_us + usage.HOUR_US <= before_us:
            self._over.append(hour_record.of(one))
            self._open = None

    def record(self) -> usage.HostUsage | None:
        """Return the hour that is not over yet."""
        return hour_record.of(self._open) if self._open else None

    def restore(self, kept: usage.HostUsage | None) -> None:
        """Go on with an hour; raise ValueError for a broken record."""
        self._open = hour_record.rebuilt(kept) if kept else None

    def saw(self, last: reading.Reading | None, new: sample.Sample) -> None:
        """Count a sample; end the hour before if it begins another one."""
        if self._open is not None and _is_over(self._open, new.time_us):
            self._over.append(hour_record.of(self._open))
            self._open = None
        if self._open is None:
            start_us = new.time_us - new.time_us % usage.HOUR_US
            self._open = hour.Hour(start_us, new.host, new.agent_id)
            self._open.first_sequence = new.sequence
        missing = 0
        if last is not None and last.agent_id == new.agent_id:
            missing = max(0, new.sequence - last.sequence - 1)
        online = entitlement.cpus_of(new.system.cpus)
        self._open.saw(new, missing, len(online or ()))
        if last is None or last.time_us // _MINUTE_US != new.time_us // (
            _MINUTE_US
        ):
            self._open.introduce(new.domains)
        if last is not None and last.boot_id == new.boot_id:
            self._open.squeeze(last.system.pressure, new.system.pressure)

    def take(
        self,
        new: sample.Sample,
        happened: rates.Rates,
        did: window.Table,
        rows: Mapping[str, Mapping[str, int]],
        incidents: Iterable[state.Incident],
    ) -> None:
        """Add what happened up to the sample that was seen last."""
        if self._open is None:
            return
        within_us = new.time_us - self._open.start_us
        part = min(max(within_us, 0) // usage.PART_US, usage.PARTS - 1)
        self._open.take(part, new, happened, did)
        self._open.charges.add(rows)
        for who, verdict in _verdicts(incidents).items():
            if who in did.entities:
                row = did.numbers[did.entities.index(who)]
                self._open.lose(who, verdict, max(0, int(row[window.DELAY])))


def _verdicts(
    incidents: Iterable[state.Incident],
) -> dict[str, finding.Verdict]:
    """Return victim -> verdict; of one with several, the sharpest's."""
    sharpest: dict[str, state.Incident] = {}
    for one in incidents:
        who = one.finding.victim.entity
        if who not in sharpest or one.scale < sharpest[who].scale:
            sharpest[who] = one
    return {who: one.finding.verdict for who, one in sharpest.items()}


def _is_over(one: hour.Hour, time_us: int) -> bool:
    end_us = one.start_us + usage.HOUR_US
    return time_us >= end_us or time_us < one.start_us - _STEP_US
