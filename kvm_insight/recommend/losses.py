# SPDX-License-Identifier: Apache-2.0
"""Losses: what hosts lost in the last hour, report by report."""

import collections
from collections.abc import Iterable

from kvm_insight.model import host_report

_KEPT_US = 3600 * 1_000_000


class Losses:
    """Keeps an hour of each host."""

    def __init__(self) -> None:
        self._hosts: dict[str, collections.deque[tuple[int, float]]] = {}

    def take(self, report: host_report.HostReport) -> None:
        """Take a report; they come in order."""
        known = self._hosts.setdefault(report.host, collections.deque())
        known.append((report.time_us, report.lost_cores))
        while known[0][0] < report.time_us - _KEPT_US:
            known.popleft()

    def mean(
        self, hosts: Iterable[str], begin_us: int, end_us: int
    ) -> float | None:
        """Return the cores lost on all of them in this time; None where one
        of them told nothing."""
        total = 0.0
        for name in hosts:
            told = [
                lost
                for at_us, lost in self._hosts.get(name, ())
                if begin_us <= at_us < end_us
            ]
            if not told:
                return None
            total += sum(told) / len(told)
        return round(total, 4)
