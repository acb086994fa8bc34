# SPDX-License-Identifier: Apache-2.0
"""How agents and analyzer fare, from what lies on the bus."""

import dataclasses
from collections.abc import Iterable

from kvm_insight.model import host_report, inventory, sample, state

#: A host is silent when so many intervals passed without a sample.
SILENT_INTERVALS = 3
_DEFAULT_INTERVAL_S = 10.0
#: The analyzer reports each minute and keeps its state more rarely; when the
#: newest of both is older than this it is stuck.
ANALYZER_LATE_S = 300.0
#: The planner tells of itself in each cycle; later than this it is gone.
PLANNER_LATE_S = 600.0

HEADER = (
    'HOST',
    '>AGE',
    '>DOMAINS',
    'LEDGER',
    '>GAPS',
    '>DROPPED',
    '>SPOOLED',
    '>BEHIND',
    'TROUBLE',
)


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """One host's agent, as its samples tell."""

    host: str
    version: str
    age_s: float
    domains: int
    ledger: str | None
    ledger_reason: str | None
    #: Sequence numbers that are not on the bus, of those looked at.
    gaps: int
    #: What the agent's spool had to drop, and what waited in it.
    dropped: int
    spooled: int | None
    rss_bytes: int | None
    #: How far behind the newest sample the analyzer is.
    analyzer_lag_s: float | None
    missing: dict[str, str]
    failing: dict[str, str]
    identity_failures: dict[str, int]
    troubles: list[str]


class Clinic:
    """Takes samples and states, gives one health a host."""

    def __init__(self) -> None:
        self._newest: dict[str, sample.Sample] = {}
        self._seen: dict[str, set[int]] = {}
        self._analyzed_us: dict[str, int] = {}

    def add_sample(self, new: sample.Sample) -> None:
        """Take a sample; of an agent that ended nothing counts any more."""
        newest = self._newest.get(new.host)
        if newest is None or newest.time_us <= new.time_us:
            if newest is not None and newest.agent_id != new.agent_id:
                self._seen[new.host] = set()
            self._newest[new.host] = new
        if self._newest[new.host].agent_id == new.agent_id:
            self._seen.setdefault(new.host, set()).add(new.sequence)

    def add_state(self, new: state.HostState) -> None:
        """Take what the analyzer keeps of a host."""
        if new.last is not None:
            self._analyzed(new.host, new.last.time_us)

    def add_report(self, new: host_report.HostReport) -> None:
        """Take what the analyzer tells of a host."""
        self._analyzed(new.host, new.time_us)

    def _analyzed(self, host: str, time_us: int) -> None:
        newest_us = self._analyzed_us.get(host, 0)
        self._analyzed_us[host] = max(newest_us, time_us)

    def healths(self, now_s: float) -> list[Health]:
        """Return all hosts by name."""
        return [
            self._health(self._newest[host], now_s)
            for host in sorted(self._newest)
        ]

    def _health(self, newest: sample.Sample, now_s: float) -> Health:
        seen = self._seen[newest.host]
        lag_s = None
        if newest.host in self._analyzed_us:
            behind_us = newest.time_us - self._analyzed_us[newest.host]
            lag_s = max(0.0, behind_us / 1e6)
        agent = newest.agent
        health = Health(
            host=newest.host,
            version=agent.version,
            age_s=round(now_s - newest.time_us / 1e6, 1),
            domains=len(newest.domains),
            ledger=newest.ledger.source if newest.ledger else None,
            ledger_reason=newest.ledger.reason if newest.ledger else None,
            gaps=max(seen) - min(seen) + 1 - len(seen),
            dropped=agent.dropped,
            spooled=agent.spooled,
            rss_bytes=agent.rss_bytes,
            analyzer_lag_s=lag_s,
            missing=newest.missing,
            failing={
                one.name: one.error or 'failed'
                for one in agent.collectors
                if not one.success
            },
            identity_failures=agent.identity_failures,
            troubles=[],
        )
        troubles = list(_troubles(health, newest))
        return dataclasses.replace(health, troubles=troubles)


def _troubles(health: Health, newest: sample.Sample) -> Iterable[str]:
    """Tell what an operator has to look at."""
    interval_s = (newest.interval_us or 0) / 1e6 or _DEFAULT_INTERVAL_S
    if health.age_s > SILENT_INTERVALS * interval_s:
        yield 'silent'
    if health.age_s < -interval_s:
        yield 'its clock is ahead'
    if health.gaps:
        yield f'{health.gaps} samples never came'
    if health.dropped:
        yield f'{health.dropped} samples dropped'
    lag_s = health.analyzer_lag_s
    if lag_s is not None and lag_s > ANALYZER_LATE_S:
        yield f'analyzer is {lag_s:.0f} s behind'
    for name, why in sorted(health.failing.items()):
        yield f'{name}: {why}'


def cells(health: Health) -> list[str]:
    """Return the row as ``HEADER`` has it."""
    lag_s = health.analyzer_lag_s
    return [
        health.host,
        f'{health.age_s:.0f} s',
        str(health.domains),
        health.ledger or 'none',
        str(health.gaps),
        str(health.dropped),
        '-' if health.spooled is None else str(health.spooled),
        '-' if lag_s is None else f'{lag_s:.0f} s',
        '; '.join(health.troubles) or 'none',
    ]


def details(health: Health) -> list[str]:
    """Return what else is worth a line below the table."""
    lines = []
    if health.ledger_reason:
        lines.append(
            f'{health.host}: ledger {health.ledger} because'
            f' {health.ledger_reason}'
        )
    for name, why in sorted(health.missing.items()):
        if name not in health.failing and name != 'ledger_ebpf':
            lines.append(f'{health.host}: no {name}: {why}')
    for status, count in sorted(health.identity_failures.items()):
        lines.append(f'{health.host}: {count} domains with {status} metadata')
    return lines


def planner(told: inventory.PlannerStatus, now_s: float) -> str:
    """Return how the planner fares, in one line."""
    age_s = now_s - told.time_us / 1e6
    begin = f'planner: generation {told.generation}'
    if age_s > PLANNER_LATE_S:
        return f'{begin}, silent for {age_s:.0f} s'
    if told.state == 'waiting':
        return f'{begin} plans nothing: {"; ".join(told.reasons)}'
    return (
        f'{begin}, {age_s:.0f} s ago: {told.open} recommendations open,'
        f' {told.fresh_hosts} of {told.hosts} hosts have a fresh report'
    )


def plans_well(told: inventory.PlannerStatus, now_s: float) -> bool:
    """Say whether the planner is there, and plans."""
    is_late = now_s - told.time_us / 1e6 > PLANNER_LATE_S
    return told.state == 'planning' and not is_late
