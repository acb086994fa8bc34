# SPDX-License-Identifier: Apache-2.0
"""What the slice scheduler keeps of a host, as matrices of integers.

Times are µs. A row is a thread, a CPU or an entity, a column one of the
constants here: so one cache line has all that an event touches, and the same
code runs compiled and plain.
"""

from typing import NamedTuple

import numpy
from numpy import typing as npt

Numbers = npt.NDArray[numpy.int64]
Flags = npt.NDArray[numpy.bool_]

#: Later than anything; still free to be added to.
NEVER = 2**61

#: A thread's state.
ASLEEP, WAITS, RUNS, HELD = range(4)

#: Columns of a thread. REST is work that is left, VIRTUAL its fair time,
#: PLACE where it stands in its CPU's queue, SINCE the begin of throttling.
(
    STATE,
    ENTITY,
    CPU,
    PLACE,
    REST,
    VIRTUAL,
    RUN,
    DELAY,
    THROTTLED,
    SLICES,
    SINCE,
    CYCLE,
    CARRY,
    CHANCE,
    CHOICES,
    DEMAND,
    DROPPED,
) = range(17)
THREAD_FIELDS = 17

#: Columns of a CPU. SETTLED is up to when all is accounted for, UNTIL the end
#: of the slice, FLOOR the least fair time there, GRANT what is left of the
#: quota that the running thread took, SEEN who runs as the ledger has it.
RUNNER, SETTLED, UNTIL, FLOOR, GRANT, SEEN = range(6)
CPU_FIELDS = 6

#: Columns of an entity. PACE is fair time per µs, HEAVY the weight of each of
#: its threads, MEAN of how many of them can run (1/1024), HOLDS how many are
#: throttled, POOL what is left of the quota in this period.
WEIGHT, QUOTA, POOL, MEMBERS, ACTIVE, MEAN, PACE, HEAVY, HOLDS = range(9)
ENTITY_FIELDS = 9

#: Single numbers: how many threads wait that may run elsewhere, ticks so far,
#: the reading that is filled, the chance of a missed switch (of 2^32).
MOVABLE, TICKS, READING, MISSED, DICE = range(5)
HOST_FIELDS = 5


class Host(NamedTuple):
    """All state; ``at`` and ``first`` are the events (slices_event)."""

    thread: Numbers
    cpu: Numbers
    entity: Numbers
    host: Numbers
    #: Threads that wait for a CPU, and how many of them there are.
    queue: Numbers
    depth: Numbers
    #: Weight of all that can run on a CPU: zero is idle.
    load: Numbers
    allowed: Flags
    #: Work wanted from the beginning to the begin of each second.
    wanted: Numbers
    at: Numbers
    first: Numbers
    #: Per reading, victim and runner; then idle, quota, unattributed.
    charged: Numbers
