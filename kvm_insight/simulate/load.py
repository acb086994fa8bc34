# SPDX-License-Identifier: Apache-2.0
"""Load: what all entities of a host want, and which part of it is excess.

The excess of one is what a scenario put on top of its quiet demand, and what
its quiet demand has above its own trailing level (median of two hours). To
take the excess away is the counterfactual on which the labels rest.
"""

import dataclasses

import numpy
from numpy import typing as npt

from kvm_insight.simulate import demand, plan

Floats = npt.NDArray[numpy.float64]

MINUTE_S = 60
TRAILING_MINUTES = 120
#: A level is known from here on; before, the first minutes stand for it.
LEAST_MINUTES = 20
#: Natural excess below this is none: cores, part of the level, deviations.
LEAST_CORES = 0.05
LEAST_PART = 0.25
DEVIATIONS = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """CPU demand in cores: one row an entity, one column a step."""

    step_s: float
    #: Without what the scenario puts on top.
    quiet: Floats
    wanted: Floats
    #: Whose quiet demand is all usual, however it goes up and down.
    usual: npt.NDArray[numpy.bool_]

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return float(self.quiet.shape[1] * self.step_s)


def alive(host: plan.Host, at_s: Floats) -> Floats:
    """Return which part of each step each entity is there."""
    rows = [demand.span(at_s, g.starts_s, g.ends_s) for g in host.guests]
    rows += [numpy.ones(len(at_s))] * len(host.services)
    return numpy.array(rows).reshape(-1, len(at_s))


def innocent(host: plan.Host, load: Load) -> Floats:
    """Return the demand of all without any excess."""
    base = _base(host, load)
    result = numpy.minimum(load.quiet, load.wanted)
    minutes = _minutes(load.quiet, load.step_s)
    spread = _spread(host, minutes)
    least = numpy.maximum(LEAST_CORES, LEAST_PART * base)
    least = numpy.maximum(least, DEVIATIONS * spread[:, None])
    over = (minutes > base + least) & ~load.usual[:, None]
    factor = numpy.where(over, base / numpy.maximum(minutes, 1e-9), 1.0)
    return numpy.asarray(result * _steps(factor, load))


def _base(host: plan.Host, load: Load) -> Floats:
    """Return the usual level of each entity, by the minute.

    One that came during the run has its entitlement until it has a history,
    and never more than that.
    """
    minutes = _minutes(load.quiet, load.step_s)
    result = _trailing(minutes)
    for row, guest in enumerate(host.guests):
        born = int(guest.starts_s // MINUTE_S)
        if born <= 0 or born >= minutes.shape[1]:
            continue
        right = plan.entitled(host, guest.starts_s)[row]
        own = _trailing(minutes[row : row + 1, born:])[0]
        result[row, born:] = numpy.minimum(own, right)
        result[row, born : born + LEAST_MINUTES] = right
    return result


def _minutes(values: Floats, step_s: float) -> Floats:
    """Return means by the minute; the last one may be shorter."""
    per = max(1, round(MINUTE_S / step_s))
    whole = -values.shape[1] % per
    padded = numpy.pad(values, ((0, 0), (0, whole)), mode='edge')
    means = padded.reshape(len(values), -1, per).mean(axis=2)
    return numpy.asarray(means)


def _steps(minutes: Floats, load: Load) -> Floats:
    per = max(1, round(MINUTE_S / load.step_s))
    return numpy.repeat(minutes, per, axis=1)[:, : load.quiet.shape[1]]


def _trailing(minutes: Floats) -> Floats:
    count = minutes.shape[1]
    result = numpy.empty_like(minutes)
    for at in range(count):
        begin = max(0, at - TRAILING_MINUTES)
        end = max(at, min(count, LEAST_MINUTES))
        result[:, at] = numpy.median(minutes[:, begin:end], axis=1)
    return result


def _spread(host: plan.Host, minutes: Floats) -> Floats:
    """Return how far each entity's minutes are from their median."""
    found = []
    for row, values in enumerate(minutes):
        born = host.guests[row].starts_s if row < len(host.guests) else 0.0
        own = values[int(born // MINUTE_S) :]
        middle = numpy.median(own) if len(own) else 0.0
        away = numpy.abs(own - middle)
        found.append(float(numpy.median(away)) if len(own) else 0.0)
    return numpy.array(found)
