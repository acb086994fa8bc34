# SPDX-License-Identifier: Apache-2.0
"""CSV: by RFC 4180, and nothing in it that a spreadsheet would run."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.model import tenant_report
from kvm_insight.report import sheet, tenant, value
from tests.unit.report import material


def report(*uses: value.Use) -> tenant_report.TenantReport:
    found = value.Found(material.found(material.party(name='=2+5')))
    made_of = material.of(*uses, found=(found,))
    return tenant.report(made_of, material.NOVEMBER, material.END_US)


def cells(made: tenant_report.TenantReport, table: str) -> list[list[str]]:
    text = sheet.text(made, table)
    return list(csv.reader(io.StringIO(text, newline=''), strict=True))


@given(st.text(st.characters(exclude_categories=['Cs']), max_size=30))
def test_no_name_becomes_a_formula(name: str) -> None:
    header, row = cells(report(material.use(name=name)), 'instances')
    assert len(row) == len(header)
    told = row[header.index('name')]
    assert not told.lstrip(' ').startswith(('=', '+', '-', '@', '\t', '\r'))
    assert told.removeprefix("'") in {name.replace('\0', '\ufffd'), name[1:]}


@pytest.mark.parametrize('name', ['=1', '+1', '-1', '@x', ' =1', '\t=1'])
def test_what_would_be_a_formula_begins_with_an_apostrophe(name: str) -> None:
    header, row = cells(report(material.use(name=name)), 'instances')
    assert row[header.index('name')] == f"'{name}"


@settings(max_examples=30)
@given(material.any_material())
def test_figures_are_as_in_the_report(made_of: value.Material) -> None:
    made = tenant.report(made_of, material.NOVEMBER, material.END_US)
    header, *rows = cells(made, 'instances')
    at = header.index('waited_core_s')
    assert [row[at] for row in rows] == [
        str(one.cpu.waited_core_s) if one.cpu.measured_s else ''
        for one in made.instances
    ]
    assert len(set(header)) == len(header)


@pytest.mark.parametrize('table', sheet.TABLES)
def test_each_line_has_as_many_cells(table: str) -> None:
    header, *rows = cells(report(material.use()), table)
    assert all(len(row) == len(header) for row in rows)
    text = sheet.text(report(material.use()), table)
    assert text.endswith('\r\n')
    assert text.count('\n') == text.count('\r\n')


def test_what_was_not_measured_is_empty() -> None:
    silent = material.use(cpu=value.Sums(), name=None)
    header, row = cells(report(silent), 'instances')
    assert row[header.index('waited_ratio')] == ''
    assert row[header.index('disk_read_bytes')] == ''
    assert row[header.index('coverage')] == '0.0'


@pytest.mark.parametrize('table', ['instances', 'timeline'])
def test_what_was_not_measured_is_an_empty_cell(table: str) -> None:
    made = report(material.use(cpu=value.Sums()))
    header, *rows = cells(made, table)
    for row in rows:
        told = dict(zip(header, row, strict=True))
        assert told['measured_s'] == '0.0'
        for name, cell in told.items():
            if name.endswith('_core_s'):
                assert cell == '', name
