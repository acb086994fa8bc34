# SPDX-License-Identifier: Apache-2.0
"""View: a report's headline and names, for all who read it as text."""

import dataclasses
import datetime

from kvm_insight.model import tenant_report
from kvm_insight.report import figure, period, total


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What stands above all tables."""

    project: str
    #: ``November 2026``, or from when to when.
    when: str
    #: The whole report in one or two sentences.
    headline: str
    made: str
    #: What advice would give back, in words; empty for nothing.
    saving: str


def of(made: tenant_report.TenantReport, zone: datetime.tzinfo) -> View:
    """Return a report's headline and names."""
    saving = made.saving or tenant_report.Saving()
    return View(
        project=made.project_name or made.project_id,
        when=_when(made.period, zone),
        headline=_headline(made),
        made=figure.time(made.made_us, zone),
        saving=saved(saving.vcpus, saving.memory_bytes, saving.core_s),
    )


def saved(vcpus: int, memory_bytes: int, core_s: float) -> str:
    """Return what would be given back, in words; empty for nothing."""
    parts = []
    if vcpus:
        parts.append(f'{vcpus} vCPU{"s" * (vcpus != 1)}')
    if memory_bytes:
        parts.append(f'{figure.size(memory_bytes)} of memory')
    if core_s:
        parts.append(f'{figure.hours(core_s)} core-hours')
    return ', '.join(parts)


def _when(one: tenant_report.Period, zone: datetime.tzinfo) -> str:
    if one.month:
        return f'{period.local(one.since_us, zone):%B %Y}'
    first = figure.time(one.since_us, zone)
    return f'{first} to {figure.time(one.until_us, zone)}'


def _headline(made: tenant_report.TenantReport) -> str:
    whole = made.totals
    count = f'{whole.instances} instance{"s" * (whole.instances != 1)}'
    if not whole.instances:
        return 'The project had no instances in this time.'
    cpu = whole.cpu
    if not cpu.measured_s:
        return f'Of {count} nothing was measured in this time.'
    worked = f'{count} ran {figure.hours(cpu.run_core_s)} core-hours'
    if cpu.waited_ratio is None or not cpu.waited_core_s:
        return f'{worked}, and waited for no CPU while measured.'
    cause = figure.cause(total.main_cause(cpu.causes))
    return (
        f'{worked}, and waited for a CPU for {figure.share(cpu.waited_ratio)}'
        f' of the time that they wanted one. The largest cause: {cause}.'
    )
