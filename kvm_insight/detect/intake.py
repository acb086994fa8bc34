# SPDX-License-Identifier: Apache-2.0
"""Intake: rates and ledger of one interval, as the window keeps them."""

from collections.abc import Mapping

import numpy

from kvm_insight.model import entity, rates, reading, sample, window

#: A wait below this part of the interval is not worth its ledger row.
_LEAST_WAIT = 0.005


def values(
    happened: rates.Rates, ledger: sample.Ledger | None
) -> window.Table:
    """Return what each entity did."""
    entities = happened.layout.entities
    numbers = _domains(happened, ledger)
    if not happened.known.all():
        numbers = numbers[happened.known]
        known = zip(entities, happened.known.tolist(), strict=True)
        entities = tuple(who for who, was_there in known if was_there)
    others = {
        entity.service(name): run_us
        for name, run_us in happened.services.items()
    }
    if happened.host_us is not None:
        others = {entity.HOST: happened.host_us, **others}
    rest = [window.Values(run_us, 0) for run_us in others.values()]
    if rest:
        numbers = numpy.concatenate([numbers, rest], dtype=numpy.int64)
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


def _domains(
    happened: rates.Rates, ledger: sample.Ledger | None
) -> window.Numbers:
    """Return a row a domain, as ``window.Values`` has it."""
    cpu = happened.cpu
    trust = (
        {row.victim: row.confidence for row in ledger.rows} if ledger else {}
    )
    confidence = [trust.get(uuid) for uuid in happened.layout.uuids]
    ppm = numpy.rint(numpy.array(confidence, numpy.float64) * 1e6)
    found = numpy.array(
        [
            cpu.run_us,
            cpu.run_delay_us,
            reading.or_zero(cpu.throttled_us),
            reading.or_zero(cpu.halt_poll_us),
            numpy.where(numpy.isnan(ppm), window.UNKNOWN, ppm),
        ]
    ).T
    found[numpy.isnan(found).any(axis=1)] = window.UNKNOWN
    return found.astype(numpy.int64)
