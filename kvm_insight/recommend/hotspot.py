# SPDX-License-Identifier: Apache-2.0
"""Hotspot soon: hosts whose instances will want more than there is.

The predicted peak against what the host's cores can really do, at 1, 6 and
24 hours. A host is called hot where that is more likely than not, and stays
so until it is clearly less.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy

from kvm_insight.model import cluster
from kvm_insight.recommend import calibration, peak

#: What each further thread of a core adds to it.
SIBLING = 0.25
_HOUR_S = 3600


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What is too much, and how sure one must be of it."""

    #: Of the effective capacity.
    full_ratio: float = 0.85
    #: Probabilities from which on, and down to which, a host is hot.
    opens: float = 0.5
    closes: float = 0.3


@dataclasses.dataclass(frozen=True, slots=True)
class Hotspot:
    """What is expected of one host."""

    host: str
    #: ``unknown`` where there is no forecast or no capacity to hold it to.
    state: Literal['hot', 'cool', 'unknown']
    #: That it gets too much within the hours below.
    probability: float = 0.0
    #: It is not expected sooner than the first, but within the second.
    not_before_h: int = 0
    within_h: int = 0
    #: Expected and high peak within these hours, and what is too much.
    expected_cores: float = 0.0
    high_cores: float = 0.0
    limit_cores: float = 0.0
    #: Instances that were too young to have a history.
    young: int = 0


def effective_cores(cpus: int, threads_per_core: int) -> float:
    """Return how many whole cores' work a host's CPUs can do at once."""
    if cpus <= 0 or threads_per_core <= 0:
        return 0.0
    return cpus / threads_per_core * (1 + SIBLING * (threads_per_core - 1))


def expected(
    host: str,
    peaks: Sequence[peak.Peak],
    capacity_cores: float,
    own_cores: float,
    was_hot: bool,
    rules: Settings,
) -> Hotspot:
    """Return whether a host will be hot, and from when.

    ``peaks`` come with the shortest horizon first; ``capacity_cores`` is the
    effective one, of which ``own_cores`` are the host's own.
    """
    limit = rules.full_ratio * capacity_cores - own_cores
    if not peaks or not math.isfinite(limit) or capacity_cores <= 0:
        return Hotspot(host, 'unknown')
    # What is likely within an hour is so within a day.
    chances = numpy.maximum.accumulate(
        [one.chance_above(limit) for one in peaks]
    ).tolist()
    enough = rules.closes if was_hot else rules.opens
    hot = [at for at, chance in enumerate(chances) if chance >= enough]
    at = hot[0] if hot else len(peaks) - 1
    return Hotspot(
        host=host,
        state='hot' if hot else 'cool',
        probability=chances[at],
        not_before_h=peaks[at - 1].horizon_h if at else 0,
        within_h=peaks[at].horizon_h,
        expected_cores=peaks[at].upper_cores(0.5),
        high_cores=peaks[at].upper_cores(0.95),
        limit_cores=limit,
        young=peaks[at].young,
    )


def forecasts(
    histories: Iterable[peak.History],
    calibrations: Sequence[calibration.Calibration],
    seed: int,
) -> list[peak.Peak]:
    """Return the peaks of instances that share a host, or of one alone, for
    each horizon; nothing if nothing is known.

    ``calibrations`` are ``calibration.HOST`` or ``calibration.INSTANCE``.
    """
    past = peak.known(list(histories))
    if past is None:
        return []
    return [
        peak.ahead(past, one, numpy.random.default_rng(seed))
        for one in calibrations
    ]


def of_hosts(
    places: Mapping[str, Sequence[str]],
    histories: Mapping[str, peak.History],
    seed: int,
) -> dict[str, list[peak.Peak]]:
    """Return host -> its peaks, from the instances that are there now.

    A host with an instance of which not even the limit is known, has none.
    """
    return {
        host: forecasts(
            (histories[one] for one in uuids), calibration.HOST, seed
        )
        if all(one in histories for one in uuids)
        else []
        for host, uuids in places.items()
    }


def published(peaks: Iterable[peak.Peak]) -> list[cluster.Peak]:
    """Return peaks as the cluster's description has them."""
    return [
        cluster.Peak(
            horizon_s=one.horizon_h * _HOUR_S,
            p50_cores=round(one.upper_cores(0.5), 3),
            p95_cores=round(one.upper_cores(0.95), 3),
        )
        for one in peaks
    ]
