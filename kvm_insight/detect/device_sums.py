# SPDX-License-Identifier: Apache-2.0
"""What disks, interfaces and memory did between two of libvirt's answers, a
row of numbers a domain."""

import numpy
from numpy import typing as npt

from kvm_insight.model import rates, reading, sample

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

_INTERFACE_COLUMNS = [reading.INTERFACE.index(name) for name in _OF_INTERFACE]
_MEMORY_COLUMNS = [reading.MEMORY.index(name) for name in _OF_MEMORY]


def is_told(happened: rates.Rates) -> bool:
    """Say whether libvirt answered for a domain in this interval; dearer to
    find out by what grew."""
    age_us = happened.newer.domains[:, reading.LIBVIRT_AGE]
    return bool((~(age_us >= happened.interval_us)).any())


def of(happened: rates.Rates) -> Numbers:
    """Return what all domains' devices did; what is not known adds none."""
    did = happened.devices
    owners = happened.layout.owners
    interfaces = did.interfaces[:, _INTERFACE_COLUMNS]
    memory = did.memory[:, _MEMORY_COLUMNS]
    took_us = numpy.nan_to_num(did.interval_us)
    parts = [
        part
        for rows, places in (
            (did.disks, owners.disks),
            (interfaces, owners.interfaces),
            (memory, owners.domains),
        )
        for part in _family(rows, places, took_us)
    ]
    whole = numpy.column_stack(parts)
    return numpy.minimum(whole, sample.LIMIT).astype(numpy.int64)


def _family(
    rows: reading.Floats, owners: reading.Places, took_us: reading.Floats
) -> tuple[reading.Floats, reading.Floats]:
    """Return how long each domain's were measured, and their sums."""
    known = ~numpy.isnan(rows).all(axis=1)
    measured = numpy.bincount(owners, known, len(took_us)) > 0
    sums = numpy.zeros((len(took_us), rows.shape[1]))
    numpy.add.at(sums, owners, numpy.nan_to_num(rows))
    return numpy.where(measured, took_us, 0.0), sums


def peaks(numbers: Numbers) -> Numbers:
    """Return requests and bytes of disks, and bytes of interfaces, a
    second."""

    def rate(took_us: Numbers, one: Numbers, other: Numbers) -> Numbers:
        total = one.astype(numpy.float64) + other
        found = total * 1e6 // numpy.maximum(took_us, 1)
        found = numpy.minimum(found, sample.LIMIT).astype(numpy.int64)
        return numpy.where(took_us > 0, found, UNKNOWN)

    disk, network = numbers.T, numbers.T[NETWORK_AT:]
    return numpy.column_stack(
        [
            rate(disk[0], disk[1], disk[4]),
            rate(disk[0], disk[2], disk[5]),
            rate(network[0], network[1], network[4]),
        ]
    )
