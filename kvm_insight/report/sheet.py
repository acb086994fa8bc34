# SPDX-License-Identifier: Apache-2.0
"""CSV of a report: one table by RFC 4180, for spreadsheets and programs.

A cell of text that a spreadsheet would take for a formula begins with an
apostrophe: names are whatever their owner typed.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from kvm_insight.model import tenant_report

_FORMULA = ('=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠')  # noqa: RUF001
_Rows = Iterator[Sequence[Any]]


def text(made: tenant_report.TenantReport, table: str) -> str:
    """Return one of ``TABLES`` of a report."""
    header, rows = TABLES[table]
    out = io.StringIO(newline='')
    writer = csv.writer(out, lineterminator='\r\n')
    writer.writerow(header)
    writer.writerows(map(_safe, rows(made)))
    return out.getvalue()


def _safe(row: Sequence[Any]) -> list[Any]:
    return [_guarded(cell) if isinstance(cell, str) else cell for cell in row]


def _guarded(cell: str) -> str:
    cell = cell.replace('\0', '\ufffd')
    return f"'{cell}" if cell.lstrip(' ').startswith(_FORMULA) else cell


_CAUSES = tenant_report.Causes.__struct_fields__
_CPU = (
    'measured_s',
    'run_core_s',
    'wanted_core_s',
    'waited_core_s',
    'waited_ratio',
    'caused_core_s',
)
_SLOT = tuple(
    name for name in tenant_report.Slot.__struct_fields__ if name != 'causes'
)
_INSTANCE = (
    'uuid',
    'name',
    'flavor',
    'vcpus',
    'memory_bytes',
    'first_seen_us',
    'last_seen_us',
    'known_s',
    'coverage',
)
_SIZING = (
    'verdict',
    'reason',
    'p50_cores',
    'p95_cores',
    'p99_cores',
    'proposed_vcpus',
)
_DEVICES: dict[str, type[msgspec.Struct]] = {
    'disk': tenant_report.Disk,
    'network': tenant_report.Network,
    'memory': tenant_report.Memory,
}


def _of(one: object, names: Sequence[str]) -> list[Any]:
    return [getattr(one, name, None) for name in names]


def _measured(
    one: tenant_report.Cpu | tenant_report.Slot, names: Sequence[str]
) -> list[Any]:
    """Return times and causes; empty cells where nothing was measured."""
    row = _of(one, names) + _of(one.causes, _CAUSES)
    if one.measured_s > 0:
        return row
    at = names.index('measured_s') + 1
    return row[:at] + [None] * len(row[at:])


def _instances(made: tenant_report.TenantReport) -> _Rows:
    for one in made.instances:
        row = _of(one, _INSTANCE) + _measured(one.cpu, _CPU)
        row += _of(one.sizing, _SIZING)
        for name, kind in _DEVICES.items():
            row += _of(getattr(one, name), kind.__struct_fields__)
        yield row


def _timeline(made: tenant_report.TenantReport) -> _Rows:
    for one in made.timeline:
        yield _measured(one, _SLOT)


def _plain(
    field: str, kind: type[msgspec.Struct]
) -> tuple[Sequence[str], Callable[[tenant_report.TenantReport], _Rows]]:
    """Return a table of records as they are."""
    names = kind.__struct_fields__
    return names, lambda made: (
        _of(one, names) for one in getattr(made, field)
    )


TABLES: dict[
    str,
    tuple[Sequence[str], Callable[[tenant_report.TenantReport], _Rows]],
] = {
    'instances': (
        (
            *_INSTANCE,
            *_CPU,
            *(f'waited_{name}_core_s' for name in _CAUSES),
            *(
                name if name.endswith(('cores', 'vcpus')) else f'sizing_{name}'
                for name in _SIZING
            ),
            *(
                f'{name}_{field}'
                for name, kind in _DEVICES.items()
                for field in kind.__struct_fields__
            ),
        ),
        _instances,
    ),
    'timeline': (
        (*_SLOT, *(f'waited_{name}_core_s' for name in _CAUSES)),
        _timeline,
    ),
    'worst': _plain('worst', tenant_report.Worst),
    'findings': _plain('findings', tenant_report.Incident),
    'caused': _plain('caused', tenant_report.Caused),
    'advice': _plain('advice', tenant_report.Advice),
}
