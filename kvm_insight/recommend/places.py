# SPDX-License-Identifier: Apache-2.0
"""Places: a part of the cluster by where each instance is in the end.

Hosts and movers are rows. What it costs that a mover is elsewhere, and
whether it may be there, is told for all of them at once; whether the moves
have an order is not asked here (``order``).
"""

import numpy as np

from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, field, room


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
        high = self.load[:, demand.HIGH]
        limit = self.where.limit * board.capacity[self.hosts, demand.HIGH]
        memory = rules.memory_ratio * board.capacity[self.hosts, demand.MEMORY]
        self.most = np.stack([np.maximum(limit, high), memory], axis=1)

    def _suits(self, i: int) -> boards.Bools:
        """Return the hosts that i may be on in the end, but for room."""
        where, board = self.where, self.board
        mask = where.sieve.suited(i) & where.receivers & room.within(board, i)
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

    def _regret_in(self, n: boards.Ints) -> boards.Floats:
        """Return what soft policies are missed by where movers come."""
        group = self.soft[n]
        counts = self.counts[group]
        missed = np.where(self.apart[group][:, None], counts > 0, counts == 0)
        found: boards.Floats = self.regret * missed * (group > 0)[:, None]
        return found

    def _regret_out(self, n: boards.Ints) -> boards.Floats:
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

    def lost(
        self, load: boards.Floats, rows: boards.Ints | int
    ) -> boards.Floats:
        """Return what is lost on hosts under loads, in cores."""
        score, hosts = self.where.score, self.hosts[rows]
        total = np.zeros(load.shape[:-1])
        for k in range(4):
            weight = score.blends[0, k]
            if weight:
                total += weight * score.lost(k, load[..., k], hosts)
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
        self.put(self.home)

    def put(self, places: boards.Ints) -> None:
        """Let everybody be on these hosts in the end."""
        for n in np.flatnonzero(self.at != places):
            self.go(int(n), int(places[n]))

    def roomy(self, n: boards.Ints) -> boards.Bools:
        """Return which hosts can take movers besides all others."""
        load = self.load[None, :, :] + self.weight[n]
        fits: boards.Bools = self.open[n].copy()
        fits &= load[..., demand.HIGH] <= self.most[:, 0]
        fits &= load[..., demand.MEMORY] <= self.most[:, 1]
        after = self.used[None] + self.need[n][:, None]
        fits &= ((after <= self.room) | (self.need[n][:, None] == 0)).all(-1)
        group = self.group[n]
        fits &= self.members[group] < self.bound[group]
        fits &= (self.seats == 0) | (self.seated[n] == 0)[:, None]
        rows = np.arange(len(n))
        fits[rows, self.home[n]] |= self.may_return(n)
        fits[rows, self.at[n]] = False
        return fits

    def may_return(self, n: boards.Ints) -> boards.Bools:
        """Return whether movers can be left where they are after all."""
        home = self.home[n]
        after = self.used[home] + self.need[n]
        fits: boards.Bools = (after <= self.room[home]).all(-1)
        load = self.load[home] + self.weight[n, home]
        fits &= load[:, demand.HIGH] <= self.most[home, 0]
        group = self.group[n]
        fits &= self.members[group, home] < self.bound[group, 0]
        return fits

    def arrivals(self, n: boards.Ints) -> boards.Floats:
        """Return what each host would lose more with each of the movers,
        and what moving them there costs; infinite where there is no room."""
        every = np.arange(len(self.hosts))
        now = self.lost(self.load, every)
        more = self.lost(self.load[None] + self.weight[n], every) - now
        more += self.price[n][:, None]
        more[np.arange(len(n)), self.home[n]] -= self.price[n]
        more += self._regret_in(n)
        return np.where(self.roomy(n), more, np.inf)

    def reliefs(self, n: boards.Ints) -> boards.Floats:
        """Return what is lost less where movers are, without them."""
        at = self.at[n]
        less = self.lost(self.load[at], at)
        less -= self.lost(self.load[at] - self.weight[n, at], at)
        less += self.price[n] * (at != self.home[n])
        return less + self._regret_out(n)

    def either_first(
        self, mine: boards.Ints, theirs: boards.Ints, a: int
    ) -> boards.Bools:
        """Return which pairs can begin: one finds room beside the other."""
        b = self.at[theirs]
        there = self.used[b][None] + self.need[mine][:, None]
        here = self.used[a] + self.need[theirs]
        ready: boards.Bools = (there <= self.room[b][None]).all(-1)
        ready |= (here <= self.room[a]).all(-1)[None]
        return ready

    def into(
        self,
        mine: boards.Ints,
        theirs: boards.Ints,
        b: boards.Ints,
    ) -> boards.Floats:
        """Return what it costs on j's host to have i in j's place, and
        what moving i there costs."""
        rows, columns = mine[:, None], theirs[None, :]
        load = (
            self.load[b][None]
            - self.weight[theirs, b][None]
            + self.weight[rows, b[None]]
        )
        more = self.lost(load, np.broadcast_to(b, load.shape[:2]))
        more -= self.lost(self.load[b], b)[None]
        # What moving costs, and what it costs no more.
        away = self.home[rows] != b[None]
        more += self.price[rows] * away
        more -= (self.price[theirs] * (b != self.home[theirs]))[None]
        more += self._regret_in(mine)[:, b]
        more -= self._regret_out(theirs)[None]
        fits = self._replaces(rows, columns, b[None], load)
        return np.where(fits, more, np.inf)

    def swapped(
        self,
        mine: boards.Ints,
        theirs: boards.Ints,
        a: int,
    ) -> boards.Floats:
        """Return what it costs on a to have j in i's place."""
        rows, columns = mine[:, None], theirs[None, :]
        here = np.full((len(mine), len(theirs)), a)
        load = (
            self.load[a]
            - self.weight[mine, a][:, None]
            + self.weight[theirs, a][None]
        )
        more = self.lost(load, here) - self.lost(self.load[a], a)
        more += (self.price[theirs] * (self.home[theirs] != a))[None]
        more -= (self.price[mine] * (self.home[mine] != a))[:, None]
        more += self._regret_in(theirs)[:, a][None]
        more -= self._regret_out(mine)[:, None]
        fits = self._replaces(columns, rows, here, load)
        return np.where(fits, more, np.inf)

    def _replaces(
        self,
        new: boards.Ints,
        old: boards.Ints,
        h: boards.Ints,
        load: boards.Floats,
    ) -> boards.Bools:
        """Return whether the new fits where the old is, under that load."""
        fits: boards.Bools = self.open[new, h].copy()
        fits &= load[..., demand.HIGH] <= self.most[h, 0]
        fits &= load[..., demand.MEMORY] <= self.most[h, 1]
        after = self.used[h] - self.need[old] + self.need[new]
        fits &= (after <= self.room[h]).all(-1)
        group = self.group[new]
        fits &= self.members[group, h] < self.bound[group, 0]
        fits &= (self.seats[h] == 0) | (self.seated[new] == 0)
        return fits
