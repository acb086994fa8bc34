# SPDX-License-Identifier: Apache-2.0
"""Report: how a project's instances fared in a month."""

import datetime

from kvm_insight.api import problem
from kvm_insight.api.dashboard import page, reading
from kvm_insight.model import tenant_report
from kvm_insight.report import page as report_page
from kvm_insight.report import sheet as report_sheet

_ADDRESS = '/v1/projects/{id}/report'


def show(reader: reading.Reader) -> page.Page:
    """Return a project's report, or the question whose it should be."""
    told = reader.arguments
    project = _project(reader)
    values = {
        'project': project,
        'month': told.get('month', ''),
        'one': None,
        'why': None,
        'tables': list(report_sheet.TABLES),
        'projects': _projects(reader),
    }
    if project is None:
        return page.Page('report.html', values)
    try:
        one = _report(reader, project)
    except problem.Problem as why:
        return page.Page('report.html', {**values, 'why': why}, why.status)
    # It may have been asked for by its name.
    found = {'project': one.project_id, 'one': one}
    return page.Page('report.html', {**values, **found})


def whole(reader: reading.Reader) -> page.Page:
    """Return the report as one page that can be kept, printed and mailed."""
    made = _report(reader, _asked(reader))
    text = report_page.text(made, datetime.UTC)
    return page.Page('', {}, text=text)


def sheet(reader: reading.Reader) -> page.Page:
    """Return one table of the report, for spreadsheets."""
    table = reader.path['table']
    if table not in report_sheet.TABLES:
        raise problem.unknown()
    made = _report(reader, _asked(reader))
    text = report_sheet.text(made, table)
    return page.Page('', {}, text=text, media='text/csv')


def _asked(reader: reading.Reader) -> str:
    project = _project(reader)
    if project is None:
        raise problem.bad_query('project: whose report?')
    return project


def _project(reader: reading.Reader) -> str | None:
    told = reader.arguments
    # What was typed is newer than what was chosen before.
    found = told.get('other') or told.get('project')
    if found is None and not reader.is_operator:
        return reader.who.project_id
    return found


def _report(
    reader: reading.Reader, project: str
) -> tenant_report.TenantReport:
    made: tenant_report.TenantReport = reader.ask(
        'GET',
        _ADDRESS,
        path={'id': project},
        query={'month': reader.arguments.get('month')},
    )
    return made


def _projects(reader: reading.Reader) -> list[tuple[str, str]]:
    """Return some projects of which there are instances: for operators."""
    if not reader.is_operator:
        return []
    found = reader.get('/v1/instances', gone=False, limit=1000).instances
    names = {
        one.project_id: one.project_name or ''
        for one in found
        if one.project_id
    }
    return sorted(names.items(), key=lambda pair: (pair[1], pair[0]))
