# SPDX-License-Identifier: Apache-2.0
"""Run queues: who runs on a CPU, who waits there, and what that is charged.

A CPU is settled before anything changes on it: since then the same thread
ran and the same ones waited, so each of them is charged the same time.
"""

from kvm_insight.simulate import (
    slices_compiler,
    slices_event,
    slices_quota,
)
from kvm_insight.simulate import slices_field as of

#: A thread runs so long before another one of the same right gets the CPU.
SLICE_US = 3_000
#: So much fair time a sleeper may be ahead of the others when it wakes.
CREDIT_US = 3_000
#: It takes the CPU at once when it is ahead by more than this.
AHEAD_US = 3_000
#: Who ran alone for long keeps the CPU so long when another one comes.
KEEP_US = 1_000


@slices_compiler.compiled
def settle(h: of.Host, cpu: int, now_us: int) -> None:
    """Account for the time since this CPU was settled the last time."""
    passed_us = now_us - h.cpu[cpu, of.SETTLED]
    if passed_us == 0:
        return
    h.cpu[cpu, of.SETTLED] = now_us
    runner = h.cpu[cpu, of.RUNNER]
    if runner < 0:
        return
    h.thread[runner, of.REST] -= passed_us
    h.thread[runner, of.RUN] += passed_us
    pace = h.entity[h.thread[runner, of.ENTITY], of.PACE]
    h.thread[runner, of.VIRTUAL] += passed_us * pace
    h.cpu[cpu, of.GRANT] -= passed_us
    seen = h.cpu[cpu, of.SEEN]
    for place in range(h.depth[cpu]):
        waiter = h.queue[cpu, place]
        h.thread[waiter, of.DELAY] += passed_us
        victim = h.thread[waiter, of.ENTITY]
        h.charged[h.host[of.READING], victim, seen] += passed_us


@slices_compiler.compiled
def arm(h: of.Host, cpu: int) -> None:
    """Plan the next event of a CPU: work done, quota or slice used up."""
    runner = h.cpu[cpu, of.RUNNER]
    if runner < 0:
        slices_event.plan(h, cpu, of.NEVER)
        return
    left_us = min(h.thread[runner, of.REST], h.cpu[cpu, of.GRANT])
    end_us = h.cpu[cpu, of.SETTLED] + left_us
    if h.depth[cpu] > 0:
        end_us = min(end_us, h.cpu[cpu, of.UNTIL])
    slices_event.plan(h, cpu, end_us)


@slices_compiler.compiled
def push(h: of.Host, cpu: int, thread: int) -> None:
    """Let a thread wait for a CPU."""
    place = h.depth[cpu]
    h.queue[cpu, place] = thread
    h.depth[cpu] = place + 1
    h.thread[thread, of.PLACE] = place
    h.thread[thread, of.STATE] = of.WAITS
    if h.thread[thread, of.CHOICES] > 1:
        h.host[of.MOVABLE] += 1


@slices_compiler.compiled
def pull(h: of.Host, cpu: int, thread: int) -> None:
    """Take a thread out of the queue where it waits."""
    last = h.depth[cpu] - 1
    place = h.thread[thread, of.PLACE]
    moved = h.queue[cpu, last]
    h.queue[cpu, place] = moved
    h.thread[moved, of.PLACE] = place
    h.depth[cpu] = last
    if h.thread[thread, of.CHOICES] > 1:
        h.host[of.MOVABLE] -= 1


@slices_compiler.compiled
def lowest(h: of.Host, cpu: int) -> int:
    """Return who waits with the least fair time, or -1."""
    best = -1
    least = of.NEVER
    for place in range(h.depth[cpu]):
        thread = h.queue[cpu, place]
        virtual = h.thread[thread, of.VIRTUAL]
        if virtual < least:
            least = virtual
            best = thread
    return best


@slices_compiler.compiled
def floor(h: of.Host, cpu: int) -> int:
    """Return the least fair time on a settled CPU; it never goes back."""
    least = of.NEVER
    runner = h.cpu[cpu, of.RUNNER]
    if runner >= 0:
        least = h.thread[runner, of.VIRTUAL]
    best = lowest(h, cpu)
    if best >= 0:
        least = min(least, h.thread[best, of.VIRTUAL])
    if least != of.NEVER and least > h.cpu[cpu, of.FLOOR]:
        h.cpu[cpu, of.FLOOR] = least
    result: int = h.cpu[cpu, of.FLOOR]
    return result


@slices_compiler.compiled
def see(h: of.Host, cpu: int, entity: int) -> None:
    """Tell the ledger who runs now, unless it misses that."""
    if h.host[of.MISSED] > 0:
        dice = slices_quota.shake(h.host[of.DICE])
        h.host[of.DICE] = dice
        if dice < h.host[of.MISSED]:
            return
    h.cpu[cpu, of.SEEN] = entity


@slices_compiler.compiled
def begin(h: of.Host, cpu: int, thread: int, now_us: int) -> bool:
    """Let a thread run on a settled CPU, unless its quota is used up."""
    if not slices_quota.draw(h, cpu, thread):
        hold(h, thread, now_us)
        return False
    h.thread[thread, of.STATE] = of.RUNS
    h.thread[thread, of.SLICES] += 1
    h.cpu[cpu, of.RUNNER] = thread
    h.cpu[cpu, of.UNTIL] = now_us + SLICE_US
    see(h, cpu, h.thread[thread, of.ENTITY])
    return True


@slices_compiler.compiled
def leave(h: of.Host, thread: int) -> None:
    """A thread can run no longer: it sleeps or is throttled."""
    entity = h.thread[thread, of.ENTITY]
    h.entity[entity, of.ACTIVE] -= 1
    h.load[h.thread[thread, of.CPU]] -= h.entity[entity, of.HEAVY]


@slices_compiler.compiled
def hold(h: of.Host, thread: int, now_us: int) -> None:
    """Throttle a thread that neither runs nor waits any more."""
    leave(h, thread)
    h.thread[thread, of.STATE] = of.HELD
    h.thread[thread, of.SINCE] = now_us
    h.entity[h.thread[thread, of.ENTITY], of.HOLDS] += 1


@slices_compiler.compiled
def succeed(h: of.Host, cpu: int, now_us: int) -> bool:
    """Give a CPU without runner to who waits; False when nobody can run."""
    h.cpu[cpu, of.RUNNER] = -1
    while h.depth[cpu] > 0:
        best = lowest(h, cpu)
        pull(h, cpu, best)
        if begin(h, cpu, best, now_us):
            return True
    see(h, cpu, len(h.entity))
    return False


@slices_compiler.compiled
def preempt(h: of.Host, cpu: int, thread: int, now_us: int) -> None:
    """Let a thread wait, or run at once where it is far enough ahead."""
    runner = h.cpu[cpu, of.RUNNER]
    ahead = h.thread[runner, of.VIRTUAL] - h.thread[thread, of.VIRTUAL]
    entity = h.thread[thread, of.ENTITY]
    limit = AHEAD_US * h.entity[entity, of.PACE]
    if ahead > limit and slices_quota.may_run(h, entity):
        slices_quota.give_back(h, cpu)
        push(h, cpu, runner)
        begin(h, cpu, thread, now_us)
        return
    push(h, cpu, thread)
    until_us = max(h.cpu[cpu, of.UNTIL], now_us + KEEP_US)
    h.cpu[cpu, of.UNTIL] = until_us


@slices_compiler.compiled
def enter(h: of.Host, cpu: int, thread: int, now_us: int) -> None:
    """Bring a thread that can run to a CPU; it may come from another one."""
    settle(h, cpu, now_us)
    entity = h.thread[thread, of.ENTITY]
    least = floor(h, cpu)
    behind = h.thread[thread, of.VIRTUAL]
    behind -= h.cpu[h.thread[thread, of.CPU], of.FLOOR]
    credit = CREDIT_US * h.entity[entity, of.PACE]
    h.thread[thread, of.VIRTUAL] = least + max(behind, -credit)
    h.thread[thread, of.CPU] = cpu
    h.load[cpu] += h.entity[entity, of.HEAVY]
    if h.cpu[cpu, of.RUNNER] < 0:
        begin(h, cpu, thread, now_us)
    else:
        preempt(h, cpu, thread, now_us)
    arm(h, cpu)
