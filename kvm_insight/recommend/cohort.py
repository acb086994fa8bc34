# SPDX-License-Identifier: Apache-2.0
"""Cohorts: what is usual for instances of a flavor or of a server group.

An instance that is disturbed since it began has no clean past of its own;
those that are like it, elsewhere, have.
"""

import statistics
from collections.abc import Iterable, Mapping

import numpy

from kvm_insight.model import cluster, inventory, usage
from kvm_insight.recommend import history as histories

#: Fewer say nothing of what is usual.
LEAST = 3
_SPAN_H = 24
_DIGITS = 4


def of_flavors(past: histories.History) -> dict[str, inventory.Cohort]:
    """Return flavor -> what is usual for its instances."""
    members: dict[str, list[str]] = {}
    for uuid, one in past.pasts():
        if one.flavor is not None:
            members.setdefault(one.flavor, []).append(uuid)
    return _cohorts(past, members)


def of_groups(
    past: histories.History, whole: cluster.Cluster
) -> dict[str, inventory.Cohort]:
    """Return server group -> what is usual for its members."""
    return _cohorts(past, members_of(whole))


def members_of(whole: cluster.Cluster) -> dict[str, list[str]]:
    """Return server group -> its instances."""
    members: dict[str, list[str]] = {}
    for one in whole.instances:
        if one.server_group is not None:
            members.setdefault(one.server_group, []).append(one.uuid)
    return members


def _cohorts(
    past: histories.History, members: Mapping[str, Iterable[str]]
) -> dict[str, inventory.Cohort]:
    found = {
        name: _cohort(past, sorted(uuids))
        for name, uuids in sorted(members.items())
    }
    return {name: one for name, one in found.items() if one is not None}


def _cohort(
    past: histories.History, uuids: list[str]
) -> inventory.Cohort | None:
    sufferings: list[float] = []
    shares: list[histories.Floats] = []
    hosts: set[str] = set()
    for uuid in uuids:
        one = past.get(uuid)
        suffered = histories.suffering(one) if one is not None else None
        if one is None or suffered is None or not one.vcpus:
            continue
        parts = past.parts(uuid)[-_SPAN_H * usage.PARTS :]
        known = parts[~numpy.isnan(parts)] / numpy.float32(one.vcpus)
        if len(known):
            sufferings.append(suffered)
            shares.append(known)
            hosts.add(one.host)
    if len(shares) < LEAST:
        return None
    median = statistics.median(sufferings)
    deviation = statistics.median(abs(one - median) for one in sufferings)
    uses = [float(numpy.median(one)) for one in shares]
    until_us = (past.newest + 1) * usage.HOUR_US
    return inventory.Cohort(
        since_us=max(0, until_us - _SPAN_H * usage.HOUR_US),
        until_us=until_us,
        instances=len(shares),
        hosts=len(hosts),
        suffering=round(median, _DIGITS),
        deviation=round(deviation, _DIGITS),
        use=round(statistics.median(uses), _DIGITS),
        peak=round(
            float(numpy.quantile(numpy.concatenate(shares), 0.99)), _DIGITS
        ),
    )
