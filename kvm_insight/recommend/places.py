# SPDX-License-Identifier: Apache-2.0
"""Places: a part of the cluster by where each instance is in the end.

Hosts and movers are rows. What one mover could do is told by ``prospects``,
what two could do by ``pairs``; whether the moves have an order is not asked
here (``order``).
"""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, field


class Places:
    """Who is where in the end, what that costs, and what could be."""

    def __init__(
        self, where: field.Field, hosts: list[int], target: dict[int, int]
    ) -> None:
        """Take a field on which nothing has been played, and a plan."""
        self.where, self.board = where, where.board
        self.hosts = np.array(hosts, dtype=np.int64)
        row = {h: a for a, h in enumerate(hosts)}
        self.movers = [i for h in hosts for i in where.movers(h)]
        count = len(self.movers)
        self.home = np.array(
            [row[self.board.at[i]] for i in self.movers], dtype=np.int64
        )
        self.at = self.home.copy()
        self._set_weights(count)
        self._set_groups()
        self._set_soft()
        #: Grows with each change to who is on a host, or may be.
        self.turned = np.zeros(len(hosts), dtype=np.int64)
        self.open = np.zeros((count, len(hosts)), dtype=bool)
        for n, i in enumerate(self.movers):
            self.open[n] = self._suits(i)[self.hosts]
        self.open[np.arange(count), self.home] = True
        for n, i in enumerate(self.movers):
            if i in target:
                self.go(n, row[target[i]])

    def _set_weights(self, count: int) -> None:
        board, rules, every = self.board, self.where.rules, np.arange(count)
        movers = np.array(self.movers, dtype=np.int64)
        #: What a mover weighs on each host; at home what it would take away.
        self.weight = np.repeat(
            board.arrive[movers][:, None], len(self.hosts), axis=1
        )
        self.weight[every, self.home] = board.leave[movers]
        self.load = board.load[self.hosts].copy()
        self.used = board.used[self.hosts].copy()
        self.room = np.maximum(board.room[self.hosts], self.used)
        self.need = board.need[movers]
        price = [self.where.cost(i).core_s for i in self.movers]
        self.price = self.where.worth * np.array(price) / rules.horizon_s
        #: The same on each host; nothing at home.
        self.paid = np.repeat(self.price[:, None], len(self.hosts), axis=1)
        self.paid[every, self.home] = 0.0
        high = self.load[:, demand.HIGH]
        limit = self.where.limit * board.capacity[self.hosts, demand.HIGH]
        memory = rules.memory_ratio * board.capacity[self.hosts, demand.MEMORY]
        self.most = np.stack([np.maximum(limit, high), memory], axis=1)

    def _suits(self, i: int) -> boards.Bools:
        """Return the hosts that i may be on in the end, but for room."""
        where, board = self.where, self.board
        mask = where.sieve.suited(i) & where.receivers & where.sieve.within(i)
        mask[where.guards.returns(i)] = False
        group = board.instances[i].server_group
        if group is not None and board.groups[group].policy == 'affinity':
            mask[:] = False
        where.sieve.seat(i, mask)
        return mask

    def _set_groups(self) -> None:
        """Count the members of hard groups on each host."""
        board = self.board
        self.group, names, self.members = self._grouped('anti-affinity')
        bounds = [board.groups[name].max_server_per_host for name in names]
        #: Row 0 is of those in no group.
        self.bound = np.array([2**40, *bounds])[:, None]
        #: Whose seat nobody can foretell: one arrival on each host.
        self.seated = np.array([board.is_seated(i) for i in self.movers], int)
        self.seats = np.zeros(len(self.hosts), dtype=int)

    def _set_soft(self) -> None:
        """Count the members of soft groups on each host."""
        self.soft, names, self.counts = self._grouped('soft-')
        policies = [self.board.groups[name].policy for name in names]
        apart = [False, *(one == 'soft-anti-affinity' for one in policies)]
        self.apart = np.array(apart)
        self.regret = self.where.score.weights.get('soft_groups', 0.0)

    def _grouped(
        self, policy: str
    ) -> tuple[boards.Ints, list[str], boards.Ints]:
        """Return each mover's group by number, the groups of a policy, and
        how many members each host has."""
        board = self.board
        of = [board.instances[i].server_group or '' for i in self.movers]
        names = sorted(
            {x for x in of if x and board.groups[x].policy.startswith(policy)}
        )
        number = {name: g + 1 for g, name in enumerate(names)}
        counts = np.zeros((len(names) + 1, len(self.hosts)), dtype=np.int64)
        for name, g in number.items():
            counts[g] = [board.members[name][int(h)] for h in self.hosts]
        group = np.array([number.get(x, 0) for x in of], dtype=np.int64)
        return group, names, counts

    def regret_in(self, n: boards.Ints, b: boards.Ints) -> boards.Floats:
        """Return what soft policies are missed by where movers come."""
        group = self.soft[n]
        counts = self.counts[group, b]
        missed = np.where(self.apart[group], counts > 0, counts == 0)
        found: boards.Floats = self.regret * missed * (group > 0)
        return found

    def regret_out(self, n: boards.Ints) -> boards.Floats:
        """Return what they are missed by less where movers leave."""
        group = self.soft[n]
        counts = self.counts[group, self.at[n]]
        missed = np.where(self.apart[group], counts > 1, counts == 1)
        found: boards.Floats = self.regret * missed * (group > 0)
        return found

    def go(self, n: int, b: int) -> None:
        """Let a mover be on another host in the end."""
        a = self.at[n]
        self.load[a] -= self.weight[n, a]
        self.load[b] += self.weight[n, b]
        self.used[a] -= self.need[n]
        self.used[b] += self.need[n]
        self.members[self.group[n], a] -= 1
        self.members[self.group[n], b] += 1
        self.counts[self.soft[n], a] -= 1
        self.counts[self.soft[n], b] += 1
        self.seats[a] -= self.seated[n] * int(a != self.home[n])
        self.seats[b] += self.seated[n] * int(b != self.home[n])
        self.at[n] = b
        self.turned[a] += 1
        self.turned[b] += 1

    def lost(
        self, load: boards.Floats, rows: boards.Ints | int
    ) -> boards.Floats:
        """Return what is lost on hosts under loads, in cores."""
        score = self.where.score
        losses = score.losses(load, self.hosts[rows])
        losses *= score.blends[0]
        one, two, three, four = (losses[..., k] for k in range(4))
        total: boards.Floats = one + two + three + four
        return total

    def value(self) -> float:
        """Return the objective, in cores."""
        every = np.arange(len(self.hosts))
        away = self.at != self.home
        lost = self.lost(self.load, every).sum()
        crowded = np.maximum(self.counts[self.apart] - 1, 0).sum()
        strewn = (self.counts[~self.apart][1:] > 0).sum()
        missed = self.regret * (crowded + strewn)
        return float(lost + self.price[away].sum() + missed)

    def forbid(self, places: dict[int, int]) -> None:
        """Let these movers not be on these hosts; all go home."""
        row = {int(h): a for a, h in enumerate(self.hosts)}
        for n, i in enumerate(self.movers):
            if i in places:
                self.open[n, row[places[i]]] = False
        self.turned += 1
        self.put(self.home)

    def put(self, places: boards.Ints) -> None:
        """Let everybody be on these hosts in the end."""
        for n in np.flatnonzero(self.at != places):
            self.go(int(n), int(places[n]))
