# SPDX-License-Identifier: Apache-2.0
"""Evidence: what the window says about one victim and all around it."""

import dataclasses
from collections.abc import Mapping

import numpy
from numpy import typing as npt

from kvm_insight.detect import (
    baseline,
    entitlement,
    settings,
    suffering,
    suspect,
)
from kvm_insight.model import entity, window

Floats = npt.NDArray[numpy.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """The host now: who is there, and what each may and usually does."""

    cpus: frozenset[int]
    places: Mapping[str, entitlement.Place]
    entitled: Mapping[str, float]
    usual: Mapping[str, baseline.Level]
    #: The same of the cores on which each runs.
    running: Mapping[str, baseline.Level]
    source: str | None
    agent_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """One victim in one window."""

    case: suspect.Case
    suffering: float
    run_us: int
    delay_us: int
    throttled_us: int
    #: Cores lost per second.
    severity: float
    extent: window.Extent
    #: The whole row, ``quota`` included.
    row: dict[str, int]
    #: What is usual for the victim.
    level: baseline.Level


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """The cores that each entity wanted in each slot of a window."""

    cores: Floats
    #: Those on which it ran.
    ran: Floats
    known: npt.NDArray[numpy.bool_]


def use(series: window.Window) -> Use:
    """Return what all did, to be looked at for one victim after another."""
    values = series.values
    known = (values[:, :, window.RUN] >= 0) & (values[:, :, window.DELAY] >= 0)
    parts = numpy.maximum(values, 0)
    wanted = parts[:, :, window.RUN] - parts[:, :, window.POLL]
    ran = numpy.maximum(wanted, 0)
    wanted = ran + parts[:, :, window.DELAY]
    wanted = numpy.maximum(wanted - parts[:, :, window.THROTTLED], 0)
    cores = numpy.where(known, wanted, 0) / series.slots[:, 2:3]
    ran = numpy.where(known, ran, 0) / series.slots[:, 2:3]
    return Use(cores, ran, known)


@dataclasses.dataclass(frozen=True, slots=True)
class _Look:
    """One victim's slots: when it waited, and when it did not."""

    series: window.Window
    host: Host
    victim: str
    slots: window.Numbers
    #: How much of the wait lies in each slot.
    weights: Floats
    #: What each column wanted, weighted so.
    wanted: Floats
    #: On what each ran, weighted so.
    ran: Floats
    charges: Mapping[str, int]
    use: Use
    #: Slots of the last ten minutes in which it was busy and did not wait.
    calm: window.Numbers


def picture(
    series: window.Window,
    host: Host,
    victim: str,
    scale: settings.Scale,
    rules: settings.Settings,
    level: baseline.Level,
    incumbents: frozenset[str],
    used: Use,
) -> Picture | None:
    """Return what the window says; None if it says nothing of the victim."""
    column = series.column(victim)
    if column is None or victim not in host.places:
        return None
    slots = series.measured(scale.seconds, column)
    extent = series.extent(scale.seconds, column)
    if extent is None:
        return None
    values = numpy.maximum(series.values[slots, column], 0)
    run, delay, throttled, poll, _ = (int(part) for part in values.sum(axis=0))
    spans = series.slots[slots, 2]
    row = series.row(column, slots)
    charges = {who: us for who, us in row.items() if who != entity.QUOTA}
    weights = _weights(values)
    wanted, ran = _wanted(used, slots, weights)
    # One that is at full speed itself has its idle time to compare with.
    idle = float(wanted[column]) >= rules.full_speed
    calm = _calm(series, column, scale.floor / 2, rules, idle)
    look = _Look(
        series, host, victim, slots, weights, wanted, ran, charges, used, calm
    )
    case = suspect.Case(
        victim=_suspect(victim, look, rules),
        others=tuple(
            _suspect(other, look, rules)
            for other in [*host.places, entity.HOST]
            if other != victim
        ),
        cpus=len(host.places[victim].cpus),
        delay_us=delay,
        quota_us=min(delay, max(row.get(entity.QUOTA, 0), throttled)),
        row=charges,
        source=host.source if charges or not delay else None,
        confidence=_confidence(look, column),
        coverage=min(1.0, int(spans.sum()) / (scale.seconds * 1e6)),
        history=level.history,
        suffering=suffering.share(run, delay, poll),
        usual=_usual(level, rules) or 0.0,
        busiest=_busiest(look, rules),
        rose=len(calm) > 0,
        incumbents=incumbents,
        chronic=level.cohort,
        roams=any(len(cpus) > 1 for cpus in host.places[victim].vcpus),
    )
    return Picture(
        case,
        case.suffering,
        run,
        delay,
        throttled,
        delay / max(int(spans.sum()), 1),
        extent,
        row,
        level,
    )


def _calm(
    series: window.Window,
    column: int,
    limit: float,
    rules: settings.Settings,
    idle: bool,
) -> window.Numbers:
    """Return the slots in which one was busy (or ``idle``) and did not wait;
    none, if they are too few to show anything."""
    values = series.values[:, column]
    run = values[:, window.RUN] - numpy.maximum(values[:, window.POLL], 0)
    delay = values[:, window.DELAY]
    known = (values[:, window.RUN] >= 0) & (delay >= 0)
    wanted = numpy.maximum(run, 0) + delay
    busy = wanted >= rules.activity * series.slots[:, 2]
    calm_while_busy = busy & (delay < limit * wanted)
    calm_while_idle = ~busy if idle else numpy.zeros_like(busy)
    calm = numpy.flatnonzero(known & (calm_while_busy | calm_while_idle))
    return calm if len(calm) >= rules.calm_before else calm[:0]


def _weights(values: window.Numbers) -> Floats:
    """Return how much of the victim's wait lies in each slot: what others
    did while it did not wait is nothing to it."""
    waited = values[:, window.DELAY] - values[:, window.THROTTLED]
    waited = numpy.maximum(waited, 0).astype(numpy.float64)
    return waited if waited.sum() > 0 else numpy.ones(len(waited))


def _usual(
    level: baseline.Level | None, rules: settings.Settings
) -> float | None:
    enough = level is not None and (
        level.history or level.minutes >= rules.run_minutes
    )
    return level.median if level and enough else None


def _suspect(
    who: str, look: _Look, rules: settings.Settings
) -> suspect.Suspect:
    host = look.host
    place = host.places.get(who)
    level = host.usual.get(who)
    running = host.running.get(who)
    cores = _cores(look, who)
    column = look.series.column(who)
    if place is None:
        own = [us for it, us in look.charges.items() if entity.is_host(it)]
        charged = sum(own)
    else:
        # Its threads may wait for one another: more than that it cannot use.
        cores = min(cores, float(len(place.cpus)))
        charged = look.charges.get(who, 0)
    cpus = host.places[look.victim].cpus
    return suspect.Suspect(
        who,
        threads=len(place.vcpus) if place else max(1, round(cores + 0.5)),
        cores=cores,
        entitled=host.entitled.get(who, 0.0),
        overlap=place.overlap(cpus) if place else len(cpus) / len(host.cpus),
        usual=level.median if level and level.known else _meanwhile(look, who),
        history=bool(level and level.history),
        charged_us=charged,
        ran=0.0 if column is None else float(look.ran[column]),
        usually_ran=_usual(running, rules),
        spread=running.deviation if running else 0.0,
        rarely_above=running.high if running else 0.0,
        glimpsed=running.median if running and running.known else 0.0,
    )


def _wanted(
    used: Use, slots: window.Numbers, weights: Floats
) -> tuple[Floats, Floats]:
    """Return the cores that each column wanted, and those on which it ran,
    by the victim's wait."""
    weight = weights @ used.known[slots]
    weight = numpy.where(weight > 0, weight, 1.0)
    wanted = weights @ used.cores[slots] / weight
    return wanted, weights @ used.ran[slots] / weight


def _cores(look: _Look, who: str) -> float:
    column = look.series.column(who)
    return 0.0 if column is None else float(look.wanted[column])


def _meanwhile(look: _Look, who: str) -> float | None:
    """Return what one usually wanted while the victim did not wait."""
    if not len(look.calm):
        return None
    column = look.series.column(who)
    if column is None:
        return 0.0
    known = look.use.known[look.calm, column]
    if not known.any():
        # It was not there then: what it does is new.
        return 0.0
    return baseline.median(look.use.cores[look.calm, column][known])


def _confidence(look: _Look, column: int) -> float | None:
    ppm = look.series.values[look.slots, column, window.CONFIDENCE]
    known = ppm >= 0
    weight = float(look.weights[known].sum())
    if weight <= 0:
        return None
    return float((ppm * look.weights)[known].sum() / weight / 1e6)


def _busiest(look: _Look, rules: settings.Settings) -> str | None:
    """Return the host's service that used most, if that is something."""
    services = [
        name
        for name in look.series.entities
        if entity.service_of(name) is not None
    ]
    used = {name: _cores(look, name) for name in services}
    name = max(used, key=lambda who: (used[who], who), default=None)
    if name is None or used[name] < rules.least_excess:
        return None
    return name
