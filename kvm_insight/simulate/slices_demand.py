# SPDX-License-Identifier: Apache-2.0
"""Demand: work that arrives in cycles, whatever becomes of it.

A cycle's length and work come from the thread's own row of chances and from
its duty alone, so two runs that differ in others' duty have the same demand.
"""

from kvm_insight.simulate import (
    slices_balance,
    slices_compiler,
    slices_event,
    slices_queue,
    slices_quota,
)
from kvm_insight.simulate import slices_field as of

SECOND_US = 1_000_000


@slices_compiler.compiled
def wanted_us(h: of.Host, thread: int, time_us: int) -> int:
    """Return how much work was wanted from the beginning to a time."""
    second = max(time_us, 0) // SECOND_US
    last = h.wanted.shape[1] - 1
    if second >= last:
        total: int = h.wanted[thread, last]
        return total
    before: int = h.wanted[thread, second]
    within = h.wanted[thread, second + 1] - before
    part: int = within * (max(time_us, 0) % SECOND_US) // SECOND_US
    return before + part


@slices_compiler.compiled
def chance(h: of.Host, thread: int, span: int) -> int:
    """Return the thread's next number in 0..span-1."""
    dice = slices_quota.shake(h.thread[thread, of.CHANCE])
    h.thread[thread, of.CHANCE] = dice
    return (dice & 0xFFFF) * span >> 16


@slices_compiler.compiled
def after(h: of.Host, thread: int, now_us: int, next_us: int) -> int:
    """Return when a thread that wants nothing now comes again."""
    second = now_us // SECOND_US
    last = h.wanted.shape[1] - 1
    while second < last:
        if h.wanted[thread, second + 1] > h.wanted[thread, second]:
            lead_us = chance(h, thread, h.thread[thread, of.CYCLE])
            return max(next_us, second * SECOND_US + lead_us)
        second += 1
    return of.NEVER


@slices_compiler.compiled
def arrive(h: of.Host, thread: int, now_us: int) -> None:
    """Add a cycle's work; drop what is older than may be carried over."""
    cycle_us = h.thread[thread, of.CYCLE]
    next_us = now_us + cycle_us * 3 // 4 + chance(h, thread, cycle_us // 2 + 1)
    so_far_us = wanted_us(h, thread, now_us)
    mean_us = wanted_us(h, thread, next_us) - so_far_us
    # As uneven as can be without wanting more than the whole CPU.
    swing_us = min(mean_us // 2, max(next_us - now_us - mean_us, 0))
    work_us = mean_us - swing_us + chance(h, thread, 2 * swing_us + 1)
    oldest_us = now_us - h.thread[thread, of.CARRY] * cycle_us
    carried_us = so_far_us - wanted_us(h, thread, oldest_us)
    if mean_us == 0 and carried_us == 0:
        next_us = after(h, thread, now_us, next_us)
    event = len(h.cpu) + thread
    slices_event.plan(h, event, next_us)
    receive(h, thread, work_us, carried_us, now_us)


@slices_compiler.compiled
def receive(
    h: of.Host, thread: int, work_us: int, carried_us: int, now_us: int
) -> None:
    """Give a thread its work, and wake it."""
    state = h.thread[thread, of.STATE]
    cpu = h.thread[thread, of.CPU]
    if state == of.RUNS:
        slices_queue.settle(h, cpu, now_us)
    late_us = max(h.thread[thread, of.REST] - carried_us, 0)
    h.thread[thread, of.REST] += work_us - late_us
    h.thread[thread, of.DROPPED] += late_us
    h.thread[thread, of.DEMAND] += work_us
    if state == of.RUNS:
        slices_queue.arm(h, cpu)
    elif state == of.ASLEEP and work_us > 0:
        wake(h, thread, now_us)


@slices_compiler.compiled
def wake(h: of.Host, thread: int, now_us: int) -> None:
    """A thread can run from now on, where its quota lets it."""
    entity = h.thread[thread, of.ENTITY]
    if not slices_quota.may_run(h, entity):
        h.entity[entity, of.HOLDS] += 1
        h.thread[thread, of.STATE] = of.HELD
        h.thread[thread, of.SINCE] = now_us
        return
    h.entity[entity, of.ACTIVE] += 1
    cpu = slices_balance.place(h, thread)
    slices_queue.enter(h, cpu, thread, now_us)
