# SPDX-License-Identifier: Apache-2.0
"""Which event is next: a tournament, whose winner is ``first[1]``.

Each CPU has one event, then each thread its next arrival of work, then comes
the tick. At the same time the one with the lowest number wins.
"""

import numpy

from kvm_insight.simulate import slices_compiler
from kvm_insight.simulate import slices_field as of


@slices_compiler.compiled
def plan(h: of.Host, event: int, time_us: int) -> None:
    """Set when an event happens."""
    h.at[event] = time_us
    node = (len(h.at) + event) >> 1
    while node > 0:
        left = h.first[2 * node]
        right = h.first[2 * node + 1]
        winner = right if h.at[right] < h.at[left] else left
        if h.first[node] == winner and winner != event:
            return
        h.first[node] = winner
        node >>= 1


def times(events: int) -> of.Numbers:
    """Return the times of so many events, all of them never."""
    leaves = 1 << max(events - 1, 1).bit_length()
    return numpy.full(leaves, of.NEVER, numpy.int64)


def tournament(events: int) -> of.Numbers:
    """Return who wins while all events are at the same time."""
    leaves = len(times(events))
    first = numpy.zeros(2 * leaves, numpy.int64)
    first[leaves:] = numpy.arange(leaves)
    for node in range(leaves - 1, 0, -1):
        first[node] = first[2 * node]
    return first
