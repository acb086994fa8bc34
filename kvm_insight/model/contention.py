# SPDX-License-Identifier: Apache-2.0
"""The sampled ledger's formula: who probably ran while whom waited.

Between two readings thread *i* waited ``dᵢ``. It is charged to those who ran
meanwhile on the CPUs where *i* was seen, in proportion to how long they ran
there: other domains, its own other threads, services, and what else the host
had running. What its quota kept it from is ``quota``; a wait beside which
nothing ran is ``unattributed``. All of it is in whole µs, so each row adds
up to exactly what its threads waited.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping

from kvm_insight.model import entity


@dataclasses.dataclass(frozen=True, slots=True)
class Thread:
    """One thread at one instant, by its own cumulative counters."""

    entity: str
    run_us: int
    run_delay_us: int
    last_cpu: int
    #: CPUs where it may run.
    affinity: frozenset[int]
    #: Throttled time of its own vCPU cgroup; 0 where there is no quota.
    throttled_us: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """All threads of all entities, and what the host's CPUs did, at once."""

    time_us: int
    #: tid -> thread; of all domains, and of services where they are read.
    threads: Mapping[int, Thread]
    #: CPU -> cumulative busy time of everything (``/proc/stat``).
    busy_us: Mapping[int, int]
    #: Service entity -> cumulative run time, where known; the rest of what
    #: is busy beyond the domains is ``host``.
    services_us: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Account:
    """What one victim waited, tick upon tick."""

    charges: dict[str, int] = dataclasses.field(default_factory=dict)
    #: All of it, and of that what fell into ticks in which the waiting
    #: thread changed its CPU, so that it is less sure who ran.
    waited_us: int = 0
    moved_us: int = 0

    def add(self, other: 'Account') -> None:
        """Take another tick's account in."""
        for name, charge_us in other.charges.items():
            self.charges[name] = self.charges.get(name, 0) + charge_us
        self.waited_us += other.waited_us
        self.moved_us += other.moved_us


@dataclasses.dataclass(frozen=True, slots=True)
class _Growth:
    """What one thread did between two readings."""

    entity: str
    run_us: int
    waited_us: int
    throttled_us: int
    #: Where it was seen.
    cpus: tuple[int, ...]
    moved: bool


def charge(older: Reading, newer: Reading) -> dict[str, Account]:
    """Return victim's entity -> what its threads waited, and for whom."""
    growths = list(_growths(older, newer))
    ran = _ran(growths)
    _add_host(ran, older, newer)
    accounts: dict[str, Account] = {}
    for name, siblings in _by_entity(growths).items():
        if entity.uuid_of(name) is not None:
            accounts[name] = Account()
            for growth in siblings:
                _charge_thread(accounts[name], growth, siblings, ran)
    return accounts


def confidence(account: Account) -> float:
    """Return how far the row may be trusted, from 0 to 1.

    ``1 - (0.05 + 0.26·M + 0.06/√W)``: M is the part of the wait in ticks in
    which the thread changed its CPU, W the seconds waited. It predicted the
    row's error against the exact ledger with rank correlation 0.8.
    """
    if account.waited_us <= 0:
        return 0.0
    moved = account.moved_us / account.waited_us
    few = 0.06 / math.sqrt(account.waited_us / 1e6)
    return max(0.0, min(1.0, 1 - (0.05 + 0.26 * moved + few)))


def split(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Return the total in whole parts by weight; the parts add up to it."""
    whole = sum(weights.values())
    parts: dict[str, int] = {}
    given = so_far = 0
    for name, weight in weights.items():
        so_far += weight
        upto = total * so_far // whole
        if upto > given:
            parts[name] = upto - given
        given = upto
    return parts


def _growths(older: Reading, newer: Reading) -> Iterator[_Growth]:
    known = {thread.entity for thread in older.threads.values()}
    elapsed_us = newer.time_us - older.time_us
    for tid, now in newer.threads.items():
        then = older.threads.get(tid)
        if then is None or not _continues(then, now):
            # Born since, if its entity was there already. A counter that
            # cannot have grown within the time is of another history.
            if now.entity not in known:
                continue
            if now.run_us + now.run_delay_us > elapsed_us + _SLACK_US:
                continue
            then = dataclasses.replace(
                now, run_us=0, run_delay_us=0, throttled_us=0
            )
        yield _growth(then, now)


#: Readings of a tick are some ms apart.
_SLACK_US = 50_000


def _continues(then: Thread, now: Thread) -> bool:
    return (
        then.entity == now.entity
        and then.run_us <= now.run_us
        and then.run_delay_us <= now.run_delay_us
    )


def _growth(then: Thread, now: Thread) -> _Growth:
    delay_us = now.run_delay_us - then.run_delay_us
    throttled_us = max(0, now.throttled_us - then.throttled_us)
    throttled_us = min(throttled_us, delay_us)
    seen = {then.last_cpu, now.last_cpu}
    # A thread that was forbidden a CPU since has waited where it may be.
    cpus = (seen & now.affinity) or seen
    return _Growth(
        entity=now.entity,
        run_us=now.run_us - then.run_us,
        waited_us=delay_us - throttled_us,
        throttled_us=throttled_us,
        cpus=tuple(sorted(cpus)),
        moved=then.last_cpu != now.last_cpu,
    )


def _by_entity(growths: list[_Growth]) -> dict[str, list[_Growth]]:
    found: dict[str, list[_Growth]] = {}
    for growth in growths:
        found.setdefault(growth.entity, []).append(growth)
    return found


def _ran(growths: list[_Growth]) -> dict[int, dict[str, int]]:
    """Return CPU -> entity -> µs that it probably ran there."""
    ran: dict[int, dict[str, int]] = {}
    for growth in growths:
        if growth.run_us:
            part_us = growth.run_us // len(growth.cpus)
            for cpu in growth.cpus:
                there = ran.setdefault(cpu, {})
                there[growth.entity] = there.get(growth.entity, 0) + part_us
    return ran


def _add_host(
    ran: dict[int, dict[str, int]], older: Reading, newer: Reading
) -> None:
    """Add to each CPU what was busy there beyond all that we know.

    Where a thread ran is a guess, so one CPU's excess may be another's
    shortfall: all together never get more than the host was busy beyond.
    """
    excess: dict[int, int] = {}
    beyond_us = 0
    for cpu, now_us in newer.busy_us.items():
        busy_us = now_us - older.busy_us.get(cpu, now_us)
        rest_us = busy_us - sum(ran.get(cpu, {}).values())
        beyond_us += rest_us
        if rest_us > 0:
            excess[cpu] = rest_us
    total_us = sum(excess.values())
    if total_us <= 0 or beyond_us <= 0:
        return
    shares = _services(older, newer, beyond_us)
    for cpu, rest_us in excess.items():
        host_us = rest_us * min(beyond_us, total_us) // total_us
        there = ran.setdefault(cpu, {})
        for name, part_us in split(host_us, shares).items():
            there[name] = there.get(name, 0) + part_us


def _services(
    older: Reading, newer: Reading, beyond_us: int
) -> dict[str, int]:
    """Return whose the host's own time is; what nobody claims is ``host``."""
    threads = {thread.entity for thread in newer.threads.values()}
    shares: dict[str, int] = {}
    for name, now_us in sorted(newer.services_us.items()):
        grown_us = now_us - older.services_us.get(name, now_us)
        # A service whose threads are read is on its CPUs already.
        if grown_us > 0 and name not in threads:
            shares[name] = grown_us
    unclaimed_us = beyond_us - sum(shares.values())
    if unclaimed_us > 0 or not shares:
        shares[entity.HOST] = max(1, unclaimed_us)
    return shares


def _charge_thread(
    account: Account,
    growth: _Growth,
    siblings: list[_Growth],
    ran: Mapping[int, Mapping[str, int]],
) -> None:
    charges = account.charges
    if growth.throttled_us:
        quota_us = charges.get(entity.QUOTA, 0) + growth.throttled_us
        charges[entity.QUOTA] = quota_us
    account.waited_us += growth.waited_us + growth.throttled_us
    if growth.waited_us <= 0:
        return
    if growth.moved:
        account.moved_us += growth.waited_us
    weights = _others(growth, ran)
    for name, part_us in _parts(growth, siblings, weights).items():
        charges[name] = charges.get(name, 0) + part_us


def _parts(
    growth: _Growth, siblings: list[_Growth], weights: dict[str, int]
) -> dict[str, int]:
    """Return entity -> its part of what this thread waited.

    A domain's threads share its group fairly: one that waits while another
    runs gets as much in its turn. So a thread that hardly ran has hardly
    waited for its siblings, however much those ran: QEMU's main thread waits
    for the other domains, and not for the busy vCPU beside it.
    """
    parts = split(growth.waited_us, weights)
    own_us = parts.get(growth.entity, 0)
    others = {k: v for k, v in weights.items() if k != growth.entity}
    if own_us <= growth.run_us or not others:
        return parts
    fair_us = sum(
        min(growth.run_us, sibling.run_us)
        for sibling in siblings
        if sibling is not growth
        and not set(growth.cpus).isdisjoint(sibling.cpus)
    )
    if own_us <= fair_us:
        return parts
    parts = split(growth.waited_us - fair_us, others)
    if fair_us:
        parts[growth.entity] = fair_us
    return parts


def _others(
    growth: _Growth, ran: Mapping[int, Mapping[str, int]]
) -> dict[str, int]:
    """Return entity -> µs that it ran where this thread was, without it."""
    weights: dict[str, int] = {}
    for cpu in growth.cpus:
        for name, run_us in ran.get(cpu, {}).items():
            weights[name] = weights.get(name, 0) + run_us
    own_us = growth.run_us // len(growth.cpus) * len(growth.cpus)
    if growth.run_us:
        weights[growth.entity] -= own_us
    weights = {name: us for name, us in weights.items() if us > 0}
    return weights or {entity.UNATTRIBUTED: 1}
