# SPDX-License-Identifier: Apache-2.0
"""A tenant's report as plain text, for a terminal or a mail."""

import datetime
from collections.abc import Iterator

from kvm_insight.cmd import table
from kvm_insight.model import tenant_report
from kvm_insight.report import figure, view

_WIDTH = 100
_INSTANCES = (
    'INSTANCE',
    'FLAVOR',
    '>VCPUS',
    '>MEASURED',
    '>CORE-H',
    '>WAITED-H',
    '>WAITED',
    '>CAUSED-H',
    'SIZE',
)
_SIZES = ('INSTANCE', '>VCPUS', '>P50', '>P95', '>P99', 'SIZE', 'WHY')
_WORST = ('BEGIN', 'INSTANCE', '>WAITED-S', '>OF WANTED', 'MOSTLY FOR')
_FINDINGS = ('BEGIN', 'END', 'CLASS', 'WHAT WAS FOUND')
_CAUSED = ('BEGIN', 'END', 'INSTANCE', 'WHO WAITED', '>WAITED-S')
_UNMEASURED = 'not measured'
#: Hours tell of waits for which no finding was opened.
_NOT_FOUND = 'no finding about your instances was open in this time'
_UNNAMED = (
    'no finding named one of your instances as the reason why another one'
    ' waited'
)
_Lines = Iterator[str]


def text(made: tenant_report.TenantReport, zone: datetime.tzinfo) -> str:
    """Return the report, a line each."""
    lines = (_plain(line) for line in _lines(made, zone))
    return '\n'.join(lines) + '\n'


def _plain(line: str) -> str:
    """Return the line without what would move the cursor."""
    return ''.join(char if char.isprintable() else '?' for char in line)


def _lines(made: tenant_report.TenantReport, zone: datetime.tzinfo) -> _Lines:
    seen = view.of(made, zone)
    yield f'{seen.project}: {seen.when}'
    yield ''
    yield seen.headline
    yield f'Measured: {figure.share(made.totals.coverage)} of the time.'
    yield f'Times are {made.period.timezone}. Made {seen.made}.'
    yield from (f'* {note}' for note in made.notes)
    yield from _causes(made)
    yield from _section('INSTANCES', _INSTANCES, _instances(made))
    yield from _section('RIGHT SIZE', _SIZES, _sizes(made))
    none = 'none' if made.totals.cpu.measured_s else _UNMEASURED
    worst = _worst(made, zone)
    yield from _section('LONGEST WAITS', _WORST, worst, none)
    findings = _findings(made, zone)
    yield from _section('FINDINGS', _FINDINGS, findings, _NOT_FOUND)
    caused = _caused(made, zone)
    yield from _section('OTHERS WAITED FOR YOURS', _CAUSED, caused, _UNNAMED)
    yield from _advice(made, seen)


def _section(
    title: str,
    header: tuple[str, ...],
    rows: list[list[str]],
    none: str = 'none',
) -> _Lines:
    yield ''
    yield title
    if rows:
        yield from table.render(header, rows, _WIDTH)
    else:
        yield none


def _causes(made: tenant_report.TenantReport) -> _Lines:
    cpu = made.totals.cpu
    told = {
        name: getattr(cpu.causes, name)
        for name in tenant_report.Causes.__struct_fields__
    }
    rows = [
        [
            figure.cause(name),
            figure.hours(core_s),
            figure.share(core_s / cpu.waited_core_s),
        ]
        for name, core_s in told.items()
        if core_s > 0 and cpu.waited_core_s > 0
    ]
    header = ('WAITED FOR', '>CORE-H', '>PART')
    none = 'none' if cpu.measured_s else _UNMEASURED
    yield from _section('WAITED FOR A CPU', header, rows, none)


def _instances(made: tenant_report.TenantReport) -> list[list[str]]:
    return [
        [
            one.name or one.uuid,
            one.flavor or figure.NONE,
            str(one.vcpus or figure.NONE),
            figure.share(one.coverage),
            *_work(one.cpu),
            one.sizing.verdict,
        ]
        for one in made.instances
    ]


def _work(cpu: tenant_report.Cpu) -> list[str]:
    """Return dashes where nothing was measured: no zero is known."""
    if not cpu.measured_s:
        return [figure.NONE] * 4
    return [
        figure.hours(cpu.run_core_s),
        figure.hours(cpu.waited_core_s),
        figure.share(cpu.waited_ratio),
        figure.hours(cpu.caused_core_s),
    ]


def _sizes(made: tenant_report.TenantReport) -> list[list[str]]:
    return [
        [
            one.name or one.uuid,
            str(one.sizing.vcpus or figure.NONE),
            figure.number(one.sizing.p50_cores),
            figure.number(one.sizing.p95_cores),
            figure.number(one.sizing.p99_cores),
            one.sizing.verdict,
            one.sizing.reason,
        ]
        for one in made.instances
    ]


def _worst(
    made: tenant_report.TenantReport, zone: datetime.tzinfo
) -> list[list[str]]:
    return [
        [
            figure.time(one.start_us, zone),
            one.name or one.instance,
            figure.number(one.waited_core_s),
            figure.share(one.waited_ratio),
            figure.cause(one.cause),
        ]
        for one in made.worst
    ]


def _findings(
    made: tenant_report.TenantReport, zone: datetime.tzinfo
) -> list[list[str]]:
    return [
        [
            figure.time(one.opened_us, zone),
            _end(one.closed_us, zone),
            figure.verdict(one.verdict),
            one.text,
        ]
        for one in made.findings
    ]


def _caused(
    made: tenant_report.TenantReport, zone: datetime.tzinfo
) -> list[list[str]]:
    return [
        [
            figure.time(one.begin_us, zone),
            _end(one.end_us, zone),
            one.name or one.instance,
            'your own instances' if one.own_only else 'other projects',
            figure.number(one.waited_core_s),
        ]
        for one in made.caused
    ]


def _advice(made: tenant_report.TenantReport, seen: view.View) -> _Lines:
    """Return what could be better, and once each what to do about it."""
    yield from ('', 'ADVICE')
    if not made.advice:
        checks = made.advice_checks
        none = f'{checks} checks found nothing to improve'
        yield none if checks else 'nothing was checked'
    for one in made.advice:
        saved = view.saved(
            one.saved_vcpus, one.saved_memory_bytes, one.saved_core_s
        )
        tail = f' (saves {saved})' if saved else ''
        who = one.name or one.instance or 'all'
        yield f'{one.severity} {one.check} {who}: {one.text}{tail}'
    if seen.saving:
        yield f'Could be given back together: {seen.saving}.'
    told = {one.check: one for one in made.advice}
    for one in told.values():
        yield f'* {one.check}: {one.remedy or figure.NONE}'
        yield f'  Not if {one.unless}' if one.unless else ''


def _end(time_us: int | None, zone: datetime.tzinfo) -> str:
    return 'open' if time_us is None else figure.time(time_us, zone)
