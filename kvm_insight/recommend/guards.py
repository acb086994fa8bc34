# SPDX-License-Identifier: Apache-2.0
"""Guards: what is not moved now, though Nova would do it.

Opt-outs, mutes, blackout windows, rest after a move, no way back within a
day, one migration out of a host and one into it at a time, and nothing on
evidence that is old, missing or ``unknown``.
"""

import collections
from collections.abc import Mapping

import numpy as np

from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import cost, filters, orders, settings

_US = 1_000_000


class Guards:
    """Who may be moved, from where and to where, at one instant."""

    def __init__(
        self,
        board: boards.Board,
        whole: cluster.Cluster,
        fixed: Mapping[str, str],
        rules: settings.Settings,
        said: orders.Orders,
        mode: recommendation.Mode,
    ) -> None:
        """Take what is known of all that happened lately."""
        self._board, self._rules, self._said = board, rules, said
        self._fixed, self._mode = fixed, mode
        self._now_us = whole.time_us
        self._moves: dict[str, list[cluster.Migration]] = (
            collections.defaultdict(list)
        )
        self._leaving: set[str] = set()
        self._coming: set[str] = set()
        self._received_us: dict[str, int] = {}
        for moved in whole.migrations:
            self._moves[moved.instance].append(moved)
            if moved.state == 'running':
                self._leaving.add(moved.source)
                self._coming.add(moved.destination)
            elif moved.state == 'done':
                ended = max(_ended(moved), self._received(moved.destination))
                self._received_us[moved.destination] = ended
        self._dark = self._blackout()
        self._stays: dict[int, str | None] = {}

    def senders(self) -> boards.Bools:
        """Return from which hosts anything may leave."""
        return self._mask(self.keeps)

    def receivers(self) -> boards.Bools:
        """Return to which hosts anything may come."""
        return self._mask(self.closes)

    def keeps(self, host: cluster.Host) -> str | None:
        """Return why nothing may leave a host now, in words."""
        if host.name in self._leaving:
            return 'an instance is migrating away from it'
        if not host.up:
            return filters.DOWN
        return self._quiet(host) or self._unmeasured(host)

    def closes(self, host: cluster.Host) -> str | None:
        """Return why nothing may come to a host now, in words."""
        if host.name in self._coming:
            return 'an instance is migrating to it'
        if host.name in self._said.evacuate:
            return 'it is being emptied'
        since_us = self._now_us - self._received(host.name)
        if self._rules.guarded and since_us < self._rest(
            self._rules.receiver_rest_s
        ):
            return f'it received an instance {since_us // _US} s ago'
        return self._quiet(host) or self._unmeasured(host)

    def stays(self, i: int) -> str | None:
        """Return why an instance is not moved now, in words."""
        if i not in self._stays:
            self._stays[i] = self._reason(self._board.instances[i])
        return self._stays[i]

    def returns(self, i: int) -> boards.Ints:
        """Return the hosts where an instance was within the last day."""
        one = self._board.instances[i]
        if not self._rules.guarded or one.uuid not in self._moves:
            return np.empty(0, dtype=np.int64)
        oldest_us = self._now_us - self._rest(self._rules.return_rest_s)
        names = {
            moved.source
            for moved in self._moves[one.uuid]
            if moved.state == 'done' and _ended(moved) > oldest_us
        }
        index = self._board.index
        return np.array(
            sorted(index[x] for x in names if x in index), dtype=np.int64
        )

    def since_us(self, one: cluster.Instance) -> int:
        """Return since when an instance is where it is; 0 if long."""
        ends = (
            _ended(moved)
            for moved in self._moves.get(one.uuid, ())
            if moved.state == 'done'
        )
        return max(ends, default=0)

    def _mask(self, refuses: object) -> boards.Bools:
        assert callable(refuses)
        return np.array([refuses(x) is None for x in self._board.hosts], bool)

    def _received(self, name: str) -> int:
        return self._received_us.get(name, -(2**62))

    def _rest(self, seconds: int) -> int:
        return seconds * _US

    def _quiet(self, host: cluster.Host) -> str | None:
        if self._dark is None or host.name in self._dark:
            return 'nothing is moved in this blackout window'
        if host.name in self._said.muted:
            return 'it is muted'
        if host.name in self._said.engaged:
            return 'an open recommendation touches it'
        return None

    def _blackout(self) -> frozenset[str] | None:
        """Return the hosts that are in a blackout window; None for all."""
        found: frozenset[str] = frozenset()
        for one in self._said.blackouts:
            if one.begin_us <= self._now_us < one.end_us:
                if one.hosts is None:
                    return None
                found |= one.hosts
        return found

    def _unmeasured(self, host: cluster.Host) -> str | None:
        if host.load is None:
            return 'nothing was measured on it'
        age_us = self._now_us - host.load.time_us
        if age_us > self._rest(self._rules.stale_s):
            return f'its last measurement is {age_us // _US} s old'
        return None

    def _reason(self, one: cluster.Instance) -> str | None:
        return (
            self._fixed.get(one.uuid)
            or self._opted_out(one)
            or self._immobile(one)
            or self._resting(one)
            or self._in_doubt(one)
        )

    def _opted_out(self, one: cluster.Instance) -> str | None:
        specs = one.flavor.extra_specs if one.flavor is not None else {}
        if one.opted_out or one.uuid in self._said.opted_out:
            return 'it is never to be moved'
        if one.project_id in self._said.opted_out:
            return 'its project is never to be moved'
        if specs.get(orders.MOVABLE, '').lower() in ('false', 'no', '0'):
            return 'its flavor is never to be moved'
        if one.uuid in self._said.muted:
            return 'it is muted'
        return None

    def _immobile(self, one: cluster.Instance) -> str | None:
        if one.immobile is not None:
            return f'it cannot be live-migrated: {one.immobile}'
        if one.task is not None:
            return f'it has a task under way ({one.task})'
        if one.state not in ('active', 'paused'):
            return f'it cannot be live-migrated while it is {one.state}'
        if not one.live_migratable:
            return 'Nova cannot live-migrate it'
        if cost.dirtied(one, self._rules) >= self._rules.dirty_most:
            return 'it dirties its memory faster than it can be copied'
        return None

    def _resting(self, one: cluster.Instance) -> str | None:
        for moved in self._moves.get(one.uuid, ()):
            if moved.state == 'running':
                return 'it is migrating'
            since_us = self._now_us - _ended(moved)
            resting = since_us < self._rest(self._rules.instance_rest_s)
            if resting and self._rules.guarded and self._mode != 'evacuate':
                tried = 'moved' if moved.state == 'done' else 'failed to move'
                return f'it {tried} {since_us // _US} s ago'
        return None

    def _in_doubt(self, one: cluster.Instance) -> str | None:
        if self._mode == 'evacuate':
            return None
        if one.load is None:
            return 'nothing was measured of it'
        if one.load.verdict == 'unknown':
            return 'why it suffers is unknown'
        return None


def _ended(moved: cluster.Migration) -> int:
    return moved.started_us if moved.ended_us is None else moved.ended_us
