# SPDX-License-Identifier: Apache-2.0
"""Advice: the allocation ratio of each aggregate, from its hosts' hours."""

from collections.abc import Iterator

from kvm_insight.model import cluster, inventory, usage
from kvm_insight.recommend import ratio

_VCPU = 'VCPU'


class HostHours:
    """Keeps what the last hours of all hosts say about their ratio."""

    def __init__(self, hours: int) -> None:
        """Keep so many hours of each host."""
        self._kept = hours
        self._rules = ratio.Settings()
        self._hosts: dict[str, dict[int, ratio.HostHour]] = {}

    def take(self, record: usage.HostUsage) -> None:
        """Take a host's hour; the same one again changes nothing."""
        # How many threads a core has is not told; each CPU counts as one.
        made = ratio.host_hour(record, 1, self._rules.coverage)
        if made is None:
            return
        hour = record.start_us // usage.HOUR_US
        known = self._hosts.setdefault(record.host, {})
        known[hour] = made
        if len(known) > self._kept:
            del known[min(known)]

    def advices(
        self, whole: cluster.Cluster
    ) -> Iterator[inventory.AggregateAdvice]:
        """Yield the advice for each aggregate whose hosts have one ratio."""
        for one in whole.aggregates:
            hosts = [x for x in whole.hosts if one.id in x.aggregates]
            ratios = {
                host.inventories[_VCPU].allocation_ratio
                for host in hosts
                if _VCPU in host.inventories
            }
            if len(ratios) != 1:
                continue
            hours = [
                hour
                for host in hosts
                for _, hour in sorted(self._hosts.get(host.name, {}).items())
            ]
            (current,) = ratios
            found = ratio.advise(one.id, current, hours, self._rules)
            yield inventory.AggregateAdvice(
                aggregate=one.id,
                name=one.name,
                hosts=len(hosts),
                change=found.change,
                current=current,
                advised=found.advised,
                reason=found.reason,
                waited=round(min(1.0, found.waited_ratio), 4),
                host_hours=found.host_hours,
            )
