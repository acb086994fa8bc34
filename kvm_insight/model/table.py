# SPDX-License-Identifier: Apache-2.0
"""Tables: all counters of a sample in one row of numbers, and whose they are.

One array is made, and taken off the one before, in a fraction of the time
that takes for five; each table is a part of it.
"""

import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from kvm_insight.model import entity, groups

Floats = groups.Floats
Places = groups.Places
Key = tuple[Any, ...]

#: How many words name a vCPU, threads, a disk, an interface.
_WIDTHS = (2, 1, 2, 1)
_HEAD = 2 + len(_WIDTHS)

#: The tables, in their order.
VCPUS_AT, THREADS_AT, DISKS_AT, INTERFACES_AT, DOMAINS_AT = range(5)


class Tables(NamedTuple):
    """A row each; of ``domains`` as many as the sample has domains."""

    vcpus: Floats
    threads: Floats
    disks: Floats
    interfaces: Floats
    domains: Floats


class Owners(NamedTuple):
    """The domain, by its place in the sample, that each row belongs to."""

    vcpus: Places
    threads: Places
    disks: Places
    interfaces: Places
    domains: Places


class Grouped(NamedTuple):
    """The groups of each table."""

    vcpus: groups.Groups
    threads: groups.Groups
    disks: groups.Groups
    interfaces: groups.Groups
    domains: groups.Groups


class Layout:
    """Whose the rows are; one object for as long as that is the same."""

    def __init__(self, words: list[Any], columns: Sequence[int]) -> None:
        """Take of each domain its UUID and epoch, how many of each family it
        has, and the words that name them; and how many columns tables have."""
        self._columns = columns
        # Each name is kept here once, and in other places with it.
        self.words: list[Any] = [
            sys.intern(word) if isinstance(word, str) else word
            for word in words
        ]
        heads = [head for head, _ in self.parts()]
        rows = numpy.arange(len(heads))
        self.uuids: tuple[str, ...] = tuple(head[0] for head in heads)
        self.entities = tuple(map(entity.domain, self.uuids))
        counts = [
            numpy.array([head[at] for head in heads], numpy.intp)
            for at in range(2, _HEAD)
        ]
        counts.append(numpy.ones(len(heads), numpy.intp))
        self.owners = Owners(*(numpy.repeat(rows, each) for each in counts))
        self.groups = Grouped(*map(groups.of, counts))
        #: Domains without a vCPU.
        self.hollow = numpy.flatnonzero(counts[0] == 0)
        self.everyone = numpy.ones(len(heads), bool)
        sizes = [
            int(each.sum()) * width
            for each, width in zip(counts, self._columns, strict=True)
        ]
        #: How many numbers there are from each table on.
        self._left = [sum(sizes[at:]) for at in range(len(sizes) + 1)]

    def table(self, numbers: Floats, family: int) -> Floats:
        """Return one table of all numbers, which may have more axes before;
        where those of vCPUs were left out, they have no rows."""
        begin, end = self._left[family : family + 2]
        size = numbers.shape[-1]
        rows = numbers[..., max(0, size - begin) : size - end]
        return rows.reshape(*numbers.shape[:-1], -1, self._columns[family])

    def tables(self, numbers: Floats) -> Tables:
        """Return all of them."""
        return Tables(
            *(self.table(numbers, at) for at in range(len(self._columns)))
        )

    def without_vcpus(self, numbers: Floats) -> Floats:
        """Return the numbers without those of vCPUs."""
        return numbers[len(numbers) - self._left[1] :]

    def whole(self, numbers: Floats) -> Floats:
        """Return all numbers, with NaN for those that were left out."""
        missing = numpy.full(self._left[0] - len(numbers), numpy.nan)
        return numpy.concatenate([missing, numbers])

    def parts(self) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield each domain's UUID, epoch and counts, and its other words."""
        at = 0
        while at < len(self.words):
            head = self.words[at : at + _HEAD]
            at += _HEAD
            size = sum(
                count * width
                for count, width in zip(head[2:], _WIDTHS, strict=True)
            )
            yield head, self.words[at : at + size]
            at += size

    def domains(self) -> list[tuple[str, str]]:
        """Return each domain's UUID and epoch."""
        return [(head[0], head[1]) for head, _ in self.parts()]

    def keys(self) -> list[list[Key]]:
        """Return of each table what names its rows."""
        found: list[list[Key]] = [[] for _ in Tables._fields]
        for head, words in self.parts():
            domain = (head[0], head[1])
            found[-1].append(domain)
            rest = iter(words)
            for family, width in enumerate(_WIDTHS):
                for _ in range(head[2 + family]):
                    name = itertools.islice(rest, width)
                    found[family].append((*domain, *name))
        return found
