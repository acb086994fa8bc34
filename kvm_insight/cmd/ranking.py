# SPDX-License-Identifier: Apache-2.0
"""Who waits most now, and for whom: what ``top`` shows."""

import dataclasses
from collections.abc import Iterable, Sequence

from kvm_insight.model import entity, finding, rates, sample

HEADER = (
    'DOMAIN',
    'INSTANCE',
    'PROJECT',
    '>vCPUs',
    '>RUN',
    '>WAIT',
    'WORST AGGRESSOR',
    '>ITS PART',
    'FINDING',
)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One domain in the last interval; times are in cores."""

    host: str
    uuid: str
    domain: str
    state: str
    instance: str | None
    project: str | None
    vcpus: int
    run_cores: float | None
    wait_cores: float | None
    worst: str | None
    #: Its part of all that the domain waited.
    worst_ratio: float | None
    finding: str | None


class Ranking:
    """Keeps the last two samples of each host, and what is open."""

    def __init__(self, host: str | None = None) -> None:
        """Look at one host only, or at all."""
        self._only = host
        self._samples: dict[str, tuple[sample.Sample | None, sample.Sample]]
        self._samples = {}
        self._findings: dict[str, finding.Finding] = {}

    def add_sample(self, new: sample.Sample) -> None:
        """Take a sample; one that is older than the last says nothing."""
        if self._only not in (None, new.host):
            return
        before = self._samples.get(new.host)
        last = before[1] if before else None
        if last is None or _order(last) < _order(new):
            self._samples[new.host] = (last, new)

    def add_finding(self, new: finding.Finding) -> None:
        """Take a finding; a closed one is forgotten."""
        if new.state == 'closed':
            self._findings.pop(new.id, None)
        else:
            self._findings[new.id] = new

    def hosts(self) -> list[sample.Sample]:
        """Return the newest sample of each host."""
        return [self._samples[host][1] for host in sorted(self._samples)]

    def rows(self) -> list[Row]:
        """Return all domains, who waits most first."""
        rows = [
            row
            for before, now in self._samples.values()
            for row in self._host_rows(before, now)
        ]
        return sorted(
            rows,
            key=lambda row: (
                -(row.wait_cores or 0),
                -(row.run_cores or 0),
                row.uuid,
            ),
        )

    def _host_rows(
        self, before: sample.Sample | None, now: sample.Sample
    ) -> Iterable[Row]:
        between = rates.between(before, now) if before else None
        charges = {
            row.victim: row.charges
            for row in (now.ledger.rows if now.ledger else ())
        }
        for domain in now.domains:
            rate = between.domains.get(domain.uuid) if between else None
            interval_us = between.interval_us if between else 0
            worst, ratio = _worst(charges.get(domain.uuid, {}), now.domains)
            yield Row(
                host=now.host,
                uuid=domain.uuid,
                domain=domain.name,
                state=domain.state,
                instance=domain.identity.instance_name,
                project=_project(domain.identity),
                vcpus=len(domain.vcpus),
                run_cores=_cores(rate.run_us, interval_us) if rate else None,
                wait_cores=(
                    _cores(rate.run_delay_us, interval_us) if rate else None
                ),
                worst=worst,
                worst_ratio=ratio,
                finding=self._verdict(domain.uuid),
            )

    def _verdict(self, uuid: str) -> str | None:
        """Return the verdicts on a domain, each once; of another resource
        than the CPUs with its name."""
        told = {
            found.verdict
            if found.resource == 'cpu'
            else f'{found.resource}: {found.verdict}'
            for found in self._findings.values()
            if found.victim.uuid == uuid
        }
        # Of the CPUs first.
        words = sorted(told, key=lambda one: (':' in one, one))
        return ', '.join(words) or None


def cells(row: Row, *, with_host: bool) -> list[str]:
    """Return the row as ``HEADER`` has it; with the host before the name."""
    name = f'{row.host}: {row.domain}' if with_host else row.domain
    if row.state not in ('running', 'blocked', 'unknown'):
        name += f' ({row.state})'
    return [
        name,
        row.instance or '-',
        row.project or '-',
        str(row.vcpus),
        _number(row.run_cores),
        _number(row.wait_cores),
        row.worst or '-',
        '-' if row.worst_ratio is None else f'{row.worst_ratio:.0%}',
        row.finding or '',
    ]


def headline(now: sample.Sample, age_s: float) -> str:
    """Return one line about a host."""
    ledger = now.ledger.source if now.ledger else 'none'
    reason = now.ledger.reason if now.ledger else None
    return (
        f'{now.host}: {len(now.domains)} domains, sample {age_s:.0f} s old,'
        f' ledger {ledger}' + (f' ({reason})' if reason else '')
    )


def _worst(
    charges: dict[str, int], domains: Sequence[sample.Domain]
) -> tuple[str | None, float | None]:
    """Return who ran most while this one waited, and its part of it."""
    total = sum(charges.values())
    if not total:
        return None, None
    most = max(charges, key=lambda name: (charges[name], name))
    return _name(most, domains), charges[most] / total


def _name(who: str, domains: Sequence[sample.Domain]) -> str:
    uuid = entity.uuid_of(who)
    for domain in domains:
        if domain.uuid == uuid:
            return domain.identity.instance_name or domain.name
    return {entity.QUOTA: 'its own quota'}.get(who, who)


def _project(identity: sample.Identity) -> str | None:
    if identity.project_name:
        return identity.project_name
    unassigned = identity.project_id == 'unassigned'
    return None if unassigned else identity.project_id


def _cores(used_us: int | None, interval_us: int) -> float | None:
    if used_us is None or not interval_us:
        return None
    return round(used_us / interval_us, 4)


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _order(one: sample.Sample) -> tuple[int, int]:
    return one.time_us, one.sequence
