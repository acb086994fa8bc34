# SPDX-License-Identifier: Apache-2.0
"""The scheduler's loop: the next event, until the last reading."""

from kvm_insight.simulate import (
    slices_balance,
    slices_compiler,
    slices_demand,
    slices_event,
    slices_queue,
    slices_quota,
    slices_tick,
)
from kvm_insight.simulate import slices_field as of

#: Columns of a reading, in this order.
READ = (
    of.RUN,
    of.DELAY,
    of.THROTTLED,
    of.SLICES,
    of.CPU,
    of.DEMAND,
    of.DROPPED,
)


@slices_compiler.compiled
def turn(h: of.Host, cpu: int, now_us: int) -> None:
    """A CPU's event: its thread is done, out of quota, or at a slice's end."""
    slices_queue.settle(h, cpu, now_us)
    runner = h.cpu[cpu, of.RUNNER]
    if h.thread[runner, of.REST] == 0:
        slices_quota.give_back(h, cpu)
        slices_queue.floor(h, cpu)
        slices_queue.leave(h, runner)
        h.thread[runner, of.STATE] = of.ASLEEP
    elif h.cpu[cpu, of.GRANT] == 0:
        if slices_quota.draw(h, cpu, runner):
            slices_queue.arm(h, cpu)
            return
        slices_queue.floor(h, cpu)
        slices_queue.hold(h, runner, now_us)
    else:
        best = slices_queue.lowest(h, cpu)
        if h.thread[best, of.VIRTUAL] >= h.thread[runner, of.VIRTUAL]:
            h.cpu[cpu, of.UNTIL] = now_us + slices_queue.SLICE_US
            slices_queue.arm(h, cpu)
            return
        slices_quota.give_back(h, cpu)
        slices_queue.push(h, cpu, runner)
    if slices_queue.succeed(h, cpu, now_us):
        slices_queue.arm(h, cpu)
    else:
        slices_balance.rest(h, cpu, now_us)


@slices_compiler.compiled
def read(h: of.Host, out: of.Numbers, now_us: int) -> None:
    """Settle everything and write a reading down."""
    for cpu in range(len(h.cpu)):
        slices_queue.settle(h, cpu, now_us)
    reading = h.host[of.READING]
    for thread in range(len(h.thread)):
        if h.thread[thread, of.STATE] == of.HELD:
            slices_quota.tell(h, thread, now_us)
        for at in range(len(READ)):
            out[at, reading, thread] = h.thread[thread, READ[at]]


@slices_compiler.compiled
def start(h: of.Host, begin_us: of.Numbers) -> None:
    """Plan the first arrivals, and what else the clock does."""
    for entity in range(len(h.entity)):
        slices_tick.weigh(h, entity)
    for thread in range(len(h.thread)):
        slices_event.plan(h, len(h.cpu) + thread, begin_us[thread])
    slices_event.plan(h, len(h.cpu) + len(h.thread), 0)


@slices_compiler.compiled
def advance(h: of.Host, until_us: int) -> None:
    """Let everything happen up to a time, and at it."""
    cpus = len(h.cpu)
    clock = cpus + len(h.thread)
    while True:
        event = h.first[1]
        now_us = h.at[event]
        if now_us > until_us:
            return
        if event < cpus:
            turn(h, event, now_us)
        elif event < clock:
            slices_demand.arrive(h, event - cpus, now_us)
        else:
            slices_tick.tick(h, now_us)


@slices_compiler.entry
def run(
    h: of.Host, begin_us: of.Numbers, tick_us: of.Numbers, out: of.Numbers
) -> None:
    """Fill ``out``, per column of READ a matrix of readings and threads."""
    start(h, begin_us)
    for reading in range(len(tick_us)):
        h.host[of.READING] = reading
        advance(h, tick_us[reading])
        read(h, out, tick_us[reading])
