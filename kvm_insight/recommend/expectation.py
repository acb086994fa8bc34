# SPDX-License-Identifier: Apache-2.0
"""Expectation: what instances and hosts will want, from all history.

Hours of use come once an hour, and a host's forecast changes only with them
or with who is on it; so each is worked out once, and the answer is the same
whenever it is asked.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

import numpy

from kvm_insight.model import cluster, inventory, usage
from kvm_insight.recommend import (
    calibration,
    cohort,
    hotspot,
    overlay,
    peak,
    pressed,
)
from kvm_insight.recommend import history as histories

_SEED = 1
#: Hours without any usage after which history says nothing of now.
_STALE_H = 3
_HOUR_US = usage.HOUR_US
#: Part of a host's instances that may be too young for a history.
_MOST_YOUNG = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected."""

    #: Of hosts and of instances.
    peaks: overlay.Peaks
    #: Host -> what was found of it.
    hosts: Mapping[str, inventory.Outlook]


class Expectation:
    """Keeps what was worked out."""

    def __init__(self, hot_ratio: float = 0.85) -> None:
        """A host is hot from this part of its cores on."""
        self._rules = hotspot.Settings(full_ratio=hot_ratio)
        self._hour = -1
        self._usual: dict[str, float] = {}
        self._hosts: dict[tuple[str, ...], list[peak.Peak]] = {}
        self._instances: dict[str, list[cluster.Peak]] = {}

    def outlook(
        self,
        past: histories.History,
        reports: overlay.Reports,
        before: Mapping[str, inventory.Outlook],
        now_us: int,
    ) -> Outlook:
        """Return what to expect of the hosts that tell of themselves.

        ``before`` is what was found last: a hot host stays hot until it is
        clearly cool.
        """
        self._turn(past)
        is_stale = now_us // _HOUR_US - past.newest > _STALE_H
        peaks: dict[str, list[cluster.Peak]] = {}
        found: dict[str, inventory.Outlook] = {}
        for name, report in sorted(reports.items()):
            uuids = tuple(sorted(one.uuid for one in report.instances))
            host = [] if is_stale else self._of_host(past, uuids)
            if host:
                peaks[name] = hotspot.published(host)
                peaks |= self._of_instances(past, uuids)
            known = before.get(name)
            was_hot = known is not None and known.state == 'hot'
            soon = hotspot.expected(
                name,
                host,
                float(report.cpus),
                report.own_cores or 0.0,
                was_hot,
                self._rules,
            )
            found[name] = inventory.Outlook(
                host=name,
                now=pressed.resources(report),
                state=soon.state,
                probability=round(min(1.0, max(0.0, soon.probability)), 2),
                not_before_h=soon.not_before_h,
                within_h=soon.within_h,
                expected_cores=round(max(0.0, soon.expected_cores), 2),
                high_cores=round(max(0.0, soon.high_cores), 2),
                limit_cores=round(max(0.0, soon.limit_cores), 2),
                young=soon.young,
            )
        return Outlook(peaks, found)

    def _turn(self, past: histories.History) -> None:
        """Begin anew when there is another hour."""
        if past.newest != self._hour:
            self._hour = past.newest
            self._hosts.clear()
            self._instances.clear()
            self._usual = {
                name: one.peak for name, one in cohort.of_flavors(past).items()
            }

    def _of_host(
        self, past: histories.History, uuids: tuple[str, ...]
    ) -> list[peak.Peak]:
        if uuids not in self._hosts:
            self._hosts[uuids] = self._forecast(past, uuids)
        return self._hosts[uuids]

    def _forecast(
        self, past: histories.History, uuids: tuple[str, ...]
    ) -> list[peak.Peak]:
        known = list(self._histories(past, uuids))
        if not known or len(known) < len(uuids):
            return []
        found = hotspot.forecasts(known, calibration.HOST, _SEED)
        # Where most are new, limits would be taken for forecasts.
        if any(one.young > _MOST_YOUNG * len(uuids) for one in found):
            return []
        return found

    def _of_instances(
        self, past: histories.History, uuids: Iterable[str]
    ) -> dict[str, list[cluster.Peak]]:
        for uuid in uuids:
            if uuid not in self._instances:
                found = hotspot.forecasts(
                    self._histories(past, [uuid]),
                    calibration.INSTANCE,
                    _SEED,
                )
                is_young = any(one.young for one in found)
                self._instances[uuid] = (
                    [] if is_young else hotspot.published(found)
                )
        return {uuid: self._instances[uuid] for uuid in uuids}

    def _histories(
        self, past: histories.History, uuids: Iterable[str]
    ) -> Iterator[peak.History]:
        for uuid in uuids:
            one = past.get(uuid)
            if one is not None and one.vcpus:
                usual = self._usual.get(one.flavor or '', 1.0)
                yield peak.History(
                    past.parts(uuid).astype(numpy.float64),
                    float(one.vcpus),
                    min(1.0, usual),
                )
