# SPDX-License-Identifier: Apache-2.0
"""Evidence: what the window says about one victim and all around it."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy
from numpy import typing as npt

from kvm_insight.detect import (
    baseline,
    entitlement,
    settings,
    suffering,
    verdict,
)
from kvm_insight.model import entity, finding, window

Floats = npt.NDArray[numpy.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """The host now: who is there, and what each may and usually does."""

    cpus: frozenset[int]
    places: Mapping[str, entitlement.Place]
    entitled: Mapping[str, float]
    usual: Mapping[str, baseline.Level]
    source: str | None
    agent_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """One victim in one window."""

    case: verdict.Case
    suffering: float
    run_us: int
    delay_us: int
    throttled_us: int
    #: Cores lost per second.
    severity: float
    extent: window.Extent
    #: The whole row, ``quota`` included.
    row: dict[str, int]


def picture(
    series: window.Window,
    host: Host,
    victim: str,
    seconds: int,
    rules: settings.Settings,
    history: bool,
    incumbents: frozenset[str],
) -> Picture | None:
    """Return what the window says; None if it says nothing of the victim."""
    column = series.column(victim)
    if column is None or victim not in host.places:
        return None
    slots = series.measured(seconds, column)
    extent = series.extent(seconds, column)
    if extent is None:
        return None
    values = numpy.maximum(series.values[slots, column], 0)
    run, delay, throttled, poll, _ = (int(part) for part in values.sum(axis=0))
    spans = series.slots[slots, 2]
    row = series.row(column, slots)
    weights = _weights(values)
    quota = min(delay, max(row.get(entity.QUOTA, 0), throttled))
    charges = {who: us for who, us in row.items() if who != entity.QUOTA}
    case = verdict.Case(
        victim=_suspect(victim, victim, series, host, slots, weights, charges),
        others=tuple(
            _suspect(other, victim, series, host, slots, weights, charges)
            for other in [*host.places, entity.HOST]
            if other != victim
        ),
        cpus=len(host.places[victim].cpus),
        delay_us=delay,
        quota_us=quota,
        row=charges,
        source=host.source if charges or not delay else None,
        confidence=_confidence(series, column, slots, weights),
        coverage=min(1.0, int(spans.sum()) / (seconds * 1e6)),
        history=history,
        busiest=_busiest(series, slots, weights, rules),
        incumbents=incumbents,
    )
    return Picture(
        case,
        suffering.share(run, delay, poll),
        run,
        delay,
        throttled,
        delay / max(int(spans.sum()), 1),
        extent,
        row,
    )


def _weights(values: window.Numbers) -> Floats:
    """Return how much of the victim's wait lies in each slot: what others
    did while it did not wait is nothing to it."""
    waited = values[:, window.DELAY] - values[:, window.THROTTLED]
    waited = numpy.maximum(waited, 0).astype(numpy.float64)
    return waited if waited.sum() > 0 else numpy.ones(len(waited))


def _suspect(
    who: str,
    victim: str,
    series: window.Window,
    host: Host,
    slots: window.Numbers,
    weights: Floats,
    charges: Mapping[str, int],
) -> verdict.Suspect:
    usual = host.usual.get(who)
    place = host.places.get(who)
    cores = _cores(series, who, slots, weights)
    if place is not None:
        # Its threads may wait for one another: more than that it cannot use.
        cores = min(cores, float(len(place.cpus)))
    cpus = host.places[victim].cpus
    charged = charges.get(who, 0)
    if place is None:
        charged = sum(us for it, us in charges.items() if entity.is_host(it))
    return verdict.Suspect(
        who,
        threads=len(place.vcpus) if place else max(1, round(cores + 0.5)),
        cores=cores,
        entitled=host.entitled.get(who, 0.0),
        overlap=place.overlap(cpus) if place else len(cpus) / len(host.cpus),
        usual=usual.median if usual and usual.known else None,
        history=bool(usual and usual.history),
        charged_us=charged,
    )


def _cores(
    series: window.Window, who: str, slots: window.Numbers, weights: Floats
) -> float:
    """Return the cores it wanted, weighted by the victim's wait."""
    column = series.column(who)
    if column is None:
        return 0.0
    values = series.values[slots, column]
    known = (values[:, window.RUN] >= 0) & (values[:, window.DELAY] >= 0)
    weight = float(weights[known].sum())
    if weight <= 0:
        return 0.0
    parts = numpy.maximum(values, 0)
    wanted = numpy.maximum(parts[:, window.RUN] - parts[:, window.POLL], 0)
    wanted += parts[:, window.DELAY] - parts[:, window.THROTTLED]
    cores = numpy.maximum(wanted, 0) / series.slots[slots, 2]
    return float((cores * weights)[known].sum() / weight)


def _confidence(
    series: window.Window,
    column: int,
    slots: window.Numbers,
    weights: Floats,
) -> float | None:
    ppm = series.values[slots, column, window.CONFIDENCE]
    known = ppm >= 0
    weight = float(weights[known].sum())
    if weight <= 0:
        return None
    return float((ppm * weights)[known].sum() / weight / 1e6)


def _busiest(
    series: window.Window,
    slots: window.Numbers,
    weights: Floats,
    rules: settings.Settings,
) -> str | None:
    """Return the host's service that used most, if that is something."""
    services = [
        name for name in series.entities if entity.service_of(name) is not None
    ]
    used = {name: _cores(series, name, slots, weights) for name in services}
    name = max(used, key=lambda who: (used[who], who), default=None)
    if name is None or used[name] < rules.least_excess:
        return None
    return name


def record(
    seen: Picture,
    scale: settings.Scale,
    level: baseline.Level,
    host: Host,
) -> finding.Evidence:
    """Return the evidence as it is published."""
    first, last = seen.extent.first, seen.extent.last
    case = seen.case
    return finding.Evidence(
        window_s=scale.seconds,
        start_us=max(0, first.time_us - first.interval_us),
        end_us=last.time_us,
        first_sequence=first.sequence,
        last_sequence=last.sequence,
        agent_id=host.agent_id,
        samples=seen.extent.slots,
        coverage=round(case.coverage, 4),
        suffering=round(seen.suffering, 6),
        floor=scale.floor,
        baseline=round(level.median, 6),
        baseline_source='history' if case.history else 'entitlement',
        run_us=seen.run_us,
        run_delay_us=seen.delay_us,
        throttled_us=seen.throttled_us,
        ledger_source=_source(case.source),
        ledger_confidence=case.confidence,
        charges=seen.row,
    )


def _source(name: str | None) -> Literal['ebpf', 'sampled'] | None:
    if name == 'ebpf':
        return 'ebpf'
    return 'sampled' if name == 'sampled' else None
