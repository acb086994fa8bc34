# SPDX-License-Identifier: Apache-2.0
"""Intake: rates and ledger of one interval, as the window keeps them."""

from collections.abc import Mapping

from kvm_insight.model import entity, rates, sample, window

#: A wait below this part of the interval is not worth its ledger row.
_LEAST_WAIT = 0.005


def values(
    happened: rates.Rates, ledger: sample.Ledger | None
) -> dict[str, window.Values]:
    """Return what each entity did."""
    trust = (
        {row.victim: row.confidence for row in ledger.rows} if ledger else {}
    )
    found = {
        entity.domain(uuid): _domain(domain, trust.get(uuid))
        for uuid, domain in happened.domains.items()
    }
    if happened.host_us is not None:
        found[entity.HOST] = window.Values(happened.host_us, 0)
    for name, run_us in happened.services.items():
        found[entity.service(name)] = window.Values(run_us, 0)
    return found


def rows(
    happened: rates.Rates, ledger: sample.Ledger | None
) -> dict[str, Mapping[str, int]]:
    """Return the ledger's rows of those who waited at all."""
    least = _LEAST_WAIT * happened.interval_us
    found: dict[str, Mapping[str, int]] = {}
    for row in ledger.rows if ledger else ():
        domain = happened.domains.get(row.victim)
        if domain is not None and (domain.run_delay_us or 0) >= least:
            found[entity.domain(row.victim)] = row.charges
    return found


def _domain(domain: rates.Domain, trust: float | None) -> window.Values:
    if domain.run_us is None or domain.run_delay_us is None:
        return window.Values()
    return window.Values(
        domain.run_us,
        domain.run_delay_us,
        domain.throttled_us or 0,
        domain.halt_poll_us or 0,
        window.UNKNOWN if trust is None else round(trust * 1e6),
    )
