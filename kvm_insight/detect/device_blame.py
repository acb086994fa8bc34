# SPDX-License-Identifier: Apache-2.0
"""Blame: what of a loss would have been spared without whose excess.

How a loss grows with the load is known well enough from what is shared: a
queue's latency, packets beyond what passes, memory beyond what is there. What
the device can do need not be known: it follows from how much worse the loss
is than usual, and how much higher the load.
"""

import dataclasses
from collections.abc import Callable

import numpy
from numpy import typing as npt

from kvm_insight.detect import contest, device_settings, verdict
from kvm_insight.model import entity

Floats = npt.NDArray[numpy.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One victim, and all who share a device with it, itself among them."""

    rules: device_settings.Rules
    victim: int
    entities: tuple[str, ...]
    #: What each did while the victim lost; NaN: not known.
    work: Floats
    #: What is usual for each (NaN: not known), and how that varies.
    usual: Floats
    spread: Floats
    #: The victim's loss, and that of all others, in parts.
    suffering: float
    others_suffering: float
    #: How much of its own limit the victim used.
    used: float
    coverage: float
    history: bool
    incumbents: frozenset[str] = frozenset()


def judge(case: Case) -> verdict.Verdict:
    """Return the verdict on one victim."""
    sure = _confidence(case)
    excess = _excesses(case)
    total = _rise(case, excess)
    load = float(numpy.nansum(case.work))
    own = float(excess[case.victim])
    if case.used >= _LIMIT[case.rules.resource]:
        return verdict.Verdict('self_inflicted', 'limit', sure)
    if total < case.rules.least_rise * max(load - total, 1e-9):
        return _nobody(case, sure)
    if _is_alone(case):
        if own > 0:
            return verdict.Verdict('self_inflicted', 'burst', sure)
        return _nobody(case, sure)
    blames = _blames(case, excess)
    host = sum(
        float(excess[at])
        for at, who in enumerate(case.entities)
        if entity.is_host(who)
    )
    if own * 2 >= total:
        others = _without(blames, case.entities[case.victim])
        return verdict.Verdict('self_inflicted', 'burst', sure, others=others)
    if host * 2 >= total:
        named = tuple(one for one in blames if entity.is_host(one.entity))
        return verdict.Verdict('host_process', 'service', sure, named)
    return _others(case, blames, excess, sure)


#: So many guests have one in the middle.
_MANY = 4
#: From which part of its own limit on that is what one waits for.
_LIMIT = {'disk': 0.90, 'memory': 0.50, 'network': 2.0}


def _excesses(case: Case) -> Floats:
    """Return by how much each did more than is usual for it."""
    over = numpy.nan_to_num(case.work - case.usual)
    load = float(numpy.nansum(case.work))
    usual = max(load - float(numpy.maximum(over, 0.0).sum()), 0.0)
    noise = case.rules.spread * numpy.nan_to_num(case.spread)
    least = numpy.maximum(noise, case.rules.least_excess * usual)
    return numpy.where(over >= numpy.maximum(least, 1e-9), over, 0.0)


def _rise(case: Case, excess: Floats) -> float:
    """Return all excess: many who rose a little each rose together, too."""
    over = numpy.nan_to_num(case.work - case.usual)
    rest = float(over[excess <= 0].sum())
    return float(excess.sum()) + max(0.0, rest)


def _tide(case: Case) -> float:
    """Return what the one in the middle does more than is usual for it:
    where most rise together, that is nobody's own doing."""
    over = case.work - case.usual
    guests = [not entity.is_host(who) for who in case.entities]
    known = numpy.sort(over[numpy.array(guests) & ~numpy.isnan(over)])
    if len(known) < _MANY:
        return 0.0
    return max(0.0, float(known[(len(known) - 1) // 2]))


def _is_alone(case: Case) -> bool:
    """Say whether the victim loses what nobody else does: it is not what
    they share that is full."""
    if case.rules.resource != 'network':
        return False
    return case.others_suffering < 0.2 * case.suffering


def _blames(case: Case, excess: Floats) -> tuple[contest.Blame, ...]:
    """Return what each one's excess cost the victim, largest first."""
    load = float(numpy.nansum(case.work))
    spared = _MODELS[case.rules.resource](case, excess, load)
    found = [
        contest.Blame(who, min(1.0, max(0.0, part)), over)
        for who, part, over in zip(
            case.entities, spared.tolist(), excess.tolist(), strict=True
        )
        if over > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.blame, one.entity)))


def _queue(case: Case, excess: Floats, load: float) -> Floats:
    """A request takes 1 / (1 - u) times as long where the device is busy for
    the part u of the time: u follows from how much longer it takes than
    usual, and how much more is done."""
    longer = 1 / max(1 - case.suffering, 1e-3)
    more = load / max(load - _rise(case, excess), 1e-9 * load)
    before = (longer - 1) / (longer * more - 1)
    busy = min(before * more, 0.999)
    left = busy * (1 - excess / load)
    return numpy.asarray((1 - (1 - busy) / (1 - left)) / case.suffering)


def _path(case: Case, excess: Floats, load: float) -> Floats:
    """Of all packets as many pass as can, the rest is dropped."""
    passes = load * (1 - case.suffering)
    left = numpy.maximum(0.0, 1 - passes / numpy.maximum(load - excess, 1e-9))
    return numpy.asarray(1 - left / case.suffering)


def _store(case: Case, excess: Floats, load: float) -> Floats:
    """What does not fit is at most what all have more than usual."""
    return numpy.asarray(excess / _rise(case, excess))


_MODELS: dict[
    device_settings.Resource, Callable[[Case, Floats, float], Floats]
] = {'disk': _queue, 'memory': _store, 'network': _path}


def _without(
    blames: tuple[contest.Blame, ...], who: str
) -> tuple[contest.Blame, ...]:
    return tuple(one for one in blames if one.entity != who)


def _others(
    case: Case, blames: tuple[contest.Blame, ...], excess: Floats, sure: float
) -> verdict.Verdict:
    rules = case.rules
    total, tide = _rise(case, excess), _tide(case)

    def is_enough(one: contest.Blame) -> bool:
        known = one.entity in case.incumbents
        ease = rules.incumbent if known else 1.0
        share = (one.excess - tide) / total
        return one.blame >= rules.blame * ease and share >= rules.share * ease

    rest = _without(blames, case.entities[case.victim])
    named = tuple(
        one
        for one in rest
        if is_enough(one) and not entity.is_host(one.entity)
    )
    rest = tuple(one for one in rest if one not in named)
    if not named:
        return verdict.Verdict('overcommit', 'crowded', sure, others=rest)
    margin = min(1.0, sum(one.blame for one in named))
    sure = round(sure * (0.6 + 0.4 * margin), 4)
    return verdict.Verdict('antagonist', None, sure, named, rest)


def _nobody(case: Case, sure: float) -> verdict.Verdict:
    return verdict.unknown(sure)


def _confidence(case: Case) -> float:
    """Return how sure a verdict on this evidence can be at most."""
    sure = 0.95 if case.history else 0.7
    return round(sure * (0.5 + 0.5 * min(1.0, case.coverage)), 3)
