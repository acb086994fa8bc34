# SPDX-License-Identifier: Apache-2.0
"""Charges: who waited for whom within an hour, added up sample by sample.

Sparse, since on a host whose guests come and go few ever meet.
"""

import array
import sys
from collections.abc import Mapping

import numpy
from numpy import typing as npt

from kvm_insight.detect import tally
from kvm_insight.model import sample, usage

_BITS = 16
#: Those who come later in an hour with so many others are in no account.
_MOST_ENTITIES = 2**_BITS - 1
_EVERY = 2 ** (2 * _BITS) - 1
#: Samples that are added up together: numpy takes about as long for one.
_TOGETHER = 6


class Charges:
    """Adds up charges; each pair has one sum."""

    def __init__(self) -> None:
        self.entities: list[str] = []
        self._numbers: dict[str, int] = {}
        #: By victim's number and runner's number as one.
        self._pairs = tally.Tally('i8', sample.LIMIT)
        #: Pairs and what they were charged, not added up yet.
        self._waiting: list[tuple[tally.Numbers, tally.Numbers]] = []

    def add(self, rows: Mapping[str, Mapping[str, int]]) -> None:
        """Take one sample's rows: victim -> runner -> µs."""
        victims: list[int] = []
        lengths: list[int] = []
        runners: list[int] = []
        charged: list[int] = []
        of = self._numbers.__getitem__
        for victim, row in rows.items():
            so_far = len(runners)
            try:
                victims.append(of(victim))
                runners += map(of, row)
            except KeyError:
                del runners[so_far:], victims[len(lengths) :]
                row = self._meet(victim, row)
                victims.append(self._numbers.get(victim, 0))
                runners += map(of, row)
            lengths.append(len(row))
            charged += row.values()
        if charged:
            pairs = numpy.repeat(_numbers(victims), lengths) << _BITS
            pairs |= _numbers(runners)
            self._waiting.append((pairs, _numbers(charged)))
        if len(self._waiting) == _TOGETHER:
            self._settle()

    def _settle(self) -> None:
        """Add up what waits for that."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        pairs, charged = map(numpy.concatenate, zip(*waiting, strict=True))
        keys, places = numpy.unique(pairs, return_inverse=True)
        # Sums below 2**53 are exact, and none is kept that is above.
        sums = numpy.bincount(places, charged, len(keys))
        self._pairs.add(keys, sums.astype(numpy.int64))

    def _meet(self, victim: str, row: Mapping[str, int]) -> Mapping[str, int]:
        """Number those who are new; return the charges of those who have a
        number."""
        for entity in (victim, *row):
            if len(self.entities) >= _MOST_ENTITIES:
                break
            if entity not in self._numbers:
                entity = sys.intern(entity)
                self._numbers[entity] = len(self.entities)
                self.entities.append(entity)
        if victim not in self._numbers:
            return {}
        return {who: us for who, us in row.items() if who in self._numbers}

    def record(self) -> list[usage.Charge]:
        """Return all of it as the wire has it."""
        self._settle()
        low = (1 << _BITS) - 1
        return [
            (pair >> _BITS, pair & low, us)
            for pair, us in self._pairs.between(0, _EVERY)
        ]


def _numbers(values: list[int]) -> npt.NDArray[numpy.int64]:
    """Return them as numpy has them, three times as fast as numpy would."""
    return numpy.frombuffer(array.array('q', values), numpy.int64)


def rebuilt(entities: list[str], charges: list[usage.Charge]) -> Charges:
    """Return what made this record; raise ValueError for a broken one."""
    result = Charges()
    result.entities = [sys.intern(name) for name in entities]
    result._numbers = {name: at for at, name in enumerate(result.entities)}
    most = min(len(entities), _MOST_ENTITIES)
    added: dict[int, int] = {}
    for victim, runner, us in charges:
        if max(victim, runner) >= most:
            raise ValueError(f'charge between {victim} and {runner}')
        added[victim << _BITS | runner] = us
    pairs = sorted(added)
    sums = [added[pair] for pair in pairs]
    result._pairs.add(
        numpy.array(pairs, numpy.int64), numpy.array(sums, numpy.int64)
    )
    return result
