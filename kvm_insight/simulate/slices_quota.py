# SPDX-License-Identifier: Apache-2.0
"""CPU quota: a pool per entity and period, drawn in parts, then throttled."""

from kvm_insight.simulate import slices_compiler
from kvm_insight.simulate import slices_field as of

#: A running thread takes so much of its entity's quota at a time.
PART_US = 5_000


@slices_compiler.compiled
def shake(dice: int) -> int:
    """Return the next of a row of 32-bit numbers (xorshift)."""
    dice ^= (dice << 13) & 0xFFFFFFFF
    dice ^= dice >> 17
    dice ^= (dice << 5) & 0xFFFFFFFF
    return dice


@slices_compiler.compiled
def may_run(h: of.Host, entity: int) -> bool:
    """Say whether an entity has no quota, or something left of it."""
    if h.entity[entity, of.QUOTA] == 0:
        return True
    return bool(h.entity[entity, of.POOL] > 0)


@slices_compiler.compiled
def draw(h: of.Host, cpu: int, thread: int) -> bool:
    """Take the next part of the quota for a thread that is to run."""
    entity = h.thread[thread, of.ENTITY]
    if h.entity[entity, of.QUOTA] == 0:
        h.cpu[cpu, of.GRANT] = of.NEVER
        return True
    part_us = min(PART_US, h.entity[entity, of.POOL])
    h.entity[entity, of.POOL] -= part_us
    h.cpu[cpu, of.GRANT] = part_us
    return bool(part_us > 0)


@slices_compiler.compiled
def give_back(h: of.Host, cpu: int) -> None:
    """Return what the runner of a settled CPU did not use of its part."""
    entity = h.thread[h.cpu[cpu, of.RUNNER], of.ENTITY]
    if h.entity[entity, of.QUOTA] > 0:
        h.entity[entity, of.POOL] += h.cpu[cpu, of.GRANT]


@slices_compiler.compiled
def tell(h: of.Host, thread: int, now_us: int) -> None:
    """Account for the time since a throttled thread was told of."""
    passed_us = now_us - h.thread[thread, of.SINCE]
    h.thread[thread, of.SINCE] = now_us
    h.thread[thread, of.DELAY] += passed_us
    h.thread[thread, of.THROTTLED] += passed_us
    entity = h.thread[thread, of.ENTITY]
    quota = len(h.entity) + 1
    h.charged[h.host[of.READING], entity, quota] += passed_us
