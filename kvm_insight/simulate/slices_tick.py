# SPDX-License-Identifier: Apache-2.0
"""What the scheduler does by the clock: quota, weights, balancing."""

from kvm_insight.simulate import (
    slices_balance,
    slices_compiler,
    slices_event,
    slices_queue,
    slices_quota,
)
from kvm_insight.simulate import slices_field as of

TICK_US = 4_000
#: A quota's period; those of different entities do not begin together.
PERIOD_TICKS = 25
APART_TICKS = 7
#: How fast the mean of runnable threads follows: half of it in 32 ms.
FOLLOW = 12
ONE = 1_024
#: Fair time of a µs for a thread alone in its entity of the default weight.
PACE = 4_096
DEFAULT_WEIGHT = 100


@slices_compiler.compiled
def refill(h: of.Host, entity: int, now_us: int) -> None:
    """Begin a period; what is drawn and not yet used belongs to it."""
    pool_us = h.entity[entity, of.QUOTA]
    for cpu in range(len(h.cpu)):
        runner = h.cpu[cpu, of.RUNNER]
        if runner >= 0 and h.thread[runner, of.ENTITY] == entity:
            slices_queue.settle(h, cpu, now_us)
            pool_us -= h.cpu[cpu, of.GRANT]
    h.entity[entity, of.POOL] = pool_us


@slices_compiler.compiled
def release(h: of.Host, entity: int, now_us: int) -> None:
    """Let throttled threads run as long as something is left in the pool."""
    for thread in range(len(h.thread)):
        if h.entity[entity, of.POOL] == 0:
            return
        if (
            h.thread[thread, of.STATE] == of.HELD
            and h.thread[thread, of.ENTITY] == entity
        ):
            slices_quota.tell(h, thread, now_us)
            h.entity[entity, of.HOLDS] -= 1
            h.entity[entity, of.ACTIVE] += 1
            cpu = h.thread[thread, of.CPU]
            slices_queue.enter(h, cpu, thread, now_us)


@slices_compiler.compiled
def weigh(h: of.Host, entity: int) -> None:
    """Divide an entity's weight among its threads that can run.

    As group shares are: by a mean of the last tens of milliseconds, of which
    a thread that wakes counts whole.
    """
    mean = h.entity[entity, of.MEAN]
    mean += (h.entity[entity, of.ACTIVE] * ONE - mean) // FOLLOW
    h.entity[entity, of.MEAN] = mean
    members = h.entity[entity, of.MEMBERS]
    parts = ONE + mean * (members - 1) // members
    weight = h.entity[entity, of.WEIGHT]
    h.entity[entity, of.PACE] = max(
        PACE * DEFAULT_WEIGHT * parts // (ONE * weight), 1
    )
    h.entity[entity, of.HEAVY] = max(weight * ONE * ONE // parts, 1)


@slices_compiler.compiled
def load(h: of.Host, cpu: int) -> int:
    """Return the weight of all that can run on a CPU."""
    total = 0
    runner = h.cpu[cpu, of.RUNNER]
    if runner >= 0:
        total += h.entity[h.thread[runner, of.ENTITY], of.HEAVY]
    for place in range(h.depth[cpu]):
        waiter = h.queue[cpu, place]
        total += h.entity[h.thread[waiter, of.ENTITY], of.HEAVY]
    return total


@slices_compiler.compiled
def tick(h: of.Host, now_us: int) -> None:
    """Do what is due; plan the next tick."""
    ticks = h.host[of.TICKS]
    h.host[of.TICKS] = ticks + 1
    slices_event.plan(h, len(h.cpu) + len(h.thread), now_us + TICK_US)
    for entity in range(len(h.entity)):
        weigh(h, entity)
    for cpu in range(len(h.cpu)):
        h.load[cpu] = load(h, cpu)
    for entity in range(len(h.entity)):
        if h.entity[entity, of.QUOTA] > 0:
            if (ticks + entity * APART_TICKS) % PERIOD_TICKS == 0:
                refill(h, entity, now_us)
            if h.entity[entity, of.HOLDS] > 0:
                release(h, entity, now_us)
    slices_balance.balance(h, now_us)
