# SPDX-License-Identifier: Apache-2.0
"""Report: when a host is told of, and what is told: values in, values out."""

import collections
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.detect import entitlement, memory, track
from kvm_insight.model import (
    entity,
    finding,
    host_report,
    sample,
    state,
    window,
)

WINDOW_S = 120
MINUTES = 5
_MINUTE_S = 60
_DIRTY_US = 900 * 1_000_000
_PRESSURES = (
    'cpu_some',
    'memory_some',
    'memory_full',
    'io_some',
    'io_full',
)


class Reporter:
    """Follows one host; forgets nothing that a successor would need but a
    few minutes of pressure."""

    def __init__(self, every_s: float) -> None:
        """Tell of the host at least so often."""
        self._every_us = round(every_s * 1e6)
        self._told_us: int | None = None
        self._told_of: list[str] = []
        self._boot_id = ''
        self._pressures: collections.deque[tuple[int, sample.Pressure]] = (
            collections.deque()
        )

    def report(
        self,
        new: sample.Sample,
        found: Sequence[finding.Finding],
        known: memory.Memory,
    ) -> host_report.HostReport | None:
        """Take a sample with what it made; return what there is to tell."""
        self._press(new)
        here = sorted(domain.uuid for domain in new.domains)
        if not (self._is_time(new) or _turned(found) or here != self._told_of):
            return None
        self._told_us = new.uptime_us
        if here != self._told_of:
            self._told_of = [*map(sys.intern, here)]
        return _drawn(new, known, list(self._minutes(new, known.series)))

    def _is_time(self, new: sample.Sample) -> bool:
        told_us = self._told_us
        if told_us is None or new.uptime_us < told_us:
            return True
        return new.uptime_us - told_us >= self._every_us

    def _press(self, new: sample.Sample) -> None:
        if new.boot_id != self._boot_id:
            self._boot_id = new.boot_id
            self._pressures.clear()
        if new.system.pressure is not None:
            self._pressures.append((new.uptime_us, new.system.pressure))
        edge_us = new.uptime_us - (MINUTES + 1) * _MINUTE_S * 1_000_000
        while self._pressures and self._pressures[0][0] < edge_us:
            self._pressures.popleft()

    def _minutes(
        self, new: sample.Sample, series: window.Window
    ) -> Iterator[host_report.Minute]:
        """Return the last minutes, the newest first."""
        who = _columns(series, new)
        for number in range(MINUTES):
            newer_s = number * _MINUTE_S
            use = _use(series, who, newer_s + _MINUTE_S, newer_s)
            end_us = new.uptime_us - number * _MINUTE_S * 1_000_000
            yield host_report.Minute(
                wanted_cores=_total(use.wanted),
                waited_cores=_total(use.waited),
                own_cores=use.own,
                **self._pressed(end_us),
            )

    def _pressed(self, end_us: int) -> dict[str, float | None]:
        """Return the parts of a minute that were lost to pressure."""
        begin_us = end_us - _MINUTE_S * 1_000_000
        inside = [
            (at_us, totals)
            for at_us, totals in self._pressures
            if begin_us <= at_us <= end_us
        ]
        if len(inside) < 2:
            return {}
        (first_us, older), (last_us, newer) = inside[0], inside[-1]
        found: dict[str, float | None] = {}
        for name in _PRESSURES:
            before = getattr(older, f'{name}_us')
            after = getattr(newer, f'{name}_us')
            if before is not None and after is not None and after >= before:
                part = (after - before) / max(1, last_us - first_us)
                found[name] = round(min(1.0, part), 4)
        return found


class _Use(NamedTuple):
    """What all instances, in the sample's order, and the host used."""

    wanted: list[float | None]
    waited: list[float | None]
    own: float | None


def _columns(series: window.Window, new: sample.Sample) -> window.Numbers:
    """Return the columns of the host and of all domains; -1 for none."""
    names = [entity.HOST]
    names += [entity.domain(domain.uuid) for domain in new.domains]
    found = [series.column(name) for name in names]
    return numpy.array([-1 if one is None else one for one in found])


def _use(
    series: window.Window,
    columns: window.Numbers,
    older_s: int,
    newer_s: int = 0,
) -> _Use:
    """Return the use from so many seconds ago until so many; the host's
    column comes first."""
    sums = series.between(older_s, newer_s)
    there = columns >= 0
    found = numpy.zeros((len(columns), sums.shape[1]), numpy.int64)
    found[there] = sums[columns[there]]
    run, delay, throttled, poll, measured = found.T
    known = (measured > 0).tolist()

    def cores(numbers: window.Numbers) -> list[float | None]:
        shares = numpy.maximum(numbers, 0) / numpy.maximum(measured, 1)
        return [
            share if is_known else None
            for share, is_known in zip(_rounded(shares), known, strict=True)
        ]

    own, *wanted = cores(
        numpy.maximum(run - poll, 0) + numpy.maximum(delay - throttled, 0)
    )
    _, *waited = cores(delay)
    return _Use(wanted, waited, own)


def _rounded(numbers: npt.NDArray[numpy.float64]) -> list[float]:
    """Return them as ``round`` with four digits does, one by one and so much
    slower: numpy's own goes another way where it is a close call."""
    scaled = numbers * 1e4
    found = numpy.rint(scaled) / 1e4
    close = numpy.abs(scaled % 1 - 0.5) < 1e-6 * numpy.maximum(numbers, 1)
    for at in numpy.flatnonzero(close).tolist():
        found[at] = round(float(numbers[at]), 4)
    rounded: list[float] = found.tolist()
    return rounded


def _total(parts: Iterable[float | None]) -> float | None:
    """Return the sum of what was measured; None where nothing was."""
    known = [part for part in parts if part is not None]
    return round(sum(known), 4) if known else None


def _turned(found: Iterable[finding.Finding]) -> bool:
    return any(one.state != 'update' for one in found)


def _drawn(
    new: sample.Sample,
    known: memory.Memory,
    minutes: list[host_report.Minute],
) -> host_report.HostReport:
    who = _columns(known.series, new)
    use = _use(known.series, who, WINDOW_S)
    both = [*known.incidents, *known.device_incidents]
    hurts = [_hurt(one) for one in _sharpest(both)]
    pairs = known.series.pairs(WINDOW_S, host_report.MOST_CHARGES)
    entities = sorted({who for pair in pairs for who in pair[:2]})
    place = {who: at for at, who in enumerate(entities)}
    return host_report.HostReport(
        host=new.host,
        hypervisor_hostname=new.hypervisor_hostname,
        compute_id=new.compute_id,
        time_us=new.time_us,
        agent_id=new.agent_id,
        sequence=new.sequence,
        window_s=WINDOW_S,
        cpus=len(entitlement.cpus_of(new.system.cpus) or ()),
        wanted_cores=_total(use.wanted),
        waited_cores=_total(use.waited),
        own_cores=use.own,
        lost_cores=round(sum(one.severity_cores for one in hurts), 4),
        memory_bytes=new.system.memory_bytes,
        memory_available_bytes=new.system.memory_available_bytes,
        minutes=minutes,
        ledger_source=new.ledger.source if new.ledger else None,
        entities=entities,
        charges=[
            (place[victim], place[runner], us) for victim, runner, us in pairs
        ],
        missing=new.missing,
        agent=new.agent,
        hurts=hurts,
        instances=[
            _instance(domain, wanted, waited)
            for domain, wanted, waited in zip(
                new.domains, use.wanted, use.waited, strict=True
            )
        ],
    )


def _sharpest(incidents: Iterable[state.Incident]) -> list[finding.Finding]:
    """Return the open findings; of each victim the one that tells it now."""
    found: dict[tuple[str, str], state.Incident] = {}
    for one in incidents:
        what = one.finding.victim.entity, one.finding.resource
        if what not in found or one.scale < found[what].scale:
            found[what] = one
    return [one.finding for one in found.values()]


def _hurt(one: finding.Finding) -> host_report.Hurt:
    return host_report.Hurt(
        finding_id=one.id,
        resource=one.resource,
        victim=one.victim.entity,
        verdict=one.verdict,
        cause=one.cause,
        aggressors=[
            host_report.Blamed(
                entity=named.party.entity,
                blame=named.blame,
                excess_cores=named.excess_cores,
            )
            for named in one.aggressors
        ],
        confidence=one.confidence,
        severity_cores=one.severity_cores,
        opened_us=one.opened_us,
    )


def _instance(
    domain: sample.Domain, wanted: float | None, waited: float | None
) -> host_report.Instance:
    identity = domain.identity
    held = domain.memory
    job = domain.job
    return host_report.Instance(
        uuid=domain.uuid,
        name=domain.name,
        instance_name=identity.instance_name,
        project_id=identity.project_id,
        project_name=identity.project_name,
        flavor=identity.flavor.name if identity.flavor else None,
        state=domain.state,
        vcpus=track.vcpus_of(domain),
        wanted_cores=wanted,
        waited_cores=waited,
        memory_bytes=held.maximum_bytes if held else None,
        rss_bytes=held.rss_bytes if held else None,
        dirty_rate_bytes_s=_dirty_rate(held),
        busy_with=(job.operation or job.kind) if job else None,
    )


def _dirty_rate(held: sample.Memory | None) -> int | None:
    """Return how fast it dirties memory; what is old, or of an age that
    nobody knows, says nothing of now."""
    if held is None or held.dirty_rate_age_us is None:
        return None
    if held.dirty_rate_age_us > _DIRTY_US:
        return None
    return held.dirty_rate_bytes_s
