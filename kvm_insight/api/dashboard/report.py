# SPDX-License-Identifier: Apache-2.0
"""Report: how a project's instances fared in a month."""

from kvm_insight.api import problem
from kvm_insight.api.dashboard import page, reading

_ADDRESS = '/v1/projects/{id}/report'


def show(reader: reading.Reader) -> page.Page:
    """Return a project's report, or the question whose it should be."""
    told = reader.arguments
    project = told.get('project') or (
        None if reader.is_operator else reader.who.project_id
    )
    values = {
        'project': project,
        'month': told.get('month', ''),
        'one': None,
        'why': None,
        'projects': _projects(reader),
    }
    if project is None:
        return page.Page('report.html', values)
    try:
        one = reader.ask(
            'GET',
            _ADDRESS,
            path={'id': project},
            query={'month': told.get('month')},
        )
    except problem.Problem as why:
        return page.Page('report.html', {**values, 'why': why}, why.status)
    return page.Page('report.html', {**values, 'one': one})


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
