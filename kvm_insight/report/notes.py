# SPDX-License-Identifier: Apache-2.0
"""Notes: what a reader has to know to read the figures right."""

from collections.abc import Iterator, Mapping

import msgspec

from kvm_insight.model import tenant_report
from kvm_insight.report import value

_RESOLUTIONS = {
    'day': 'Hours of this period are not kept any more: it is told by days'
    ' of UTC, each counted where it begins.',
    'mixed': 'Hours of its beginning are not kept any more: that is told by'
    ' days of UTC, each counted where it begins.',
}


def added(
    made: tenant_report.TenantReport, material: value.Material
) -> tenant_report.TenantReport:
    """Return the report with its notes."""
    return msgspec.structs.replace(made, notes=list(_of(made, material)))


def _of(
    made: tenant_report.TenantReport, material: value.Material
) -> Iterator[str]:
    if made.made_us < made.period.until_us:
        yield _so_far(made)
    if made.resolution in _RESOLUTIONS:
        yield _RESOLUTIONS[made.resolution]
    coverage = made.totals.coverage
    if coverage is not None and coverage < 1.0:
        yield (
            f'{100 - int(coverage * 100)} % of the time since your instances'
            ' were first seen is without data. A stopped instance is not'
            ' measured, nor is anything while its host is silent; how an'
            ' instance was then is not known.'
        )
    if material.until_us > made.period.until_us or (
        material.since_us > made.period.since_us
    ):
        yield 'An hour counts in the period in which it begins.'
    if made.totals.cpu.causes.neighbours > 0:
        yield (
            'Of a part of this period it was not kept whether other instances'
            ' were of this project: "neighbours" are of any.'
        )
    if material.more_found:
        yield (
            f'{material.more_found} more findings are not listed; those by'
            ' which most was lost are.'
        )
    if not made.advice_checks:
        yield 'Nothing was checked: that there is no advice says nothing.'
    elif made.advice_unknown:
        told = (f'{n} of {i}' for n, i in _by_check(made.advice_unknown))
        yield (
            'For some advice too little was measured, or not what it needs:'
            f' {", ".join(told)}. There it is not known whether all is well.'
        )


def _by_check(unknown: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for name, count in unknown.items():
        yield name, f'{count} instance{"s" * (count != 1)}'


def _so_far(made: tenant_report.TenantReport) -> str:
    text = 'The period is not over: this is what is known so far.'
    if not made.instances:
        return text
    if made.totals.cpu.measured_s:
        return f'{text} An hour is written when it is over.'
    return (
        f'{text} Nothing was measured yet: an hour is written when it is'
        ' over, so look again after the full hour.'
    )
