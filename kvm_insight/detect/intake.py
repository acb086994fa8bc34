# SPDX-License-Identifier: Apache-2.0
"""Intake: rates and ledger of one interval, as the window keeps them."""

import itertools
from collections.abc import Mapping

import numpy

from kvm_insight.model import entity, rates, reading, sample, window

#: A wait below this part of the interval is not worth its ledger row.
_LEAST_WAIT = 0.005


def values(
    happened: rates.Rates, ledger: sample.Ledger | None
) -> window.Table:
    """Return what each entity did."""
    entities, known = happened.layout.entities, happened.known
    others = {
        entity.service(name): run_us
        for name, run_us in happened.services.items()
    }
    if happened.host_us is not None:
        others = {entity.HOST: happened.host_us, **others}
    count = len(entities)
    found = numpy.empty((count + len(others), len(window.Values._fields)))
    _put_domains(found[:count], happened, ledger)
    for at, run_us in enumerate(others.values(), count):
        found[at] = window.Values(run_us, 0)
    numbers = found.astype(numpy.int64)
    if not known.all():
        there = known.tolist()
        entities = tuple(itertools.compress(entities, there))
        numbers = numbers[[*there, *[True] * len(others)]]
    return window.Table((*entities, *others), numbers)


def rows(
    happened: rates.Rates, ledger: sample.Ledger | None
) -> dict[str, Mapping[str, int]]:
    """Return the ledger's rows of those who waited at all."""
    waited = happened.cpu.run_delay_us >= _LEAST_WAIT * happened.interval_us
    if ledger is None or not waited.any():
        return {}
    uuids = happened.layout.uuids
    victims = {uuids[at] for at in numpy.flatnonzero(waited).tolist()}
    return {
        entity.domain(row.victim): row.charges
        for row in ledger.rows
        if row.victim in victims
    }


def _put_domains(
    found: reading.Floats,
    happened: rates.Rates,
    ledger: sample.Ledger | None,
) -> None:
    """Put in a row a domain, as ``window.Values`` has it."""
    trust = {
        row.victim: round(row.confidence * 1e6)
        for row in (ledger.rows if ledger else ())
    }
    for column, numbers in enumerate(happened.cpu):
        found[:, column] = numbers
    found[:, window.CONFIDENCE] = [
        trust.get(uuid, window.UNKNOWN) for uuid in happened.layout.uuids
    ]
    unknown = numpy.isnan(found)
    needed = unknown[:, : window.THROTTLED].any(axis=1)
    found[unknown] = 0.0
    found[needed] = window.UNKNOWN
