# SPDX-License-Identifier: Apache-2.0
"""Board: all hosts and instances as arrays, on which moves are played.

A move is played when the one before has ended, so each state of the board is
one that the cluster is in: while a move runs, the instance holds its place on
both hosts, which is what the filters asked before it was played.
"""

import collections
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kvm_insight.model import cluster
from kvm_insight.recommend import demand, numa, request, sanity, settings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Board:
    """The state of a cluster, and what changes with a move."""

    def __init__(
        self,
        whole: cluster.Cluster,
        sound: sanity.Sound,
        rules: settings.Settings,
    ) -> None:
        """Set up the cluster as it is."""
        self.time_us = whole.time_us
        self.rules = rules
        self.hosts: Sequence[cluster.Host] = sound.hosts
        self.instances: Sequence[cluster.Instance] = sound.instances
        self.index = {one.name: h for h, one in enumerate(self.hosts)}
        self.number = {one.uuid: i for i, one in enumerate(self.instances)}
        self.aggregates = {one.id: one for one in whole.aggregates}
        self.groups = {one.id: one for one in whole.server_groups}
        self.at: list[int] = [self.index[one.host] for one in self.instances]
        self.residents: list[dict[int, None]] = [{} for _ in self.hosts]
        for i, h in enumerate(self.at):
            self.residents[h][i] = None
        self._set_room(sound.usage)
        self._set_loads()
        self._set_groups(whole)
        self._metadata: dict[int, dict[str, set[str]]] = {}
        self._requests: dict[int, request.Request] = {}
        self._innards: dict[int, numa.Innards] = {}
        #: Whose seat nobody can foretell: one such arrival a host.
        self.seated: dict[int, int] = {}
        self._seats: dict[int, numa.Seat] = {}
        #: Grows with each change to a host's cells or pools.
        self.turned = [0] * len(self.hosts)

    def _set_room(self, usage: sanity.Usage) -> None:
        self.classes = sorted(
            {kind for host in self.hosts for kind in host.inventories}
        )
        shape = (len(self.hosts), len(self.classes))
        self.room = np.full(shape, -1.0)
        self.used = np.zeros(shape)
        self.least, self.step = np.ones(shape), np.ones(shape)
        self.most = np.zeros(shape)
        for h, host in enumerate(self.hosts):
            for kind, one in host.inventories.items():
                c = self.classes.index(kind)
                free = one.total - one.reserved
                self.room[h, c] = free * one.allocation_ratio
                seen = usage.get((host.name, kind), 0)
                self.used[h, c] = max(seen, one.used or 0)
                self.least[h, c], self.step[h, c] = one.min_unit, one.step_size
                most = one.total if one.max_unit is None else one.max_unit
                self.most[h, c] = most
        columns = {kind: c for c, kind in enumerate(self.classes)}
        self.need = np.zeros((len(self.instances), len(self.classes)))
        for i, one_ in enumerate(self.instances):
            for kind, amount in one_.resources.items():
                if kind in columns:
                    self.need[i, columns[kind]] = amount

    def _set_loads(self) -> None:
        horizon_s = self.rules.horizon_s
        brought = [demand.of_instance(x, horizon_s) for x in self.instances]
        self.arrive = np.array(brought, dtype=np.float64).reshape(-1, 4)
        self.leave = self.arrive.copy()
        self.arrive[:, demand.MEASURED] = 0.0
        self.load = np.zeros((len(self.hosts), 4))
        self.capacity = np.zeros((len(self.hosts), 4))
        sums = np.zeros((len(self.hosts), 4))
        where = np.array(self.at, dtype=np.int64)
        np.add.at(sums, where, self.leave)
        suffered = [0.0] * len(self.hosts)
        for i, one in enumerate(self.instances):
            if one.load is not None and one.load.verdict in demand.HELPED:
                suffered[self.at[i]] += one.load.lost_cores
        for h, host in enumerate(self.hosts):
            self.load[h], self.capacity[h] = demand.of_host(
                host, sums[h], suffered[h], self.rules
            )
        # The high forecasts of many do not add up to that of their sum: who
        # leaves takes its part of it, who arrives brings all of its own.
        high = sums[:, demand.HIGH]
        share = np.ones(len(self.hosts))
        np.divide(self.load[:, demand.HIGH], high, out=share, where=high > 0)
        if len(where):
            self.leave[:, demand.HIGH] *= np.minimum(share, 1.0)[where]

    def _set_groups(self, whole: cluster.Cluster) -> None:
        #: By how much soft policies are missed: members that share a host
        #: too many, and hosts on which a group is at all.
        self.missed = 0
        #: Group -> host index -> members there, both ends of migrations.
        self.members: dict[str, collections.Counter[int]] = {}
        group_of = {one.uuid: one.server_group for one in self.instances}
        for i, one in enumerate(self.instances):
            if one.server_group is not None:
                self._count(one.server_group, self.at[i], 1)
        for moved in whole.migrations:
            group = group_of.get(moved.instance)
            if moved.state != 'running' or group is None:
                continue
            for name in (moved.source, moved.destination):
                end = self.index.get(name)
                here = self.at[self.number[moved.instance]]
                if end is not None and end != here:
                    self._count(group, end, 1)

    def _count(self, group: str, host: int, by: int) -> None:
        members = self.members.setdefault(group, collections.Counter())
        before = members[host]
        members[host] = after = before + by
        policy = self.groups[group].policy if group in self.groups else ''
        if policy == 'soft-anti-affinity':
            self.missed += max(0, after - 1) - max(0, before - 1)
        elif policy == 'soft-affinity':
            self.missed += int(after > 0) - int(before > 0)

    def metadata(self, h: int) -> dict[str, set[str]]:
        """Return what a host's aggregates say, key by key."""
        found = self._metadata.get(h)
        if found is None:
            found = self._metadata[h] = {}
            for name in self.hosts[h].aggregates:
                for key, value in self.aggregates[name].metadata.items():
                    words = {word.strip() for word in value.split(',')}
                    found.setdefault(key, set()).update(words)
        return found

    def asks(self, i: int) -> request.Request:
        """Return what an instance asks for."""
        found = self._requests.get(i)
        if found is None:
            found = self._requests[i] = request.parse(self.instances[i])
        return found

    def innards(self, h: int) -> numa.Innards:
        """Return a host's NUMA cells and PCI pools as they are now."""
        found = self._innards.get(h)
        if found is None:
            found = self._innards[h] = numa.innards(self.hosts[h])
        return found

    def seat(self, i: int, h: int) -> numa.Seat | None:
        """Return where in a host an instance would lie, None if nowhere."""
        one = self.instances[i]
        ratio = 1.0
        inventory = self.hosts[h].inventories.get('VCPU')
        if inventory is not None:
            ratio = inventory.allocation_ratio
        return numa.seat(self.innards(h), one, self.asks(i), ratio)

    def seats_without(self, i: int, h: int, j: int) -> bool:
        """Say whether i would find a seat if j had left the host."""
        there, other = self.innards(h), self.instances[j]
        leaving = numa.present(there, other)
        numa.occupy(there, other, self.asks(j), leaving, -1)
        found = self.seat(i, h) is not None
        numa.occupy(there, other, self.asks(j), leaving, 1)
        return found

    def is_seated(self, i: int) -> bool:
        """Say whether an instance needs a seat: cells or devices."""
        return self.asks(i).numa or bool(self.instances[i].pci)

    def play(self, i: int, h: int) -> None:
        """Let an instance move, from the first byte to the last."""
        source = self.at[i]
        self.used[h] += self.need[i]
        self.used[source] -= self.need[i]
        self.load[h] += self.arrive[i]
        self.load[source] -= self.leave[i]
        del self.residents[source][i]
        self.residents[h][i] = None
        self.at[i] = h
        group = self.instances[i].server_group
        if group is not None:
            self._count(group, source, -1)
            self._count(group, h, 1)
        if self.is_seated(i):
            self._reseat(i, source, h, 1)

    def take_back(self, i: int, source: int) -> None:
        """Undo the move of an instance that has been played."""
        h = self.at[i]
        self.used[h] -= self.need[i]
        self.used[source] += self.need[i]
        self.load[h] -= self.arrive[i]
        self.load[source] += self.leave[i]
        del self.residents[h][i]
        self.residents[source][i] = None
        self.at[i] = source
        group = self.instances[i].server_group
        if group is not None:
            self._count(group, h, -1)
            self._count(group, source, 1)
        if self.is_seated(i):
            self._reseat(i, source, h, -1)

    def _reseat(self, i: int, source: int, h: int, sign: int) -> None:
        one, asks = self.instances[i], self.asks(i)
        if sign > 0:
            self._seats[i] = self.seat(i, h) or numa.Seat(())
        left, taken = self.innards(source), self.innards(h)
        numa.occupy(taken, one, asks, self._seats[i], sign)
        numa.occupy(left, one, asks, numa.present(left, one), -sign)
        self.seated[h] = self.seated.get(h, 0) + sign
        self.turned[h] += 1
        self.turned[source] += 1
