# SPDX-License-Identifier: Apache-2.0
"""Where threads run: placement when they wake, balancing while they wait."""

from kvm_insight.simulate import slices_compiler, slices_queue
from kvm_insight.simulate import slices_field as of

#: Balancing a CPU so often fails to gain before it moves a thread anyway, so
#: that three threads on two CPUs take turns.
PATIENCE = 4


@slices_compiler.compiled
def place(h: of.Host, thread: int) -> int:
    """Return the CPU for a thread that wakes: where it was, or an idle one.

    Where none is idle it stays, as under Linux: nobody looks for the lightest
    queue at a wake-up, and doing so would hide what neighbours do.
    """
    before: int = h.thread[thread, of.CPU]
    if h.load[before] == 0 or h.thread[thread, of.CHOICES] == 1:
        return before
    cpu = before
    for _ in range(1, len(h.load)):
        cpu += 1
        if cpu == len(h.load):
            cpu = 0
        if h.load[cpu] == 0 and h.allowed[thread, cpu]:
            return cpu
    return before


@slices_compiler.compiled
def fitting(h: of.Host, cpu: int, source: int, most: int) -> int:
    """Return a waiting thread that may be taken to a CPU, or -1."""
    for at in range(h.depth[source]):
        thread: int = h.queue[source, at]
        heavy = h.entity[h.thread[thread, of.ENTITY], of.HEAVY]
        if heavy <= most and h.allowed[thread, cpu]:
            return thread
    return -1


@slices_compiler.compiled
def move(h: of.Host, thread: int, cpu: int, now_us: int) -> None:
    """Take a waiting thread to another CPU."""
    source = h.thread[thread, of.CPU]
    slices_queue.settle(h, source, now_us)
    slices_queue.floor(h, source)
    slices_queue.pull(h, source, thread)
    h.load[source] -= h.entity[h.thread[thread, of.ENTITY], of.HEAVY]
    slices_queue.arm(h, source)
    slices_queue.enter(h, cpu, thread, now_us)


@slices_compiler.compiled
def relieve(h: of.Host, cpu: int, factor: int, now_us: int) -> None:
    """Take a thread from the CPU with the most load, if that is a gain.

    ``factor`` times its weight must fit into the difference of the loads.
    """
    most = h.load[cpu]
    taken = -1
    source = cpu
    for _ in range(1, len(h.load)):
        source += 1
        if source == len(h.load):
            source = 0
        if h.depth[source] > 0 and h.load[source] > most:
            room = (h.load[source] - h.load[cpu]) // factor
            thread = fitting(h, cpu, source, room)
            if thread >= 0:
                most = h.load[source]
                taken = thread
    if taken >= 0:
        move(h, taken, cpu, now_us)


@slices_compiler.compiled
def rest(h: of.Host, cpu: int, now_us: int) -> None:
    """A CPU has nobody left to run: it takes from others, or is idle."""
    slices_queue.arm(h, cpu)
    if h.host[of.MOVABLE] > 0:
        relieve(h, cpu, 1, now_us)


@slices_compiler.compiled
def balance(h: of.Host, now_us: int) -> None:
    """Give idle CPUs what waits elsewhere, and look at one that is busy."""
    cpus = len(h.load)
    for cpu in range(cpus):
        if h.load[cpu] == 0 and h.host[of.MOVABLE] > 0:
            relieve(h, cpu, 1, now_us)
    if h.host[of.MOVABLE] > 0:
        turn = h.host[of.TICKS] // cpus
        cpu = h.host[of.TICKS] % cpus
        factor = 1 if (turn + cpu) % PATIENCE == 0 else 2
        relieve(h, cpu, factor, now_us)
