# SPDX-License-Identifier: Apache-2.0
"""What in a cluster contradicts itself, and what is left to plan with.

A host whose description is wrong is left out: nothing is moved from it or to
it. An instance whose description is wrong stays where it is and keeps its
part of the host. Each says why. Only where nothing is left is there an error.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable, Iterator

from kvm_insight import exception
from kvm_insight.model import cluster

#: No host has less, and no sum of cores or core-seconds is larger; what is
#: beyond is no measurement, and its square would be no number.
_LEAST_CORES = 0.01
_MOST = 1e12

#: (host, resource class) -> what instances and migrations hold there.
Usage = dict[tuple[str, str], int]


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
    """A host or an instance that takes no part, and why."""

    kind: str
    name: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Sound:
    """What can be planned with."""

    hosts: list[cluster.Host]
    #: All on these hosts, those that must stay among them.
    instances: list[cluster.Instance]
    #: UUID -> why it must stay.
    fixed: dict[str, str]
    usage: Usage
    left_out: list[LeftOut]


def check(whole: cluster.Cluster) -> Sound:
    """Return what is sound; raise ClusterError if that is nothing."""
    if not whole.hosts:
        raise exception.ClusterError('the cluster has no hosts')
    usage = held(whole)
    wrong = _wrong_hosts(whole, usage)
    hosts = [one for one in whole.hosts if one.name not in wrong]
    fixed = dict(_wrong_instances(whole))
    left_out = [LeftOut('host', *pair) for pair in wrong.items()]
    left_out += [LeftOut('instance', *pair) for pair in fixed.items()]
    if not hosts:
        words = '; '.join(f'{name}: {why}' for name, why in wrong.items())
        raise exception.ClusterError(f'no host can be planned with: {words}')
    names = {one.name for one in hosts}
    present = [one for one in whole.instances if one.host in names]
    return Sound(hosts, present, fixed, usage, left_out)


def held(whole: cluster.Cluster) -> Usage:
    """Return what instances hold, each migration's other end among it.

    While an instance migrates, Placement has its allocation on both hosts.
    """
    used: Usage = collections.defaultdict(int)
    away: dict[str, set[str]] = {}
    for running in _running(whole):
        ends = away.setdefault(running.instance, set())
        ends.update((running.source, running.destination))
    counted: set[tuple[str, str]] = set()
    for one in whole.instances:
        others = away.get(one.uuid)
        places = {one.host} if others is None else {one.host, *others}
        for name in places:
            # Who migrates may be listed at both ends; it holds each once.
            if others is not None and (one.uuid, name) in counted:
                continue
            counted.add((one.uuid, name))
            for kind, amount in one.resources.items():
                used[name, kind] += amount
    return used


def _running(whole: cluster.Cluster) -> Iterator[cluster.Migration]:
    return (one for one in whole.migrations if one.state == 'running')


def _wrong_hosts(whole: cluster.Cluster, usage: Usage) -> dict[str, str]:
    aggregates = {one.id for one in whole.aggregates}
    names = collections.Counter(one.name for one in whole.hosts)
    providers = collections.Counter(
        one.provider for one in whole.hosts if one.provider is not None
    )
    found: dict[str, str] = {}
    for host in whole.hosts:
        reason = next(
            filter(
                None,
                [
                    *_twice(host, names, providers),
                    *(_aggregate(one, aggregates) for one in host.aggregates),
                    *_inventories(host, usage),
                    *_innards(host),
                    _load(host.load),
                ],
            ),
            None,
        )
        if reason is not None:
            found[host.name] = reason
    return found


def _twice(
    host: cluster.Host,
    names: collections.Counter[str],
    providers: collections.Counter[str],
) -> Iterator[str]:
    if names[host.name] > 1:
        yield 'is listed more than once'
    if host.provider is not None and providers[host.provider] > 1:
        yield f'shares its resource provider {host.provider} with another'


def _aggregate(name: str, known: set[str]) -> str | None:
    return None if name in known else f'is in an unknown aggregate {name}'


def _inventories(host: cluster.Host, usage: Usage) -> Iterator[str]:
    for kind, one in host.inventories.items():
        if not math.isfinite(one.allocation_ratio):
            yield f'has allocation ratio {one.allocation_ratio} of {kind}'
            continue
        room = (one.total - one.reserved) * one.allocation_ratio
        used = max(usage.get((host.name, kind), 0), one.used or 0)
        if one.reserved > one.total:
            yield f'reserves {one.reserved} of {one.total} {kind}'
        elif used > room:
            yield f'has {used} {kind} in use above its inventory of {room:g}'


def _innards(host: cluster.Host) -> Iterator[str]:
    if len({cell.index for cell in host.numa}) < len(host.numa):
        yield 'lists a NUMA cell more than once'
    for cell in host.numa:
        if cell.dedicated_free > cell.dedicated:
            yield f'has more CPUs free than there are on cell {cell.index}'
        if cell.memory_free_bytes > cell.memory_bytes:
            yield f'has more memory free than there is on cell {cell.index}'
        for page in cell.pages:
            if page.free > page.total:
                yield f'has more {page.size_kib} KiB pages free than in all'
    for pool in host.pci:
        if pool.free > pool.total:
            yield f'has more devices free than there are of {pool.aliases}'


def _load(load: cluster.HostLoad | None) -> str | None:
    if load is None:
        return None
    numbers = [load.capacity_cores, load.lost_cores]
    numbers += [one for one in (load.used_cores, load.own_cores) if one]
    if not _measured(numbers) or load.capacity_cores < _LEAST_CORES:
        return 'has a load that is no measurement'
    if load.memory_bytes == 0:
        return 'says that it has no memory'
    return _peaks(load.peaks)


def _peaks(peaks: Iterable[cluster.Peak]) -> str | None:
    for one in peaks:
        if not _measured((one.p50_cores, one.p95_cores)):
            return 'has a forecast that is no number'
        if one.p95_cores < one.p50_cores:
            return 'has a high forecast below the expected one'
    return None


def _measured(numbers: Iterable[float]) -> bool:
    """Say whether these are cores or numbers as machines have them."""
    # A plain loop: it is asked of every instance, several times.
    for one in numbers:  # noqa: SIM110
        if not 0 <= one <= _MOST:
            return False
    return True


def _wrong_instances(whole: cluster.Cluster) -> Iterator[tuple[str, str]]:
    hosts = {one.name: one for one in whole.hosts}
    groups = collections.Counter(one.id for one in whole.server_groups)
    seen: dict[str, str] = {}
    for one in whole.instances:
        if one.uuid in seen:
            yield one.uuid, f'is listed on {seen[one.uuid]} and on {one.host}'
            continue
        seen[one.uuid] = one.host
        reason = _instance(one, hosts.get(one.host), groups)
        if reason is not None:
            yield one.uuid, reason
    for moved in _running(whole):
        at = seen.get(moved.instance)
        if at is not None and at not in (moved.source, moved.destination):
            yield moved.instance, f'migrates elsewhere than it is ({at})'


def _instance(
    one: cluster.Instance,
    host: cluster.Host | None,
    groups: collections.Counter[str],
) -> str | None:
    if host is None:
        return f'is on an unknown host {one.host}'
    if one.server_group is not None and groups[one.server_group] != 1:
        many = 'an unknown' if groups[one.server_group] == 0 else 'a doubled'
        return f'is in {many} server group {one.server_group}'
    for kind, amount in one.resources.items():
        if amount and kind not in host.inventories:
            return f'holds {kind}, of which {one.host} has no inventory'
    if one.numa:
        cells = {cell.index for cell in host.numa}
        if not cells.issuperset(guest.host_cell for guest in one.numa):
            return f'lies on a NUMA cell that {one.host} does not have'
    if one.load is not None:
        load = one.load
        numbers = (load.used_cores, load.lost_cores, load.caused_cores)
        if not _measured(numbers):
            return 'has a load that is no measurement'
        return _peaks(load.peaks)
    return None
