# SPDX-License-Identifier: Apache-2.0
"""Consolidation: which hosts to empty, and whom to move where hosts run short.

Two watermarks: a host that is short now gives instances away until it is not;
a host is emptied only if all of its instances find room where even an upper
bound of all together stays below the low watermark. Between the two nothing
moves. An instance that moved stays for a while and does not go back to a host
that it left, and a host that took one in is not emptied in the same round.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy
from numpy import typing as npt

Array = npt.NDArray[numpy.float64]
Mask = npt.NDArray[numpy.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What is full, and how long to leave things alone."""

    #: Deviations of the sum that must fit beside what is expected.
    deviations: float = 2.0
    #: Of the capacity: what is short, and to what others may be filled.
    high: float = 1.0
    low: float = 0.9
    cool_down_s: float = 21_600.0
    #: Hosts that may be found not to be emptied before a round ends.
    failures: int = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A host as far as it matters for packing; any unit of CPU will do."""

    capacity: float
    #: The most that one instance can have there.
    largest: float
    #: What a unit of work costs there; the least is filled first.
    rank: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """An instance, what it wants, and what a move of it costs."""

    host: int
    wanted: float
    #: For the next hours, with its variance (``outlook``).
    expected: float
    variance: float
    memory: float
    #: When it moved last, and the hosts it left so lately that it must not
    #: return to them.
    moved_s: float = -math.inf
    left: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """One instance and where it is to go."""

    instance: int
    source: int
    destination: int
    reason: Literal['relieve', 'empty']


def decide(
    hosts: Sequence[Host],
    instances: Sequence[Instance],
    now_s: float,
    settings: Settings,
) -> list[Move]:
    """Return the moves of one round, in the order to make them.

    An instance of which something is not finite is not moved, nor is anybody
    moved from or to its host: what is there is not known.
    """
    board = _Board(hosts, instances, now_s, settings)
    board.relieve()
    board.empty()
    return board.moves


class _Board:
    """The hosts as they would be with the moves so far."""

    def __init__(
        self,
        hosts: Sequence[Host],
        instances: Sequence[Instance],
        now_s: float,
        settings: Settings,
    ) -> None:
        self.instances = instances
        self.now_s = now_s
        self.settings = settings
        self.capacity = numpy.array([host.capacity for host in hosts])
        self.largest = numpy.array([host.largest for host in hosts])
        self.rank = numpy.array([host.rank for host in hosts])
        count = len(hosts)
        self.wanted, self.expected, self.variance = numpy.zeros((3, count))
        self.members: list[list[int]] = [[] for _ in hosts]
        self.closed = ~(numpy.isfinite(self.capacity) & (self.capacity > 0))
        self.capacity[self.closed] = 1.0
        self.moves: list[Move] = []
        self.moved: set[int] = set()
        for number, one in enumerate(instances):
            if _known(one):
                self._add(number, one.host, 1)
            else:
                self.closed[one.host] = True

    def relieve(self) -> None:
        """Take instances off hosts that are short."""
        high = self.settings.high * self.capacity
        short = (self.wanted > high) & ~self.closed
        order = numpy.argsort(-self.wanted / self.capacity, kind='stable')
        for host in (int(one) for one in order if short[one]):
            while (
                self.wanted[host] > high[host] and len(self.members[host]) > 1
            ):
                if not self._relieve(
                    host, self.wanted[host] - high[host], short
                ):
                    break

    def _relieve(self, host: int, excess: float, short: Mask) -> bool:
        """Move one instance off a host; the cheapest that is enough, else
        the one that helps most."""
        free = [one for one in self.members[host] if self._is_free(one)]
        enough = [
            one for one in free if self.instances[one].expected >= excess
        ]
        if not free:
            return False
        if enough:
            chosen = min(enough, key=self._cost)
        else:
            chosen = max(free, key=lambda one: self.instances[one].expected)
        found = self._find(chosen, ~short, self.settings.high, math.inf)
        if found is None:
            return False
        self._move(chosen, found, 'relieve')
        return True

    def empty(self) -> None:
        """Empty hosts, those first where work costs most and there is least
        of it, until some in a row cannot be."""
        kept = self.closed | (self.wanted > self.settings.high * self.capacity)
        for move in self.moves:
            kept[[move.source, move.destination]] = True
        failures = 0
        load = self.expected / self.capacity
        for host in (int(one) for one in numpy.lexsort((load, -self.rank))):
            if kept[host] or not self.members[host]:
                continue
            if not self._empty(host, kept):
                failures += 1
                if failures >= self.settings.failures:
                    break

    def _empty(self, host: int, kept: Mask) -> bool:
        """Move all of a host's instances away, or none."""
        members = sorted(
            self.members[host], key=lambda one: -self.instances[one].expected
        )
        if not all(self._is_free(one) for one in members):
            return False
        allowed = numpy.ones(len(kept), bool)
        allowed[host] = False
        before = len(self.moves)
        for one in members:
            rank = float(self.rank[host])
            found = self._find(one, allowed, self.settings.low, rank)
            if found is None:
                self._take_back(before)
                return False
            self._move(one, found, 'empty')
        kept[[move.destination for move in self.moves[before:]]] = True
        return True

    def _find(
        self, number: int, allowed: Mask, fill: float, rank: float
    ) -> int | None:
        """Return the fullest host with room, cheap ones first; an empty one
        only where work costs less than ``rank``."""
        one = self.instances[number]
        deviation = numpy.sqrt(self.variance + one.variance)
        bound = (
            self.expected + one.expected + self.settings.deviations * deviation
        )
        most = numpy.maximum(bound, self.wanted + one.wanted)
        fits = allowed & ~self.closed & (self.largest >= one.wanted)
        fits &= most <= fill * self.capacity
        fits[list(one.left)] = False
        used = numpy.array([bool(members) for members in self.members])
        fits &= used | (self.rank < rank)
        if not fits.any():
            return None
        order = numpy.lexsort((-most / self.capacity, self.rank, ~used))
        return int(order[fits[order]][0])

    def _move(
        self, number: int, host: int, reason: Literal['relieve', 'empty']
    ) -> None:
        source = self.instances[number].host
        self._add(number, source, -1)
        self._add(number, host, 1)
        self.moves.append(Move(number, source, host, reason))
        self.moved.add(number)

    def _take_back(self, before: int) -> None:
        while len(self.moves) > before:
            move = self.moves.pop()
            self.moved.discard(move.instance)
            self._add(move.instance, move.destination, -1)
            self._add(move.instance, move.source, 1)

    def _add(self, number: int, host: int, sign: int) -> None:
        one = self.instances[number]
        self.wanted[host] += sign * one.wanted
        self.expected[host] += sign * one.expected
        self.variance[host] = max(
            0.0, self.variance[host] + sign * one.variance
        )
        if sign > 0:
            self.members[host].append(number)
        else:
            self.members[host].remove(number)

    def _is_free(self, number: int) -> bool:
        since_s = self.now_s - self.instances[number].moved_s
        rested = since_s >= self.settings.cool_down_s
        return rested and number not in self.moved

    def _cost(self, number: int) -> tuple[float, float]:
        one = self.instances[number]
        return one.memory, one.expected


def _known(one: Instance) -> bool:
    return all(
        math.isfinite(value) and value >= 0.0
        for value in (one.wanted, one.expected, one.variance, one.memory)
    )
