# SPDX-License-Identifier: Apache-2.0
"""Truth by counterfactual: who suffered, and what would have spared it.

One entity's excess is taken away, all else is computed again with the same
chance, and what the victim's loss falls by is the truth.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence

import numpy
from numpy import typing as npt

from kvm_insight.simulate import game

Floats = npt.NDArray[numpy.float64]

#: A part below this is not told of.
_LEAST = 0.05
#: Windows whose median is usual, as for excess, and of those that come first.
_HOURS = 7200 // game.WINDOW_S
_FIRST = 1200 // game.WINDOW_S


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """From where on one is a victim, and where that is left open."""

    suffering: float = 0.05
    suffering_open: float = 0.03
    #: Above its median.
    rise: float = 0.03
    rise_open: float = 0.015
    spared: float = 0.30
    spared_open: float = 0.15
    #: Part of what all are to blame for.
    share: float = 0.30
    share_open: float = 0.20
    #: Part that must be left of one's suffering with nobody else's excess,
    #: for it to be one's own doing.
    alone: float = 0.50
    #: Part of the vCPUs' time that must be wanted.
    activity: float = 0.06
    activity_open: float = 0.04


@dataclasses.dataclass(frozen=True, slots=True)
class Blame:
    """What one is to blame for."""

    who: int
    spared: float
    share: float
    guilty: bool | None


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """One victim in one window."""

    victim: int
    window: int
    suffering: float
    #: What it suffers at that time without anybody's excess.
    usual: float
    is_victim: bool | None
    blames: tuple[Blame, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Truth:
    """All that is to be said of one resource of one host."""

    judged: list[Judged]
    #: Entity x bin, as it was.
    by_bin: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class Amounts:
    """Entity x window: what each could have, and its excess in cores."""

    capacity: Floats
    excess: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """Entities that contend with one another, and with nobody else."""

    members: tuple[int, ...]
    #: Those with any excess at all, and of them those who may be guilty by
    #: themselves.
    everybody: frozenset[int]
    suspects: frozenset[int]


def judge(
    evaluate: game.Evaluate,
    case: Case,
    victims: Collection[int],
    amounts: Amounts,
    bounds: Bounds,
) -> Truth:
    """Return the truth about the victims of one case."""
    played = game.Game(evaluate, case.everybody, case.suspects, amounts.excess)
    judged = [
        one
        for victim in victims
        for one in _windows(played, victim, amounts.capacity, bounds)
    ]
    return Truth(judged, played.by_bin)


def joined(truths: Sequence[Truth], members: Sequence[Sequence[int]]) -> Truth:
    """Return the truth about all cases together."""
    by_bin = truths[0].by_bin.copy()
    for one, rows in zip(truths, members, strict=True):
        by_bin[rows] = one.by_bin[rows]
    judged = [judged for one in truths for judged in one.judged]
    return Truth(judged, by_bin)


def _windows(
    played: game.Game,
    victim: int,
    capacity: Floats,
    bounds: Bounds,
) -> list[Judged]:
    found = []
    now = played.suffering(game.NOBODY)[victim]
    quiet = played.suffering(played.everybody)[victim]
    wanted = played.total[victim] / capacity[victim]
    active = wanted >= bounds.activity
    for window, suffering in enumerate(now.tolist()):
        if suffering < bounds.suffering_open:
            continue
        wants = float(wanted[window])
        usual = _usual(quiet, active, window)
        rise = suffering - usual
        is_victim = _is_victim(suffering, rise, wants, bounds)
        if is_victim is False:
            continue
        blames = _blames(played, victim, window, rise, bounds)
        found.append(
            Judged(victim, window, suffering, usual, is_victim, blames)
        )
    return found


def _usual(
    quiet: Floats, active: npt.NDArray[numpy.bool_], window: int
) -> float:
    """Return the median of the two hours before, while it was active; of the
    first minutes, that of them all."""
    begin, end = max(0, window - _HOURS), max(window, _FIRST)
    known = quiet[begin:end][active[begin:end]]
    return float(numpy.median(known)) if len(known) else 0.0


def _is_victim(
    suffering: float, rise: float, wants: float, bounds: Bounds
) -> bool | None:
    pairs = (
        (suffering, bounds.suffering, bounds.suffering_open),
        (rise, bounds.rise, bounds.rise_open),
        (wants, bounds.activity, bounds.activity_open),
    )
    if all(value >= high for value, high, _ in pairs):
        return True
    return None if all(value >= low for value, _, low in pairs) else False


def _blames(
    played: game.Game, victim: int, window: int, rise: float, bounds: Bounds
) -> tuple[Blame, ...]:
    """Return who is to blame, largest first."""
    if not played.everybody or rise <= 0:
        return ()
    now = float(played.suffering(game.NOBODY)[victim, window])

    def spared(subset: game.Subset) -> float:
        left = float(played.suffering(subset)[victim, window])
        return (now - left) / rise

    parts = {who: spared(frozenset([who])) for who in played.suspects}
    if played.rest:
        parts[game.REST] = spared(played.rest)
    together = spared(played.everybody)
    if together >= bounds.spared and max(parts.values()) < bounds.spared:
        parts = game.shapley(played, window, parts, spared)
    own = parts.get(victim, 0.0)
    if own >= bounds.spared and _left(played, victim, spared) < bounds.alone:
        # It suffers by its own excess only since all others rose as well.
        parts[victim] = min(own, bounds.spared_open)
    return _shared(parts, bounds)


def _left(
    played: game.Game, victim: int, spared: Callable[[game.Subset], float]
) -> float:
    """Return the part that is left where nobody else has an excess."""
    return 1 - spared(played.everybody - {victim})


def _shared(parts: dict[int, float], bounds: Bounds) -> tuple[Blame, ...]:
    whole = sum(max(0.0, part) for part in parts.values())
    found = [
        Blame(who, part, part / whole, _guilty(part, part / whole, bounds))
        for who, part in parts.items()
        if whole > 0 and part >= _LEAST and who != game.REST
    ]
    return tuple(sorted(found, key=lambda one: -one.spared))


def _guilty(spared: float, share: float, bounds: Bounds) -> bool | None:
    if spared >= bounds.spared and share >= bounds.share:
        return True
    if spared < bounds.spared_open or share < bounds.share_open:
        return False
    return None
