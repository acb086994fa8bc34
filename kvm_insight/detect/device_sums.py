# SPDX-License-Identifier: Apache-2.0
"""What disks, interfaces and memory did between libvirt's answers, a row of
numbers a domain."""

import operator
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.model import device, groups, rates, reading, sample, table

Numbers = npt.NDArray[numpy.int64]

UNKNOWN = -1
#: Fields of the wire's structs (``model.usage``), in the row's order.
_OF_INTERFACE = (
    'rx_bytes',
    'rx_packets',
    'rx_drops',
    'tx_bytes',
    'tx_packets',
    'tx_drops',
)
_OF_MEMORY = ('swap_in_bytes', 'swap_out_bytes', 'major_faults', 'oom_kills')
DISK = ('measured_us', *reading.DISK)
NETWORK = ('measured_us', *_OF_INTERFACE)
MEMORY = ('measured_us', *_OF_MEMORY)
NETWORK_AT = len(DISK)
MEMORY_AT = NETWORK_AT + len(NETWORK)
SUMS = MEMORY_AT + len(MEMORY)
#: Peaks: disk requests, disk bytes, network bytes (a second); rss bytes.
PEAKS = 4
#: Last words: rss, usable, dirty rate.
LAST = 3

_INTERFACE_COLUMNS = [reading.INTERFACE.index(name) for name in _OF_INTERFACE]
_MEMORY_COLUMNS = [
    reading.MEMORY_AT + reading.MEMORY.index(name) for name in _OF_MEMORY
]

#: Of each peak that is a rate: its time, and the two sums that it is of.
_TOOK = [0, 0, NETWORK_AT]
_ONE = [1, 2, NETWORK_AT + 1]
_OTHER = [4, 5, NETWORK_AT + 4]

_memory = operator.attrgetter(
    'rss_bytes', 'usable_bytes', 'dirty_rate_bytes_s'
)
_NO_WORDS = (None,) * LAST


class Interval(NamedTuple):
    """An interval in which libvirt answered, and what it said of memory."""

    layout: table.Layout
    #: What all counters but those of vCPUs grew by.
    grown: reading.Floats
    #: Of each domain, the time between libvirt's two answers; NaN: no answer.
    took_us: reading.Floats
    words: reading.Floats


class Sums(NamedTuple):
    """What some intervals tell; UNKNOWN where there is no peak or word."""

    sums: Numbers
    peaks: Numbers
    last: Numbers


def interval(
    happened: rates.Rates, domains: Iterable[sample.Domain]
) -> Interval | None:
    """Return an interval, if libvirt answered for a domain in it; dearer to
    find out by what grew."""
    layout = happened.layout
    newer = layout.table(happened.newer, table.DOMAINS_AT)
    if (newer[:, reading.LIBVIRT_AGE] >= happened.interval_us).all():
        return None
    return Interval(
        layout,
        layout.without_vcpus(happened.grown).copy(),
        device.between_answers(
            happened.older, happened.newer, layout, happened.interval_us
        ),
        _words(domains),
    )


def _words(domains: Iterable[sample.Domain]) -> reading.Floats:
    """Return what is kept of memories' words."""
    found: list[int | None] = []
    for domain in domains:
        found += _memory(domain.memory) if domain.memory else _NO_WORDS
    return numpy.array(found, numpy.float64).reshape(-1, LAST)


def of(intervals: Sequence[Interval]) -> Sums:
    """Return what all domains' devices did in intervals of one layout; what
    is not known adds none."""
    layout = intervals[0].layout
    took_us = numpy.array([one.took_us for one in intervals])
    grown = layout.tables(numpy.array([one.grown for one in intervals]))
    told = ~numpy.isnan(took_us)[..., None]
    numbers = _numbers(grown, reading.or_zero(took_us), layout) * told
    words = numpy.array([one.words for one in intervals])
    words = numpy.where(told & ~numpy.isnan(words), words, UNKNOWN)
    peaks = _peaks(numbers)
    return Sums(
        numbers.sum(axis=0),
        numpy.concatenate([peaks, words[..., :1]], axis=2).max(axis=0),
        _last(words),
    )


def _numbers(
    grown: table.Tables, took_us: reading.Floats, layout: table.Layout
) -> Numbers:
    """Return interval x domain x sum."""
    interfaces = grown.interfaces[..., _INTERFACE_COLUMNS]
    memory = grown.domains[..., _MEMORY_COLUMNS]
    parts = [
        part
        for rows, places in (
            (grown.disks, layout.groups.disks),
            (interfaces, layout.groups.interfaces),
            (memory, layout.groups.domains),
        )
        for part in _family(rows, places, took_us)
    ]
    whole = numpy.concatenate(parts, axis=2)
    return numpy.minimum(whole, sample.LIMIT).astype(numpy.int64)


def _family(
    rows: reading.Floats, places: groups.Groups, took_us: reading.Floats
) -> tuple[reading.Floats, reading.Floats]:
    """Return how long each domain's were measured, and their sums."""
    count = took_us.shape[1]
    unknown = numpy.isnan(rows)
    known = numpy.asarray(~unknown.all(axis=2, keepdims=True), float)
    measured = groups.totals(known, places, count) > 0
    sums = groups.totals(numpy.where(unknown, 0.0, rows), places, count)
    return numpy.where(measured, took_us[..., None], 0.0), sums


def _peaks(numbers: Numbers) -> Numbers:
    """Return requests and bytes of disks, and bytes of interfaces, a
    second."""
    took_us = numbers[..., _TOOK]
    total = numbers[..., _ONE].astype(numpy.float64) + numbers[..., _OTHER]
    found = total * 1e6 // numpy.maximum(took_us, 1)
    found = numpy.minimum(found, sample.LIMIT).astype(numpy.int64)
    return numpy.where(took_us > 0, found, UNKNOWN)


def _last(words: reading.Floats) -> Numbers:
    """Return the last word of each; UNKNOWN where there is none."""
    result: reading.Floats = words[0]
    for later in words[1:]:
        result = numpy.where(later >= 0, later, result)
    return result.astype(numpy.int64)
