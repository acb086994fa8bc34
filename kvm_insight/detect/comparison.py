# SPDX-License-Identifier: Apache-2.0
"""Comparison: domains held to their cohorts, where their own past says little.

Who waited as long as it is known has no past without its neighbour; those
like it elsewhere have. Then the neighbours are held to their cohorts, too.
"""

import dataclasses
from collections.abc import Iterable

from kvm_insight.detect import baseline, cohorts, evidence, settings, track
from kvm_insight.model import finding, inventory


def level(
    one: track.Track,
    own: baseline.Level,
    time_us: int,
    rules: settings.Settings,
) -> baseline.Level | None:
    """Return the suffering that is usual for a domain's cohort; None where
    that is not known, or its own history shows what is well."""
    cohort = _cohort(one, time_us)
    if cohort is None:
        return None
    usual = baseline.Level(
        cohort.suffering,
        cohort.deviation,
        minutes=rules.baseline_minutes,
        cohort=True,
    )
    mildest = rules.scales[-1].floor
    bearable = baseline.limit(usual, mildest, rules.deviations)
    return None if own.history and own.median < bearable else usual


def host(
    whole: evidence.Host,
    tracks: Iterable[track.Track],
    time_us: int,
    rules: settings.Settings,
) -> evidence.Host:
    """Return the host with what each one's cohort wants as what is usual for
    it; of who has none only the entitlement is known, and of nobody how much
    it ran before it had a neighbour."""
    usual = {
        one.entity: baseline.Level(
            cohort.use * one.baseline.vcpus,
            minutes=rules.baseline_minutes,
            known=True,
            history=True,
            cohort=True,
        )
        for one in tracks
        if (cohort := _cohort(one, time_us)) is not None
    }
    return dataclasses.replace(whole, usual=usual, running={})


def is_told(found: finding.Finding) -> bool:
    """Say whether a victim was told of as held to its cohort; it stays so
    while that is open."""
    return found.evidence.baseline_source == 'cohort'


def _cohort(one: track.Track, time_us: int) -> inventory.Cohort | None:
    cohort = one.cohort
    if cohort is None or not cohorts.holds(cohort, time_us):
        return None
    return cohort
