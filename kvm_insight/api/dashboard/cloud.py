# SPDX-License-Identifier: Apache-2.0
"""Cloud: its configuration, its allocation ratios, and our own pipeline."""

from kvm_insight.api.dashboard import page, reading

_ADVICE = ('check', 'severity', 'state', 'instance', 'marker')
#: Ten of its cycles, as they are by default.
_PLANNER_SILENT_S = 600
_FOR_OPERATORS = ('project_id', 'host')


def advice(reader: reading.Reader) -> page.Page:
    """Return a part of the configuration findings."""
    told = reader.arguments
    names = _ADVICE + (_FOR_OPERATORS if reader.is_operator else ())
    query = {name: told[name] for name in names if name in told}
    found = reader.get('/v1/configuration-findings', **query, limit=100)
    return page.Page(
        'advice.html',
        {
            'advice': found.configuration_findings,
            'next': page.more(reader, found.links),
            'filters': page.Told(told),
        },
    )


def overcommit(reader: reading.Reader) -> page.Page:
    """Return which allocation ratios carry."""
    change = reader.arguments.get('change')
    found = reader.get('/v1/overcommit', change=change)
    return page.Page(
        'overcommit.html',
        {'overcommit': found.overcommit, 'change': change or ''},
    )


def health(reader: reading.Reader) -> page.Page:
    """Return whether what is shown can be believed."""
    one = reader.get('/v1/health')
    age_s = one.planner_age_s
    return page.Page(
        'health.html',
        {
            'one': one,
            'is_planner_silent': age_s is not None
            and age_s > _PLANNER_SILENT_S,
        },
    )
